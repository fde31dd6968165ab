# The Debian package and the systemd unit, on a machine with a systemd of its own.
. "$here/machine.sh"
need dig bind9-dnsutils
need envsubst gettext-base
need man man-db
need mandoc mandoc
need col bsdextrautils

build_binary
runs "the package builds" "$repo/deploy/host/package" "$binary" "$(go env GOARCH)" 0.1.0 "$tmp"
package=$tmp/fakemx_0.1.0_$(go env GOARCH).deb
cp "$package" "$tmp/first.deb"
"$repo/deploy/host/package" "$binary" "$(go env GOARCH)" 0.1.0 "$tmp" >/dev/null
runs "... and a second time gives the same file" cmp "$package" "$tmp/first.deb"

files=$(dpkg-deb --fsys-tarfile "$package" | tar t | grep -v '/$' | sort)
is "it holds nothing but" "$(grep -v '^./usr/share/doc/fakemx/[a-z-]*\.\(md\|svg\)$' <<<"$files")" "\
./etc/default/fakemx-sink
./etc/fakemx/Corefile
./lib/systemd/system/fakemx-sink.service
./lib/systemd/system/fakemx.service
./usr/bin/fakemx
./usr/lib/fakemx/coredns
./usr/share/doc/fakemx/changelog.gz
./usr/share/doc/fakemx/copyright
./usr/share/doc/fakemx/examples/fakemx-sink.json
./usr/share/doc/fakemx/examples/fakemx-sink.rules.yaml
./usr/share/doc/fakemx/examples/fakemx.json
./usr/share/doc/fakemx/examples/fakemx.rules.yaml
./usr/share/man/man1/fakemx.1.gz
./usr/share/man/man7/coredns-fakemx.7.gz
./usr/share/man/man8/fakemx.8.gz"
is "... and every page of docs/" "$(grep -o '[a-z-]*\.md$' <<<"$files")" "$(cd "$repo/docs" && ls ./*.md | sed 's#./##')"

dpkg-deb --fsys-tarfile "$package" | tar x -C "$tmp" --wildcards './usr/share/man/*'
for page in man1/fakemx.1 man7/coredns-fakemx.7 man8/fakemx.8; do
  file=$tmp/usr/share/man/$page.gz
  is "$page: mandoc has no warning" "$(zcat "$file" | mandoc -Tlint -W warning 2>&1)" ""
  is "... nor has man" "$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l "$file" 2>&1 >/dev/null)" ""
  cited=$(zcat "$file" | mandoc -Tascii -O width=1000 | col -b | grep -oP '(?<![a-z])/(etc|usr|lib)/[A-Za-z0-9._/-]*[A-Za-z0-9]' | sort -u)
  has "... cites files" "$cited" .
  missing=
  for path in $cited; do grep -q "^\.$path" <<<"$files" || missing+=" $path"; done
  is "... all of which the package has" "$missing" ""
done

# options_of COMMAND...: those that -help lists; documented SECTION: those that fakemx(1) has
dpkg-deb --fsys-tarfile "$package" | tar x -C "$tmp" ./usr/bin/fakemx
options_of() { for command; do "$tmp/usr/bin/fakemx" $command -help 2>&1 | sed -nE 's/^  -([a-z-]+).*/\1/p'; done | sort -u | xargs; }
documented() { zcat "$tmp/usr/share/man/man1/fakemx.1.gz" | awk -v section=".Ss fakemx $1" '/^\.S[sh]/ { inside = $0 == section } inside && /^\.It Fl/ { print $3 }' | sort -u | xargs; }
has "fakemx -help names its commands" "$("$tmp/usr/bin/fakemx" -help)" '^  sink '
for command in check 'sink serve' 'sink report'; do
  is "fakemx(1) has the options of fakemx $command, no more and no less" "$(documented "$command")" "$(options_of "$command")"
done
is "... and of the commands that speak to the sink" "$(documented 'sink list, show, acquit, allow')" \
  "$(options_of 'sink list' 'sink show' 'sink acquit' 'sink allow')"

exposure=$(systemd-analyze security --offline=true "$repo/deploy/host/fakemx.service" | awk '/Overall exposure/ {print $(NF-2)}')
if awk "BEGIN {exit !($exposure <= 1.6)}"; then ok "the unit's exposure is $exposure of 10"; else fail "the unit's exposure is $exposure of 10"; fi

start_machine || { fail "a machine boots: $(cat "$tmp/machine.log")"; return; }
ok "a machine boots"
cp "$package" "$machine_root/srv/fakemx.deb"
runs "the package is installed" machine dpkg -i /srv/fakemx.deb
is "... and starts nothing" "$(machine systemctl is-active fakemx fakemx-sink | xargs)" "inactive inactive"
has "man coredns-fakemx" "$(machine man coredns-fakemx)" 'fakemx +- +puts +synthetic'
has "man 1 fakemx" "$(machine man 1 fakemx)" 'probe-foreign'
has "man 8 fakemx" "$(machine man 8 fakemx)" 'SIGUSR1'
has "-version has the commit" "$(machine /usr/lib/fakemx/coredns -version)" "$(git -C "$repo" rev-parse --short=12 HEAD)"
has "... so has that of the command fakemx" "$(machine fakemx -version)" "$(git -C "$repo" rev-parse --short=12 HEAD)"
cat >"$machine_root/etc/fakemx/Corefile" <<'COREFILE'
example.org {
    errors
    prometheus 127.0.0.1:9153
    fakemx {
        highest decoy[1-3] 198.51.100.26
        serial /var/lib/fakemx/serials
    }
    file /etc/fakemx/example.org.zone
}
COREFILE
cp "$repo/deploy/kubernetes/components/zones/example.org.zone" "$machine_root/etc/fakemx/"
runs "the service starts" machine systemctl start fakemx
answers() { [ "$(machine dig @127.0.0.1 +tries=1 +time=1 +noall +answer example.org MX | wc -l)" = "$1" ]; }
runs "... on port 53, with the fakes" until_true 10 answers 5
number() { [ "$(machine dig @127.0.0.1 +tries=1 +time=1 +short example.org SOA | cut -d ' ' -f 3)" = "$1" ]; }
runs "... and with a serial of its own, kept below /var/lib/fakemx" until_true 10 number 2
status=$(machine sh -c 'cat /proc/$(systemctl show -P MainPID fakemx)/status')
has "... not as root" "$status" '^Uid:	6[0-9]{4}	'
has "... with the one capability" "$status" '^CapBnd:	0000000000000400'
has "... and a filter of system calls" "$status" '^Seccomp:	2'

sed -i 's/decoy\[1-3\]/decoy[1-4]/' "$machine_root/etc/fakemx/Corefile"
runs "reload" machine systemctl reload fakemx
runs "... takes up the change" until_true 10 answers 6
runs "... and moves the serial" until_true 10 number 3
sed -i 's/highest .*/highest fake0.mx 127.0.0.1/' "$machine_root/etc/fakemx/Corefile"
machine systemctl reload fakemx
bad_corefile_logged() { machine journalctl -u fakemx | grep -E 'ERROR.*127\.0\.0\.1'; }
runs "a bad Corefile is refused, in the journal" until_true 10 bad_corefile_logged
runs "... and the old one goes on" answers 6

has "fakemx check reads the Corefile of a server" "$(machine fakemx check -conf /etc/fakemx/Corefile 2>&1)" '/etc/fakemx/Corefile.*127\.0\.0\.1'
echo 'FLAGS=-host sink.example.org' >"$machine_root/etc/default/fakemx-sink"
runs "the sink server starts" machine systemctl start fakemx-sink
comes_later() { machine bash -c 'exec 3<>/dev/tcp/127.0.0.1/25; printf "EHLO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nQUIT\r\n" >&3; timeout 5 cat <&3' | grep -q '^451 '; }
runs "... and answers on port 25 with 451" until_true 10 comes_later
visit_logged() { machine journalctl -u fakemx-sink | grep -F '"helo":"a.example"'; }
runs "... the visit is in the journal" until_true 10 visit_logged
runs "... and in a report" machine fakemx sink report

# Upgrade and rollback as docs/operations.md has them: another version is installed over the one that runs.
"$repo/deploy/host/package" "$binary" "$(go env GOARCH)" 0.1.1 "$tmp" >/dev/null
# over VERSION: installs it, and says whether the service has begun anew, with the same answers and the same serial
over() {
  local before
  before=$(machine systemctl show -P MainPID fakemx)
  cp "$tmp/fakemx_$1_$(go env GOARCH).deb" "$machine_root/srv/"
  machine dpkg -i "/srv/fakemx_$1_$(go env GOARCH).deb" && [ "$(machine systemctl show -P MainPID fakemx)" != "$before" ] &&
    until_true 10 answers 6 && number 3
}
sed -i 's/highest .*/highest decoy[1-4] 198.51.100.26/' "$machine_root/etc/fakemx/Corefile"
runs "an upgrade goes on with the same answers and the same serial" over 0.1.1
runs "... so does a rollback" over 0.1.0

# The commands of docs/no-fakes.md, word for word.
command_of() { awk -v n="$1" '/^~~~ sh$/ && ++i == n { inside = 1; next } /^~~~/ { inside = 0 } inside' "$repo/docs/no-fakes.md"; }
has "docs/no-fakes.md: dig" "$(machine bash -c "$(command_of 1)")" 'MX\s+60 decoy4\.example\.org'
has "... the metrics" "$(machine bash -c "$(command_of 2)")" 'result="injected".* [1-9]'
has "... the log" "$(machine bash -c "$(command_of 3)")" 'example\.org\.: lowest none, highest decoy1'
has "... everything at once" "$(machine bash -c "cd /etc/fakemx && $(command_of 4)" 2>&1)" 'example\.org'

runs "the package is removed" machine dpkg -r fakemx
is "... and has stopped its services" "$(machine systemctl is-active fakemx fakemx-sink | xargs)" "inactive inactive"
runs "... and has kept the configuration" test -f "$machine_root/etc/fakemx/Corefile"
runs "... and what the sink server remembers" test -e "$machine_root/var/lib/private/fakemx-sink"
rm "$machine_root/etc/fakemx/example.org.zone"
runs "the package is purged" machine dpkg -P fakemx
is "... and nothing is left of it" "$(find "$machine_root"/{etc,lib,usr,var} -xdev -name '*fakemx*' -not -path '*/var/log/*' -not -path '*/var/cache/man/*')" ""

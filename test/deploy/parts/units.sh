# Both units of the package under a systemd of their own, at work: what systemd says of them, what they can't do, and what
# becomes of visits when a service is reloaded, restarted, killed and stopped. What the package itself promises is in host.
. "$here/machine.sh"
need nc netcat-openbsd
need logrotate logrotate
need jq jq
need openssl openssl

build_binary
runs "the package builds" "$repo/deploy/host/package" "$binary" "$(go env GOARCH)" 0.1.0 "$tmp"
start_machine || { fail "a machine boots: $(cat "$tmp/machine.log")"; return; }
ok "a machine boots: $(machine systemctl --version | head -1)"
cp "$tmp/fakemx_0.1.0_$(go env GOARCH).deb" "$machine_root/srv/fakemx.deb"
runs "the package is installed" machine dpkg -i /srv/fakemx.deb
# What a machine with mail has.
machine ip address add 198.51.100.26/32 dev lo
machine ip address add 192.0.2.7/32 dev lo
install -m 640 -g adm /dev/null "$machine_root/var/log/mail.log"
touch "$machine_root/var/log/haraka.log"
rm -f "$machine_root"/etc/logrotate.d/*

# block LANGUAGE PATTERN: the first block of docs/sink.md in that language that has the pattern
block() {
  awk -v language="$1" -v pattern="$2" '
    /^~~~/ && !inside { inside = 1; wanted = $2 == language; text = ""; next }
    /^~~~/ { inside = 0; if (wanted && text ~ pattern) { printf "%s", text; exit } }
    inside { text = text $0 "\n" }' "$repo/docs/sink.md"
}
property() { machine systemctl show -P "$2" "$1"; }
journal() { machine journalctl --no-pager -u fakemx-sink -o cat "$@"; }
visits_of() { journal | grep -F "\"helo\":\"$1\""; }
# visit HELO: from 192.0.2.7 to the sink
visit() {
  printf 'EHLO %s\r\nMAIL FROM:<ann@a.example>\r\nRCPT TO:<bob@example.org>\r\nQUIT\r\n' "$1" |
    machine timeout 10 nc -w 5 -s 192.0.2.7 198.51.100.26 25
}
answers() { visit "$1" | grep -q '^451 '; }
metric() { machine curl -s http://127.0.0.1:9154/metrics | awk -v name="$1" '$1 ~ "^" name "($|{)" { sum += $2 } END { print sum + 0 }'; }
is_metric() { [ "$(metric "$1")" = "$2" ]; }

for unit in fakemx-sink fakemx; do
  is "$unit: systemd has nothing to say against the unit" "$(machine systemd-analyze verify --man=yes "$unit.service" 2>&1)" ""
done
printf 'FLAGS=-host sink.example.org -feed /var/log/mail.log -feed mail=/var/log/haraka.log\n' >"$machine_root/etc/default/fakemx-sink"
runs "the sink starts as it is shipped" machine systemctl start fakemx-sink
runs "... is told from port 25 to come later" until_true 20 answers first.example
runs "... and the visit is in the journal, with the client's address" until_true 10 visits_of first.example
is "... which is" "$(visits_of first.example | head -1 | jq -r '.client + " " + .sink')" "192.0.2.7 198.51.100.26"
exposure=$(machine systemd-analyze security --no-pager fakemx-sink.service | awk '/Overall exposure/ {print $(NF-2)}')
if awk "BEGIN {exit !($exposure <= 1.6)}"; then ok "... its exposure, as it runs, is $exposure of 10"; else fail "... its exposure, as it runs, is $exposure of 10"; fi
status=$(machine cat "/proc/$(property fakemx-sink MainPID)/status")
has "... not as root" "$status" '^Uid:	6[0-9]{4}	'
has "... with the one capability" "$status" '^CapEff:	0000000000000400'
has "... and can't get another" "$status" '^CapBnd:	0000000000000400'
has "... nor other privileges" "$status" '^NoNewPrivs:	1'
has "... and a filter of system calls" "$status" '^Seccomp:	2'
is "what it remembers is where the documents say, for itself alone" \
  "$(machine stat -L -c '%a %U' /var/lib/fakemx-sink /var/lib/fakemx-sink/sink.db /var/lib/fakemx-sink/sink.sock | xargs)" \
  "700 fakemx-sink 600 fakemx-sink 600 fakemx-sink"

# What somebody could do who had taken over the process: the unit with a shell in the server's place.
mkdir -p "$machine_root/home/somebody"
cat >"$machine_root/srv/intruder" <<'SH'
does() { if "${@:2}" >/dev/null 2>&1; then echo "does: $1"; fi; }
does "read the mail log" cat /var/log/mail.log
does "write what it remembers" touch "$STATE_DIRECTORY/x"
does "write below /usr" touch /usr/x
does "write below /etc" touch /etc/x
does "write below /var/lib" touch /var/lib/x
does "look into /home" test -e /home/somebody
does "see other processes" test -e /proc/1
does "see the settings of the kernel" test -e /proc/sys/kernel
does "signal the first process" kill -0 1
does "look at network interfaces" ip link
does "make a user namespace" unshare --user true
does "mount" mount -t tmpfs tmpfs /mnt
does "change its root" chroot / true
does "become somebody else" setpriv --reuid=1 --regid=1 --clear-groups true
exit 0
SH
sed -e 's#^ExecStart=.*#ExecStart=/bin/bash /srv/intruder#' -e 's/^Type=.*/Type=oneshot/' -e '/^Restart=/d; /^ExecReload=/d' -e 's/=fakemx-sink$/=intruder/' \
  "$repo/deploy/sink/fakemx-sink.service" >"$machine_root/etc/systemd/system/intruder.service"
machine systemctl daemon-reload
machine systemctl start intruder
is "an intruder in it could do nothing but what it is there for" "$(machine journalctl -u intruder -o cat | grep '^does: ')" "does: read the mail log
does: write what it remembers"
is "counter-check: without the unit root does all of it" "$(machine env STATE_DIRECTORY=/srv bash /srv/intruder | wc -l)" "$(grep -c '^does "' "$machine_root/srv/intruder")"

# Clients that come one after the other, and write down under which names they heard 451.
cat >"$machine_root/srv/client" <<'SH'
while [ -e /srv/go ]; do
  name=$1-$((n += 1)).example
  exec 3<>/dev/tcp/198.51.100.26/25 || { sleep 0.1; continue; }
  printf 'EHLO %s\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nQUIT\r\n' "$name" >&3
  case $(timeout 10 cat <&3) in *"451 "*) echo "$name" ;; esac
done 2>/dev/null >"/srv/heard.$1"
SH
come() { touch "$machine_root/srv/go"; loads=(); for n in 1 2 3 4; do start "$tmp/client.log" machine bash /srv/client "$1$n"; loads+=("$started"); done; }
# gone PREFIX COMMAND: how many heard 451, and how many of these are not among the lines that COMMAND prints
gone() {
  rm "$machine_root/srv/go"
  wait "${loads[@]}"
  cat "$machine_root/srv/heard.$1"? | sort >"$tmp/heard"
  until_true 15 none_missing "${@:2}"
  echo "$(wc -l <"$tmp/heard") sessions, $(missing "${@:2}") lost"
}
missing() { "$@" | grep -o '"helo":"[^"]*' | cut -d '"' -f 4 | sort | comm -23 "$tmp/heard" - | wc -l; }
none_missing() { [ "$(missing "$@")" = 0 ]; }

come changed
for _ in 1 2 3; do
  machine systemctl reload fakemx-sink
  sleep 0.5
  machine systemctl restart fakemx-sink
  sleep 0.5
done
machine systemctl stop fakemx-sink
machine systemctl start fakemx-sink
sleep 0.5
machine systemctl restart systemd-journald
sleep 0.5
lost=$(gone changed journal)
has "no visit is lost by reload, restart, stop, and a restart of the journal ($lost)" "$lost" '^[1-9][0-9]+ sessions, 0 lost'
is "... and none of it failed" "$(property fakemx-sink Result) $(property fakemx-sink NRestarts)" "success 0"
pid=$(property fakemx-sink MainPID)
machine systemctl reload fakemx-sink
runs "a reload keeps the process" [ "$(property fakemx-sink MainPID)" = "$pid" ]

# The journal's lines, as they go on to the judge of several sinks.
mkdir "$machine_root/srv/judge"
start "$tmp/judge.log" machine fakemx sink serve -listen 127.0.0.1:2526 -metrics 127.0.0.1:9155 -state /srv/judge -receive udp:127.0.0.1:5514 -sinks
judged() {
  machine sh -c 'journalctl --no-pager -t fakemx-sink -o short | grep -F "\"helo\":\"first.example\"" | nc -u -w 1 127.0.0.1 5514'
  machine curl -s http://127.0.0.1:9155/metrics | grep -q '^fakemx_sink_feed_lines_total{kind="visit"} [1-9]'
}
runs "a judge of several sinks takes its lines for visits" until_true 20 judged
stop "$started"

known() { machine fakemx sink report -o json | jq '.all.clients + .all.left_out'; }
before=$(known)
machine kill -9 "$pid"
again() { [ "$(property fakemx-sink ActiveState) $(property fakemx-sink NRestarts)" = "active 1" ]; }
runs "a server that is killed is started again" until_true 20 again
runs "... and answers" until_true 10 answers killed.example
has "... it knew $before clients" "$before" '^[1-9]'
is "... and knows them still" "$(known)" "$before"

# A journal that takes few lines of a service in half a minute, if the unit doesn't say otherwise.
mkdir -p "$machine_root/etc/systemd/journald.conf.d" "$machine_root/etc/systemd/system/fakemx-sink.service.d"
printf '[Journal]\nRateLimitIntervalSec=30s\nRateLimitBurst=10\n' >"$machine_root/etc/systemd/journald.conf.d/few.conf"
machine systemctl restart systemd-journald
# flood: hundreds of visits; a few clients may be sent away, if the machine is busy
flood() { machine bash -c 'for ((i = 0; i < 600; i++)); do exec 3<>/dev/tcp/198.51.100.26/25; read -r <&3; exec 3>&-; done'; }
told() { machine journalctl --no-pager -o cat "_SYSTEMD_INVOCATION_ID=$(property fakemx-sink InvocationID)" | grep -c '^{"time":'; }
all_told() { [ "$(told)" -ge 100 ] && is_metric fakemx_sink_visits_total "$(told)"; }
machine systemctl restart fakemx-sink
until_true 10 answers many.example
flood
runs "the journal takes any number of visits" until_true 20 all_told
printf '[Service]\nLogRateLimitIntervalSec=0\nLogRateLimitBurst=0\n' >"$machine_root/etc/systemd/system/fakemx-sink.service.d/few.conf"
machine systemctl daemon-reload
machine systemctl restart fakemx-sink
until_true 10 answers few.example
flood
if until_true 3 all_told; then fail "counter-check: without the unit's line it takes as many"; else ok "counter-check: without the unit's line it leaves some out"; fi
rm "$machine_root/etc/systemd/system/fakemx-sink.service.d/few.conf" "$machine_root/etc/systemd/journald.conf.d/few.conf"
machine systemctl daemon-reload
machine systemctl restart systemd-journald

# Real hosts' logs, with the permissions and rotations that Debian has.
is_known() { is_metric fakemx_sink_sightings_total "$1"; }
postfix() { echo "$(date -u '+%b %e %T') mail postfix/smtpd[1]: connect from unknown[$1]" >>"$machine_root/var/log/mail.log"; }
machine systemctl restart fakemx-sink
until_true 10 answers feeds.example
postfix 203.0.113.1
runs "a log that only the group adm reads is read" until_true 10 is_known 1
mv "$machine_root/var/log/mail.log" "$machine_root/var/log/mail.log.1"
install -m 640 -g adm /dev/null "$machine_root/var/log/mail.log"
postfix 203.0.113.2
runs "... and across rotation" until_true 10 is_known 2

printf '[Service]\nExecStart=/bin/sh -c "exec cat <>/srv/haraka"\n' >"$machine_root/etc/systemd/system/haraka.service"
mkdir "$machine_root/etc/systemd/system/haraka.service.d"
printf '[Service]\n%s\n' "$(grep -o 'StandardOutput=append:[^`]*' "$repo/docs/sink.md")" >"$machine_root/etc/systemd/system/haraka.service.d/log.conf"
mkfifo "$machine_root/srv/haraka"
machine systemctl daemon-reload
runs "Haraka's output is led to a file by the line of docs/sink.md" machine systemctl start haraka
haraka() { echo "$(date -u +%FT%T.000Z) [NOTICE] [1B15A6AC-D883-4C3A-AFE1-796FB4F083AA] [core] connect ip=$1 port=54111 local_ip=192.0.2.1 local_port=25" >"$machine_root/srv/haraka"; }
haraka 203.0.113.3
haraka 203.0.113.4
runs "... and its clients are known" until_true 10 is_known 4
block logrotate haraka >"$machine_root/etc/logrotate.d/haraka"
runs "... it is rotated as docs/sink.md says" machine logrotate -f /etc/logrotate.d/haraka
runs "... away from the file" test -s "$machine_root/var/log/haraka.log.1"
sleep 1
haraka 203.0.113.5
runs "... and read on" until_true 10 is_known 5

sed -i 's#$# -visits /var/log/fakemx-sink/visits.json#' "$machine_root/etc/default/fakemx-sink"
block logrotate visits >"$machine_root/etc/logrotate.d/fakemx-sink"
machine systemctl restart fakemx-sink
until_true 10 answers file.example
come rotated
for _ in 1 2 3; do
  sleep 1
  runs "the file of -visits is rotated under load" machine logrotate -f /etc/logrotate.d/fakemx-sink
done
sleep 1
in_files() { machine sh -c 'zcat -f /var/log/fakemx-sink/visits.json*'; }
lost=$(gone rotated in_files)
has "... no visit is lost by that ($lost)" "$lost" '^[1-9][0-9]+ sessions, 0 lost'
is "... and there are all the files" "$(machine sh -c 'cd /var/log/fakemx-sink && echo *')" "visits.json visits.json.1 visits.json.2.gz visits.json.3.gz"

# A certificate that only root reads.
machine mkdir -p /etc/letsencrypt/live/sink.example.org
machine openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=sink.example.org \
  -keyout /etc/letsencrypt/live/sink.example.org/privkey.pem -out /etc/letsencrypt/live/sink.example.org/fullchain.pem 2>/dev/null
block systemd LoadCredential >"$machine_root/etc/systemd/system/fakemx-sink.service.d/certificate.conf"
block default tls-cert >"$machine_root/etc/default/fakemx-sink"
machine systemctl daemon-reload
runs "with a certificate it starts" machine systemctl restart fakemx-sink
until_true 10 answers tls.example
has "... and speaks TLS" "$(machine openssl s_client -starttls smtp -connect 198.51.100.26:25 -brief </dev/null 2>&1)" 'Peer certificate: CN = sink.example.org'

# The lists, read by the other unit of the package.
printf 'FLAGS=%s\n' '-host sink.example.org -real mail=127.0.0.1:2599 -probe-rcpt postmaster@example.org -feed /var/log/mail.log -policy mail=127.0.0.1:10044 -list /run/fakemx-sink -list-zone bl.example.org -conf /etc/fakemx/Corefile' \
  >"$machine_root/etc/default/fakemx-sink"
machine systemctl restart fakemx-sink
until_true 10 machine test -s /run/fakemx-sink/db.bl.example.org
block text 'file /run/fakemx-sink/db' | sed 's/^bl.example.org {/bl.example.org:5353 {/' >>"$machine_root/etc/fakemx/Corefile"
runs "the name server of the package starts" machine systemctl start fakemx
listed() { [ "$(machine dig @127.0.0.1 -p 5353 +tries=1 +time=1 +short 2.0.0.127.bl.example.org)" = 127.0.0.2 ]; }
runs "... and reads the list that the sink writes" until_true 15 listed
machine systemctl restart fakemx-sink
runs "... which is there again after a restart of the sink" until_true 10 machine setpriv --reuid=65534 --regid=65534 --clear-groups test -s /run/fakemx-sink/db.bl.example.org
runs "... and is served all the time" listed
machine kill -9 "$(property fakemx MainPID)"
back() { [ "$(property fakemx ActiveState) $(property fakemx NRestarts)" = "active 1" ] && listed; }
runs "... a name server that is killed is started again" until_true 20 back

is "the lists end with the service" "$(machine systemctl stop fakemx-sink fakemx && machine ls -d /run/fakemx-sink 2>&1)" "ls: cannot access '/run/fakemx-sink': No such file or directory"
is "in the journal is no warning about either unit but of what was killed" \
  "$(machine journalctl --no-pager -p warning -o cat _SYSTEMD_UNIT=fakemx-sink.service + _SYSTEMD_UNIT=fakemx.service + UNIT=fakemx-sink.service + UNIT=fakemx.service | sort | uniq -c | xargs)" \
  "$(for unit in fakemx-sink fakemx; do echo -n "1 $unit.service: Failed with result signal. 1 $unit.service: Main process exited, code=killed, status=9/KILL "; done | sed 's/ $//')"

# A release, dry: goreleaser makes archives, packages, checksums and SBOMs, and publishes nothing.
# It wants a clean clone, and its own directory for what it makes.
need jq jq
need dig bind9-dnsutils
need envsubst gettext-base
need mandoc mandoc
need man man-db
need col bsdextrautils
need nc netcat-openbsd
mkdir -p "$tmp/tools"
runs "the tools build" go -C "$repo/deploy/tools" build -o "$tmp/tools/" github.com/goreleaser/goreleaser/v2 github.com/anchore/syft/cmd/syft
git clone -q "$repo" "$tmp/release"
commit=$(git -C "$tmp/release" rev-parse --short HEAD)
release() { (cd "$tmp/release" && PATH=$tmp/tools:$PATH goreleaser "$@"); }
runs "goreleaser takes the configuration" release check
runs "goreleaser makes a release" release release --snapshot --clean
dist=$tmp/release/dist

for arch in amd64 arm64; do
  archive=$(cd "$dist" && echo fakemx_*_linux_$arch.tar.gz)
  directory=${archive%.tar.gz}
  is "$archive: what is in it" "$(tar tf "$dist/$archive" | grep -v '/$' | sed "s#^$directory/##" | sort | xargs)" \
    "$({ printf '%s\n' CHANGELOG.md Corefile.example LICENSE README.md coredns fakemx fakemx.1 systemd/fakemx{,-sink}.service testdata/db.example.org
      cd "$tmp/release" && ls docs/*.{md,svg}; } | sort | xargs)"
  has "... for $arch" "$(tar xOf "$dist/$archive" "$directory/coredns" | head -c 20 | od -An -tx1 -j18 -N1)" "$([ $arch = amd64 ] && echo 3e || echo b7)"
  has "... so is the command fakemx" "$(tar xOf "$dist/$archive" "$directory/fakemx" | head -c 20 | od -An -tx1 -j18 -N1)" "$([ $arch = amd64 ] && echo 3e || echo b7)"
  has "... SBOM with CoreDNS in it" "$(jq -r '.packages[].name' "$dist/$archive.sbom.json")" '^github.com/coredns/coredns$'
  is "Debian package for $arch" "$(dpkg-deb --field "$dist"/packages/fakemx_*_$arch.deb Architecture)" $arch
done
is "a checksum for each archive, SBOM and package" "$(wc -l <"$dist/SHA256SUMS")" 6
runs "... that is right" sh -c "cd $dist && sha256sum --check SHA256SUMS --ignore-missing"
runs "... of the packages too" sh -c "cd $dist/packages && sha256sum --check ../SHA256SUMS --ignore-missing"

# An archive, unpacked where nothing else is: its README's commands, word for word.
native=$(cd "$dist" && echo fakemx_*_linux_"$(go env GOARCH)".tar.gz)
mkdir "$tmp/unpacked"
tar xzf "$dist/$native" -C "$tmp/unpacked"
cd "$tmp/unpacked/${native%.tar.gz}" || return
block() { awk -v fence="~~~ $1" '/^~~~/ && inside { exit } inside; $0 == fence { inside = 1 }' README.md; }
read -ra command <<<"$(block sh)"
start "$tmp/unpacked.log" "${command[@]}"
as_shown() {
  diff <(block console) <(block console | sed -n 's/^\$ //p' | while read -r line; do echo "\$ $line"; $line; done)
}
runs "the archive's command serves what its README shows" until_true 20 as_shown
has "-version has the commit" "$(./coredns -version)" "$commit"
has "... and so has that of the command fakemx" "$(./fakemx -version)" "$commit"
for path in $(mandoc -Tascii -O width=1000 fakemx.1 | col -b | grep -oE '/usr/share/doc/fakemx/[a-z-]+\.md'); do
  runs "its manual page names ${path##*/}, which it has" test -f "docs/${path##*/}"
done
is "... and man has no warning" "$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l ./fakemx.1 2>&1 >/dev/null)" ""
for unit in systemd/*.service; do
  program=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$unit")
  runs "$unit starts ${program##*/}, which it has" test -x "${program##*/}"
  has "... from where the README says" "$(cat README.md)" "\`${program##*/}\` (is )?in \`${program%/*}\`"
done
has "fakemx check reads its Corefile" "$(./fakemx check -conf Corefile.example -no-probe -resolver 127.0.0.1:9 -timeout 2s 2>&1)" 'example\.org'
start "$tmp/archive-sink.log" ./fakemx sink serve -listen 127.0.0.1:10545 -metrics ''
comes_later() { printf 'EHLO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nQUIT\r\n' | timeout 5 nc 127.0.0.1 10545 | grep -q '^451 '; }
runs "fakemx sink serve says 451" until_true 10 comes_later
cd "$here" || return

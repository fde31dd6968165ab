# A release, dry: goreleaser makes archives, packages, checksums and SBOMs, and publishes nothing.
# It wants a clean clone, and its own directory for what it makes.
need jq jq
need dig bind9-dnsutils
need envsubst gettext-base
mkdir -p "$tmp/tools"
runs "the tools build" go -C "$repo/deploy/tools" build -o "$tmp/tools/" github.com/goreleaser/goreleaser/v2 github.com/anchore/syft/cmd/syft
git clone -q "$repo" "$tmp/release"
release() { (cd "$tmp/release" && PATH=$tmp/tools:$PATH goreleaser "$@"); }
runs "goreleaser takes the configuration" release check
runs "goreleaser makes a release" release release --snapshot --clean
dist=$tmp/release/dist

for arch in amd64 arm64; do
  archive=$(cd "$dist" && echo fakemx_*_linux_$arch.tar.gz)
  directory=${archive%.tar.gz}
  is "$archive: what is in it" "$(tar tf "$dist/$archive" | grep -v '/$' | sed "s#^$directory/##" | sort | xargs)" \
    "CHANGELOG.md Corefile.example LICENSE README.md coredns fakemx testdata/db.example.org"
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
has "-version has the commit" "$(./coredns -version)" "$(git -C "$repo" rev-parse --short HEAD)"
has "... and so has that of the command fakemx" "$(./fakemx -version)" "$(git -C "$repo" rev-parse --short HEAD)"
cd "$here" || return

# The image, with podman and runc: what is in it, and that it serves with nothing but what it needs.
# ARCHES are the architectures it is built for (Go's names), the machine's own by default.
need podman podman runc
need dig bind9-dnsutils
need jq jq

native=$(go env GOARCH)
name=localhost/test/fakemx:1
runs "the image builds" "$repo/deploy/image/build" $name
config=$(podman image inspect $name | jq '.[0]')
is "it runs as a numeric user that isn't root" "$(jq -r .Config.User <<<"$config")" 65532:65532
is "it has one file: no shell, nothing to keep up to date" \
  "$(podman save $name | tar xO --wildcards '*/layer.tar' '*.tar' 2>/dev/null | tar t --ignore-zeros | grep -v '/$' | xargs)" coredns
for label in title description source licenses version; do
  has "label $label" "$(jq -r ".Labels[\"org.opencontainers.image.$label\"]" <<<"$config")" '.'
done
echo "     size $(jq '.Size / 1e6 | floor' <<<"$config") MB"

# A network of its own, so that ports of this machine are neither needed nor seen.
ip netns add fakemx-image
finally ip netns del fakemx-image
in_net() { nsenter --net=/run/netns/fakemx-image -- "$@"; }
in_net ip link set lo up

# serve OVERLAY: runs the image with the overlay's Corefile as an operator would: read-only, without any capability
serve() {
  in_net podman run --detach --rm --name fakemx-test --network=host --read-only --cap-drop=all --security-opt=no-new-privileges \
    --volume "$repo/deploy/kubernetes/overlays/$1:/etc/fakemx:ro" --volume "$repo/deploy/kubernetes/components/zones:/zones:ro" $name
}
# podman would wait for the lameduck of 20 s to end.
end() { podman rm --force --time=0 fakemx-test; }
finally end
answered() { in_net dig @127.0.0.1 -p 1053 +tries=1 +time=1 example.org MX +norecurse; }
milliseconds() { echo $(($(date +%s%N) / 1000000)); }

has "-version has the commit" "$(in_net podman run --rm --network=host $name -version)" "$(git -C "$repo" describe --tags --always)"

begin=$(milliseconds)
runs "it starts read-only, without capabilities" serve standalone
until_true 10 answered
echo "     first answer after $(($(milliseconds) - begin)) ms, podman included"
has "... and answers on 1053 with the fakes" "$(answered)" 'ANSWER: 5,'
has "... over TCP too" "$(in_net dig @127.0.0.1 -p 1053 +tcp +tries=1 +time=1 example.org MX)" 'ANSWER: 5,'
status=$(cat "/proc/$(podman inspect fakemx-test | jq '.[0].State.Pid')/status")
has "... as 65532" "$status" '^Uid:	65532	65532	65532	65532'
has "... with no capability" "$status" '^CapBnd:	0000000000000000'
has "... with a filter of system calls" "$status" '^Seccomp:	2'
is "... ready" "$(in_net curl -s http://127.0.0.1:8181/ready)" OK
has "... with metrics" "$(in_net curl -s http://127.0.0.1:9153/metrics)" '^coredns_fakemx_answers_total.*injected.* [1-9]'
end >/dev/null

mkdir "$tmp/refused"
printf '.:1053 {\n    fakemx example.org {\n        highest decoy 127.0.0.1\n    }\n}\n' >"$tmp/refused/Corefile"
has "a Corefile that it refuses ends it at once, with file, line and cause" \
  "$(in_net timeout 30 podman run --rm --network=host --volume "$tmp/refused:/etc/fakemx:ro" $name 2>&1; echo "status $?")" \
  '/etc/fakemx/Corefile:3 - .*loopback address'

for overlay in forward-nsd secondary secondary-knot; do
  serve $overlay >/dev/null
  runs "it takes the Corefile of $overlay" until_true 10 answered
  has "... and says SERVFAIL as long as nothing is behind it" "$(answered)" 'status: SERVFAIL'
  end >/dev/null
done

for arch in ${ARCHES:-}; do
  runs "the image builds for $arch" "$repo/deploy/image/build" "localhost/test/fakemx:$arch" "$arch"
  is "... and says so" "$(podman image inspect "localhost/test/fakemx:$arch" | jq -r '.[0].Architecture')" "$arch"
done
if [ -n "${ARCHES:-}" ]; then
  runs "one name for $native and $ARCHES" "$repo/deploy/image/build" localhost/test/fakemx:all "$native" $ARCHES
  is "... with an image each" "$(podman manifest inspect localhost/test/fakemx:all | jq -r '.manifests[].platform.architecture' | sort | xargs)" \
    "$(printf '%s\n' "$native" $ARCHES | sort | xargs)"
fi

# The sink server's alerts, unit and image, and what a build of the plugin must not carry for its sake. Its manifests are
# in the part manifests.
need promtool prometheus
need jq jq
need swaks swaks
sink=$repo/deploy/sink

mkdir "$tmp/sinkrules"
cp "$sink/fakemx-sink.rules.yaml" "$here/prometheus/sink.test.yaml" "$tmp/sinkrules"
runs "the sink's rules are valid" promtool check rules "$tmp/sinkrules/fakemx-sink.rules.yaml"
runs "every alert of the sink fires on its cause, and none on an ordinary day" promtool test rules "$tmp/sinkrules/sink.test.yaml"
for alert in $(sed -n 's/.*- alert: //p' "$sink/fakemx-sink.rules.yaml"); do
  sed "/alert: $alert\$/,/for:/s/for: .*/for: 1000h/" "$sink/fakemx-sink.rules.yaml" >"$tmp/sinkrules/fakemx-sink.rules.yaml"
  if promtool test rules "$tmp/sinkrules/sink.test.yaml" >"$tmp/sinkrules/log" 2>&1; then
    fail "counter-check: the tests don't notice that $alert never fires"
  else
    ok "counter-check: the tests notice if $alert never fires"
  fi
done

CGO_ENABLED=0 go -C "$repo" build -buildvcs=false -o "$tmp/fakemx" ./cmd/fakemx
has "the command is one static binary" "$(file "$tmp/fakemx" 2>/dev/null || ldd "$tmp/fakemx" 2>&1)" 'statically linked|not a dynamic executable'

exposure=$(systemd-analyze security --offline=true "$sink/fakemx-sink.service" | awk '/Overall exposure/ {print $(NF-2)}')
if awk "BEGIN {exit !($exposure <= 1.6)}"; then ok "the unit's exposure is $exposure of 10"; else fail "the unit's exposure is $exposure of 10"; fi
has "the lists end with the service" "$(cat "$sink/fakemx-sink.service")" '^RuntimeDirectory=fakemx-sink$'
has "the unit may bind to port 25 and nothing else" "$(cat "$sink/fakemx-sink.service")" '^CapabilityBoundingSet=CAP_NET_BIND_SERVICE$'

# Without the command fakemx, and without anything that only it needs.
plugin=$(go -C "$repo" list -deps .)
hasnt "the plugin carries no part of the sink server" "$plugin" 'fakemx/internal/sink'
hasnt "... nor of fakemx check" "$plugin" 'fakemx/internal/check|blitiri.com.ar'
coredns=$(cd "$repo" && go list -m -f '{{.Path}}' all | sort)
alone=$(cd "$(cd "$repo" && go list -m -f '{{.Dir}}' github.com/coredns/coredns)" && go list -mod=mod -m -f '{{.Path}}' all 2>/dev/null | sort)
is "the module graph is CoreDNS's, fakemx and what fakemx check reads SPF with" "$(comm -23 <(echo "$coredns") <(echo "$alone") | xargs)" "blitiri.com.ar/go/spf github.com/fakemx/fakemx"

# A namespace of its own, so that ports of this machine are neither needed nor seen.
ip netns add fakemx-sinkserver
finally ip netns del fakemx-sinkserver
in_sink() { nsenter --net=/run/netns/fakemx-sinkserver -- "$@"; }
in_sink ip link set lo up
# Not by the function, whose shell alone would be stopped.
nsenter --net=/run/netns/fakemx-sinkserver -- setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+net_bind_service --ambient-caps=+net_bind_service --bounding-set=-all,+net_bind_service \
  "$tmp/fakemx" sink serve -listen :25 -metrics '' >"$tmp/sink.json" 2>"$tmp/sink.log" &
finally stop $!
runs "with one capability and no root it listens on port 25" until_true 10 in_sink bash -c '</dev/tcp/127.0.0.1/25'
said=$(in_sink swaks --server 127.0.0.1 --from a@example.net --to b@example.org --ehlo swaks.example.net 2>&1)
has "swaks is told to come later" "$said" '^<\*\* 451 4\.3\.0 '
hasnt "... and hears no 5xx" "$said" '^<[-*~]+ *5[0-9][0-9][ -]'
said=$(in_sink swaks --server 127.0.0.1 --from a@example.net --to b@example.org --auth LOGIN --auth-user x --auth-password y --auth-optional 2>&1
  in_sink swaks --server 127.0.0.1 --from a@example.net --to b@example.org --tls 2>&1
  in_sink swaks --server 127.0.0.1 --from a@example.net --to b@example.org --pipeline 2>&1
  in_sink swaks --server 127.0.0.1 --from a@example.net --to b@example.org --protocol LMTP 2>&1
  in_sink swaks --server 127.0.0.1 --from a@example.net --to b@example.org --protocol SMTP 2>&1)
hasnt "neither with AUTH, TLS, pipelining, LMTP nor HELO" "$said" '^<[-*~]+ *5[0-9][0-9][ -]'
is "each visit is a line" "$(jq -r 'select(.helo == "swaks.example.net") | .mail[0].to[0].domain' "$tmp/sink.json")" example.org

if command -v podman >/dev/null; then
  runs "the image builds" "$sink/build" localhost/test/fakemx-sink:1
  is "... with one file" "$(podman save localhost/test/fakemx-sink:1 | tar xO --wildcards '*/layer.tar' '*.tar' 2>/dev/null | tar t --ignore-zeros | grep -v '/$' | xargs)" fakemx
  is "... for a numeric user that isn't root" "$(podman image inspect localhost/test/fakemx-sink:1 | jq -r '.[0].Config.User')" 65532:65532
  has "... whose -version has the commit" "$(in_sink podman run --rm --network=host localhost/test/fakemx-sink:1 -version)" "$(git -C "$repo" describe --tags --always)"
else
  fail "the image: no podman"
fi

# What the documents show. The lists' rules would lead mail to a port on which nothing listens: no mail comes here.
need nft nftables
awk '/^~~~ nft$/ {inside = 1; next} /^~~~/ {inside = 0} inside' "$repo/docs/sink.md" >"$tmp/lowest.nft"
runs "the rules for lowest sinks load" in_sink nft -f "$tmp/lowest.nft"
in_sink ip addr add 192.0.2.1/32 dev lo
refused() { ! in_sink timeout 5 bash -c '</dev/tcp/192.0.2.1/25' && in_sink nft list set inet fakemx refused | grep -q 'elements = { 192.0.2.1 '; }
runs "... refuse, and remember whom" refused
for metric in $(grep -oh 'fakemx_sink_[a-z_]*' "$sink/dashboard.json" "$sink/fakemx-sink.rules.yaml" "$repo/docs/sink.md" | sort -u); do
  has "the metric $metric exists" "$(cat "$repo"/internal/sink/meters.go "$repo"/internal/sink/harvest.go)" "\"${metric#fakemx_sink_}\""
done

. "$here/parts/units.sh"

# The dashboards against a real Prometheus that scraped a running server under load: every query returns data. Halfway
# through the load a watched sink begins to accept mail.
# LOAD_SECONDS is how long the load lasts; with PICTURE=FILE.png the same queries are plotted into that file.
need prometheus prometheus
need dnsperf dnsperf
need jq jq
need dig bind9-dnsutils
need ip iproute2

dashboard=$repo/deploy/grafana/fakemx.json sink_dashboard=$repo/deploy/sink/dashboard.json
for file in "$dashboard" "$sink_dashboard"; do
  runs "${file#"$repo"/} is JSON with one id a panel" jq -e '[.panels[].id] | length > 0 and (unique | length) == length' "$file"
done
is "all jobs are those with fakemx, not all that Prometheus has" \
  "$(jq '.templating.list[] | select(.name == "job").allValue' "$dashboard")" null
runs "their panels stand apart, with a unit on each axis and one colour a meaning" sh -c "cd '$here' && go test -count=1 ./plot"

build_binary
CGO_ENABLED=0 go -C "$repo" build -buildvcs=false -o "$tmp/fakemx" ./cmd/fakemx
cp "$here"/dashboard/{zone,prometheus.yaml} "$repo/deploy/prometheus/fakemx.rules.yaml" "$tmp"
echo example.net >"$tmp/zones.txt"
sed "s#TMP#$tmp#" "$here/dashboard/Corefile" >"$tmp/Corefile"

# A network of its own, with two lowest sinks that refuse and a control host that accepts.
ip netns add fakemx-dashboard
finally ip netns del fakemx-dashboard
inside=(nsenter --net=/run/netns/fakemx-dashboard --)
ip -n fakemx-dashboard link set lo up
for host in 25 27 28; do ip -n fakemx-dashboard address add 198.51.100.$host dev lo; done
# accept ADDRESS METRICS: a sink server there
accept() { start "$tmp/$1.log" "${inside[@]}" "$tmp/fakemx" sink serve -listen "$1:25" -metrics "$2" -visits /dev/null; }
accept 198.51.100.27 127.0.0.1:10533
runs "the control host accepts" until_true 10 "${inside[@]}" bash -c '</dev/tcp/198.51.100.27/25'
start "$tmp/server.log" "${inside[@]}" "$binary" -conf "$tmp/Corefile"
start "$tmp/prometheus.log" "${inside[@]}" prometheus --config.file="$tmp/prometheus.yaml" --storage.tsdb.path="$tmp/tsdb" \
  --web.listen-address=127.0.0.1:10532 --log.level=warn
api=http://127.0.0.1:10532/api/v1
ask() { "${inside[@]}" curl -fs "$@"; }
runs "the server hands out fakes" until_true 30 sh -c "${inside[*]} dig @127.0.0.1 -p 10530 +tries=1 +time=1 +short example.com MX | grep -q fake0"
runs "Prometheus is up" until_true 20 ask http://127.0.0.1:10532/-/ready

# load SECONDS: it swells and ebbs, which gives the picture a shape.
bursts=0
load() {
  local second
  for ((second = 0; second < $1; second += 5)); do
    "${inside[@]}" dnsperf -s 127.0.0.1 -p 10530 -d "$here/dashboard/queries" -l 5 -Q $((500 + 300 * (bursts++ % 4))) >"$tmp/dnsperf.log"
    has "the load was answered" "$(cat "$tmp/dnsperf.log")" 'Queries lost: +0 '
  done
}
withdrawn() { ask http://127.0.0.1:10531/metrics | grep -qx 'coredns_fakemx_watch_address{address="198.51.100.28",state="bad"} 1'; }
load_from=$(date +%s)
load $((${LOAD_SECONDS:=20} / 2))
load_half=$(date +%s)
accept 198.51.100.28 ''
for _ in {1..12}; do if withdrawn; then break; else load 5; fi; done
runs "the sink that accepts is withdrawn" withdrawn
load $((LOAD_SECONDS / 2 + 10)) # the rates are of 10 s, which must lie behind the withdrawal
load_to=$(date +%s)

# queries FILE: one line a target: panel id, legend and expression, without the variables that Grafana fills in
queries() {
  jq -r '.panels[] | .id as $id | .targets[]? | [$id, .legendFormat, .expr] | @tsv' "$1" |
    sed 's/\$__rate_interval/10s/g; s/\$job/fakemx/g; s/\$instance/.+/g'
}
range() {
  ask -G "$api/query_range" --data-urlencode "query=$1" -d "start=$((load_from + 5))" -d "end=$load_to" -d step=1
}
while IFS=$'\t' read -r id legend expr; do
  samples=$(range "$expr" | jq '[.data.result[].values[][1] | select(. != "NaN")] | length')
  if [ "${samples:-0}" -gt 0 ]; then ok "panel $id, $legend: $samples samples"; else fail "panel $id, $legend: no data for $expr"; fi
done < <(queries "$dashboard")
# This sink server has neither feeds nor lists: what is about these need only be a query.
while IFS=$'\t' read -r id legend expr; do
  if [[ $expr =~ day_clients|feed_|list|verdicts ]]; then
    runs "the sink's panel $id, $legend: a query" range "$expr"
  else
    samples=$(range "$expr" | jq '[.data.result[].values[]] | length')
    if [ "${samples:-0}" -gt 0 ]; then ok "the sink's panel $id, $legend: $samples samples"; else fail "the sink's panel $id, $legend: no data for $expr"; fi
  fi
done < <(queries "$sink_dashboard")

# The panels don't only have data, they tell the truth about this load: 10 of 23 queries are MX, and of ten such sets six
# get fakes, one has them already, and three must have none. The two of example.com lose theirs with their sink.
at() { ask -G "$api/query" --data-urlencode "query=$2" -d "time=$1" | jq -r '.data.result[0].value[1] | tonumber * 100 | round'; }
expr_of() { queries "$dashboard" | awk -F '\t' -v legend="$1" '$2 == legend {print $3; exit}'; }
# near CLAIM GOT WANT: but for the queries of the file's last, unfinished round
near() { if [ $(($2 - $3)) -ge -2 ] && [ $(($2 - $3)) -le 2 ]; then ok "$1: $2"; else fail "$1: got '$2', want about '$3'"; fi; }
share() { echo "sum(rate(coredns_fakemx_answers_total{result=\"$1\"}[10s])) / sum(rate(coredns_fakemx_answers_total[10s]))"; }
is "servers up, and not the sink server, in percent of one" "$(at $((load_half - 1)) "$(expr_of up)")" 100
is "sets with fakes, of those that could have them, in percent" "$(at $((load_half - 1)) "$(expr_of "with fakes")")" 100
near "... while a sink accepts" "$(at $((load_to - 1)) "$(expr_of "with fakes")")" 71
near "share of MX, in percent" "$(at $((load_half - 1)) "$(expr_of MX) / $(expr_of all)")" 43
near "share of answers that got fakes, in percent" "$(at $((load_half - 1)) "$(share injected)")" 60
near "... while a sink accepts" "$(at $((load_to - 1)) "$(share injected)")" 40
near "share of answers whose fakes are withdrawn, in percent" "$(at $((load_to - 1)) "$(share withdrawn)")" 20

is "Prometheus loaded all rules" "$(ask "$api/rules" | jq '[.data.groups[].rules[]] | length')" \
  "$(grep -c 'alert:' "$repo/deploy/prometheus/fakemx.rules.yaml")"
is "... and one has a cause, the sink that accepts" "$(ask "$api/alerts" | jq -r '.data.alerts[].labels.alertname')" FakemxSinkNotRefusing

if [ -n "${PICTURE:-}" ]; then
  need gnuplot gnuplot-nox
  (cd "$here" && go build -o "$tmp/plot" ./plot)
  runs "the picture is drawn" "${inside[@]}" "$tmp/plot" "$dashboard" "$api" $((load_from + 10)) "$load_to" "$repo/$PICTURE"
fi

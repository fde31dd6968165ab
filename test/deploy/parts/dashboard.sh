# The dashboard against a real Prometheus that scraped a running server under load: every query returns data.
# LOAD_SECONDS is how long the load lasts; with PICTURE=FILE.png the same queries are plotted into that file.
need prometheus prometheus
need dnsperf dnsperf
need jq jq
need dig bind9-dnsutils

dashboard=$repo/deploy/grafana/fakemx.json
runs "the dashboard is JSON with one id a panel" \
  jq -e '[.panels[].id] | length > 0 and (unique | length) == length' "$dashboard"

build_binary
cp "$here"/dashboard/{example.org.zone,prometheus.yaml} "$repo/deploy/prometheus/fakemx.rules.yaml" "$tmp"
echo example.net >"$tmp/zones.txt"
sed "s#TMP#$tmp#" "$here/dashboard/Corefile" >"$tmp/Corefile"
start "$tmp/server.log" "$binary" -conf "$tmp/Corefile"
start "$tmp/prometheus.log" prometheus --config.file="$tmp/prometheus.yaml" --storage.tsdb.path="$tmp/tsdb" \
  --web.listen-address=127.0.0.1:10532 --log.level=warn
api=http://127.0.0.1:10532/api/v1
runs "the server answers" until_true 10 dig @127.0.0.1 -p 10530 +tries=1 +time=1 example.org MX
runs "Prometheus is up" until_true 20 curl -fs http://127.0.0.1:10532/-/ready

load_from=$(date +%s)
# The load swells and ebbs, which gives the picture a shape.
for ((second = 0; second < ${LOAD_SECONDS:=20}; second += 5)); do
  dnsperf -s 127.0.0.1 -p 10530 -d "$here/dashboard/queries" -l 5 -Q $((500 + 300 * (second / 5 % 4))) >"$tmp/dnsperf.log"
done
load_to=$(date +%s)
has "the load was answered" "$(cat "$tmp/dnsperf.log")" 'Queries lost: +0 '

# queries: one line a target: panel id, legend and expression, without the variables that Grafana fills in
queries() {
  jq -r '.panels[] | .id as $id | .targets[]? | [$id, .legendFormat, .expr] | @tsv' "$dashboard" |
    sed 's/\$__rate_interval/10s/g; s/\$job/fakemx/g; s/\$instance/.+/g'
}
range() {
  curl -fsG "$api/query_range" --data-urlencode "query=$1" -d "start=$((load_from + 5))" -d "end=$load_to" -d step=1
}
while IFS=$'\t' read -r id legend expr; do
  samples=$(range "$expr" | jq '[.data.result[].values[][1] | select(. != "NaN")] | length')
  if [ "${samples:-0}" -gt 0 ]; then ok "panel $id, $legend: $samples samples"; else fail "panel $id, $legend: no data for $expr"; fi
done < <(queries)

# The panels don't only have data, they tell the truth about this load: 8 of 21 queries are MX, half of these get fakes, one has
# them already, and the others must have none.
now() { curl -fsG "$api/query" --data-urlencode "query=$1" -d "time=$((load_to - 1))" | jq -r '.data.result[0].value[1] | tonumber * 100 | round'; }
expr_of() { queries | awk -F '\t' -v legend="$1" '$2 == legend {print $3; exit}'; }
answers="sum(rate(coredns_fakemx_answers_total[10s]))"
is "sets with fakes, of those that could have them, in percent" "$(now "$(expr_of "with fakes")")" 100
is "share of MX, in percent" "$(now "$(expr_of MX) / $(expr_of all)")" 38
is "share of answers that got fakes, in percent" "$(now "sum(rate(coredns_fakemx_answers_total{result=\"injected\"}[10s])) / $answers")" 50

# One colour a meaning: a name has the same in all panels, and every line of the panels has one of its own.
is "names with two colours" "$(jq -r '[.panels[].fieldConfig.overrides[]? | {name: .matcher.options, color: .properties[0].value.fixedColor}]
  | group_by(.name)[] | select((map(.color) | unique | length) > 1) | .[0].name' "$dashboard")" ""
is "panels without a unit on the axis" "$(jq -r '.panels[] | select(.type == "timeseries")
  | select((.fieldConfig.defaults.custom.axisLabel // "") == "") | .title' "$dashboard")" ""

is "Prometheus loaded all rules" "$(curl -fs "$api/rules" | jq '[.data.groups[].rules[]] | length')" \
  "$(grep -c 'alert:' "$repo/deploy/prometheus/fakemx.rules.yaml")"
# What it sees of its sink depends on the network of this machine.
is "... and none fires on this server, but for what it watches" "$(curl -fs "$api/alerts" |
  jq '[.data.alerts[] | select(.labels.alertname | IN("FakemxWatchBlind", "FakemxSinkNotRefusing") | not)] | length')" 0

if [ -n "${PICTURE:-}" ]; then
  need gnuplot gnuplot-nox
  runs "the picture is drawn" "$here/dashboard/plot" "$dashboard" "$api" $((load_from + 10)) "$load_to" "$repo/$PICTURE"
fi

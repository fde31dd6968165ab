# deploy/helm/values.yaml with the official chart, which is not in this repository.
#   CHART=DIRECTORY test/deploy/run helm
# CHART is charts/coredns of github.com/coredns/helm; HELM is the command, helm by default.
runs "helm renders the chart with the values" sh -c \
  "${HELM:-helm} template mydns '${CHART:?charts/coredns of github.com/coredns/helm}' --values '$repo/deploy/helm/values.yaml' >'$tmp/rendered.yaml'"
log=$(cd "$here" && go test -count=1 -v ./manifests -run TestHelmValues -rendered "$tmp/rendered.yaml" 2>&1)
while read -r line; do ok "${line//_/ }"; done < <(sed -n 's/^ *--- PASS: \([^ ]*\).*/\1/p' <<<"$log")
while read -r line; do fail "${line//_/ }"; done < <(sed -n 's/^ *--- FAIL: \([^ ]*\).*/\1/p' <<<"$log")
has "the tests ran" "$log" '^ok'

build_binary
(sed -n '/Corefile: |-/,/example.org.zone: /p' "$tmp/rendered.yaml" | sed '1d;$d') >"$tmp/Corefile"
(sed -n '/example.org.zone: /,/^---/p' "$tmp/rendered.yaml" | sed '1d;$d; s/^      //') >"$tmp/example.org.zone"
sed -i "s#/etc/coredns#$tmp#; s/:1053/:10541/; s/0.0.0.0:9153/127.0.0.1:10542/; s/:8080/127.0.0.1:10543/; s/:8181/127.0.0.1:10544/" "$tmp/Corefile"
start "$tmp/server.log" "$binary" -conf "$tmp/Corefile"
need dig bind9-dnsutils
answers() { [ "$(dig @127.0.0.1 -p 10541 +tries=1 +time=1 +short example.org MX | wc -l)" = 5 ]; }
runs "the server takes the chart's Corefile and zone, and adds the fakes" until_true 20 answers

# A changed ConfigMap takes effect without a restart; a bad one leaves the old configuration serving and is seen.
# After the rollouts: in CoreDNS 1.15.0 a refused Corefile leaves /ready at OK during a later lameduck (see docs/deploy.md).
v=standalone
address=$(public $v)
corefile=$tmp/kubernetes/test/$v/Corefile
cp "$corefile" "$tmp/Corefile.good"
before=$(pods $v)

start "$tmp/reload.log" "$tmp/probe" -for 10m "$address:53" example.org MX
load=$started
sed -i 's/decoy\[1-3\]/decoy[1-4]/' "$corefile"
apply $v >/dev/null
since=$SECONDS
everywhere() { # COUNT: all pods answer with so many records
  local pod
  for pod in $(pods $v); do [ "$(mx "$(pod_address $v "$pod")" -p 1053 | wc -l)" = "$1" ] || return 1; done
}
runs "a changed Corefile reaches both pods" until_true 120 everywhere 6
echo "     after $((SECONDS - since)) s"

sed 's/198.51.100.26/127.0.0.1/' "$tmp/Corefile.good" >"$corefile"
apply $v >/dev/null
failures() { curl -s "http://$(pod_address $v "$(pods $v | head -1)"):9153/metrics" | awk '/^coredns_reload_failed_total/ {print $2}'; }
refused() { [ "$(failures)" -gt 0 ]; }
runs "a Corefile that loses mail (sink at 127.0.0.1) is counted as a failed reload" until_true 120 refused
has "... and the log says why" "$(kubectl -n $v logs "$(pods $v | head -1)")" 'ERROR.*reload.*127\.0\.0\.1'
runs "... and the old one goes on serving" everywhere 6

cp "$tmp/Corefile.good" "$corefile"
apply $v >/dev/null
runs "the repaired one is taken up" until_true 120 everywhere 5
is "the pods are still the same" "$(pods $v)" "$before"
is "... and none has restarted" "$(restarts $v)" "0 0"
stop $load
has "no query was lost meanwhile" "$(tail -1 "$tmp/reload.log")" 'lost=0 wrong=0'

# A rolling update under load loses no query; without lameduck it does.

# roll NAMESPACE: replaces all pods under load; the probes' closing lines in $tmp/roll.*
roll() {
  local loads=() address
  address=$(public "$1")
  start "$tmp/roll.udp" "$tmp/probe" -want 5 -gap 5ms -for 10m "$address:53" example.org MX
  loads+=("$started")
  start "$tmp/roll.tcp" "$tmp/probe" -want 5 -gap 5ms -for 10m -tcp "$address:53" example.org MX
  loads+=("$started")
  start "$tmp/roll.inside" inside "$1" -want 5 -gap 5ms -for 10m "$(internal "$1"):53" example.org MX
  sleep 1
  kubectl -n "$1" rollout restart deployment/fakemx >/dev/null
  kubectl -n "$1" rollout status deployment/fakemx --timeout=120s >/dev/null
  until_true 60 settled "$1"
  # kubectl passes no signal on: end the probe in the pod itself.
  kill "$(pgrep -f "^/app .*$(internal "$1"):53 ")"
  wait "$started" || true
  stop "${loads[@]}"
}
settled() { [ "$(kubectl -n "$1" get pods -l app.kubernetes.io/name=fakemx -o name | wc -l)" = 2 ]; }

for v in $variants; do
  old=$(pods $v)
  roll $v
  is "$v: all pods were replaced" "$(pods $v | grep -cxF "$old")" 0
  for client in udp tcp inside; do
    last=$(grep '^sent=' "$tmp/roll.$client")
    has "$v: a rolling update loses nothing, $client ($last)" "$(tail -n 5 "$tmp/roll.$client")" 'lost=0 wrong=0'
  done
done

v=standalone
sed -i '/lameduck/d' "$tmp/kubernetes/test/$v/Corefile"
apply $v >/dev/null
kubectl -n $v rollout restart deployment/fakemx >/dev/null
kubectl -n $v rollout status deployment/fakemx --timeout=120s >/dev/null
until_true 60 settled $v
roll $v
last=$(grep -h '^sent=' "$tmp"/roll.* | xargs)
hasnt "counter-check: without lameduck queries are lost ($last)" "$last" 'lost=0.*lost=0.*lost=0'

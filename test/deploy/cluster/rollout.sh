# A rolling update under load loses no query; without lameduck it does.

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

# A node drain goes through the eviction API, and that keeps one pod.
v=standalone
evict() {
  kubectl create --raw "/api/v1/namespaces/$v/pods/$1/eviction" -f - 2>&1 \
    <<<'{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"'"$1"'","namespace":"'$v'"}}'
}
start "$tmp/evict.log" "$tmp/probe" -want 5 -for 10m "$(public $v):53" example.org MX
load=$started
evictions=()
# Both at once: after a while the first would have its replacement, and the second its turn.
for pod in $(pods $v); do evict "$pod" >"$tmp/evict.$pod" & finally stop $!; evictions+=($!); done
wait "${evictions[@]}"
is "of two evictions one is allowed" "$(cat "$tmp"/evict.fakemx-* | grep -c Success)" 1
is "... and the PodDisruptionBudget refuses the other" "$(cat "$tmp"/evict.fakemx-* | grep -c 'disruption budget')" 1
kubectl -n $v rollout status deployment/fakemx --timeout=60s >/dev/null
stop $load
has "no query was lost" "$(tail -1 "$tmp/evict.log")" 'lost=0 wrong=0'

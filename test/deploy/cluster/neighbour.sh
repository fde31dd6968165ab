# The authoritative server beside fakemx dies and comes back.

# hold_down NAMESPACE POD CONTAINER: kills it until the kubelet waits before the next start
hold_down() {
  until_true 120 kill_once "$@"
}
kill_once() {
  kill -9 "$(container_pid "$@")" || true
  sleep 1
  kubectl -n "$1" get pod "$2" -o json | jq -e --arg name "$3" \
    '.status.initContainerStatuses[] | select(.name == $name) | .state.waiting.reason == "CrashLoopBackOff"'
}
ready() { kubectl -n "$1" get pod "$2" -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}'; }
is_ready() { [ "$(ready "$1" "$2")" = "$3" ]; }

v=forward-nsd
pod=$(pods $v | head -1)
address=$(pod_address $v "$pod")
runs "$v: NSD killed" hold_down $v "$pod" nsd
has "$v: fakemx says so: SERVFAIL" "$(ask "@$address" -p 1053 example.org MX)" 'status: SERVFAIL'
has "$v: a sink isn't invented either" "$(ask "@$address" -p 1053 decoy1.example.org A)" 'status: SERVFAIL'
runs "$v: the pod leaves the Service" until_true 30 is_ready $v "$pod" False
sleep 2 # kube-proxy syncs once a second
has "$v: the Service goes on answering" "$("$tmp/probe" -want 5 -for 1s "$(public $v):53" example.org MX)" 'lost=0 wrong=0'
runs "$v: NSD is back, and so is the pod" until_true 60 is_ready $v "$pod" True
# What was learned of the sinks may have ended while NSD was down.
has_fakes() { [ "$(mx "$address" -p 1053)" = "$expected" ]; }
runs "$v: ... with the fakes" until_true 30 has_fakes

v=secondary-knot
pod=$(pods $v | head -1)
address=$(pod_address $v "$pod")
start "$tmp/neighbour.log" "$tmp/probe" -want 5 -for 10m "$address:1053" example.org MX
own=$started
start "$tmp/neighbour-service.log" "$tmp/probe" -want 5 -for 10m "$(public $v):53" example.org MX
service=$started
runs "$v: Knot killed" hold_down $v "$pod" knot
is "$v: the zone is still transferred, fakes included" "$(ask "@$address" -p 1053 example.org AXFR | grep -c 'IN.MX')" 5
is "$v: the pod leaves the Service, as with any container down" "$(ready $v "$pod")" False
runs "$v: Knot is back, and so is the pod" until_true 60 is_ready $v "$pod" True
stop $own $service
has "$v: the pod answered all the time, with the fakes" "$(tail -1 "$tmp/neighbour.log")" 'lost=0 wrong=0'
has "$v: ... and so did the Service" "$(tail -1 "$tmp/neighbour-service.log")" 'lost=0 wrong=0'

# Every variant answers with the fakes: over the Service, UDP and TCP, from inside and outside.
for v in $variants; do
  is "$v: the MX set with the fakes, over UDP" "$(mx "$(public $v)")" "$expected"
  is "$v: the same over TCP" "$(mx "$(public $v)" +tcp)" "$expected"
  is "$v: a sink's address" "$(ask "@$(public $v)" decoy1.example.org A +short)" 198.51.100.26
  has "$v: inside the cluster over UDP" "$(inside $v -want 5 -for 1s "$(internal $v):53" example.org MX)" 'lost=0 wrong=0'
  has "$v: inside the cluster over TCP" "$(inside $v -want 5 -for 1s -tcp "$(internal $v):53" example.org MX)" 'lost=0 wrong=0'

  pod=$(pods $v | head -1)
  is "$v: no service account token in the pod" \
    "$(kubectl -n $v get pod "$pod" -o json | jq '[.spec.volumes[] | select(.projected)] | length')" 0
  for container in $(kubectl -n $v get pod "$pod" -o jsonpath='{.spec.initContainers[*].name} {.spec.containers[*].name}'); do
    status=$(cat "/proc/$(container_pid $v "$pod" "$container")/status")
    has "$v: $container runs as 65532" "$status" '^Uid:	65532	65532	65532	65532'
    has "$v: $container has no capability" "$status" '^CapBnd:	0000000000000000'
    has "$v: $container can't gain privileges" "$status" '^NoNewPrivs:	1'
  done
done

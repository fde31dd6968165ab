# The sink server as its manifests have it: clients from outside with their own addresses, probes that are no visits, and
# what becomes of visits when its pod is replaced or killed.
need nc netcat-openbsd
need jq jq
need prometheus prometheus
v=fakemx-sink
sink_image=registry.example.net/fakemx-sink:0.1.0
address=203.0.113.108
runs "the sink's image builds" "$repo/deploy/sink/build" "$sink_image"
podman push -q "$sink_image" "docker-archive:$tmp/sink.tar:$sink_image"
runs "... and the node takes it" "$kubelab/load-image.sh" "$tmp/sink.tar"

# The node has no storage of its own; a hostPath is not given to the group of the pod.
mkdir -m 700 "$tmp/sinkstate"
chown 65532:65532 "$tmp/sinkstate"
kubectl apply -f - >/dev/null <<YAML
apiVersion: v1
kind: PersistentVolume
metadata: {name: fakemx-sink}
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: 1Gi}
  hostPath: {path: $tmp/sinkstate}
  claimRef: {namespace: $v, name: state-fakemx-sink-0}
YAML
finally kubectl delete persistentvolume fakemx-sink --wait=false
cp -r "$repo/deploy/sink/kubernetes" "$tmp/kubernetes/sink"
mkdir -p "$tmp/kubernetes/test/$v"
printf 'namespace: %s\nresources: [../../sink]\n' $v >"$tmp/kubernetes/test/$v/kustomization.yaml"

namespace $v
said=$(apply $v 2>&1)
hasnt "the API server takes the sink's manifests as they are, and warns of nothing" "$said" '[Ww]arning|[Ee]rror'
runs "... ready under pod security restricted" kubectl -n $v rollout status statefulset/fakemx-sink --timeout=90s
kubectl -n $v patch service fakemx-sink --subresource=status --type=merge \
  -p '{"status":{"loadBalancer":{"ingress":[{"ip":"'$address'"}]}}}' >/dev/null
ip route add $address via "$node"
finally ip route del $address via "$node"

in_pod() { kubectl -n $v exec fakemx-sink-0 -- /fakemx "$@"; }
pod_is() { kubectl -n $v get pod fakemx-sink-0 -o jsonpath="{$1}"; }
sink_restarts() { [ "$(pod_is .status.containerStatuses[0].restartCount)" = "$1" ]; }
# Of all pods that there were and are; those that are gone can't be asked any more.
follow_log() { while sleep 0.2; do kubectl -n $v logs -f fakemx-sink-0 --ignore-errors 2>/dev/null; done; }
start "$tmp/sink.visits" follow_log
follower=$started
visit_of() { grep -F "\"helo\":\"$1\"" "$tmp/sink.visits"; }
visit() { printf 'EHLO %s\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nQUIT\r\n' "$1" | timeout 10 nc -w 5 $address 25; }
later() { visit "$1" | grep -q '^451 '; }
# clients_of HELO: the addresses under which its visits are told
clients_of() { visit_of "$1" | jq -r .client | sort -u | xargs; }

runs "a client from outside is told to come later at port 25" until_true 20 later outside.example
runs "... its visit is a line" until_true 10 visit_of outside.example
is "... with its own address" "$(clients_of outside.example)" "$outside"
kubectl -n $v patch service fakemx-sink -p '{"spec":{"externalTrafficPolicy":"Cluster"}}' >/dev/null
hidden() { later hidden.example && sleep 1 && [ -n "$(clients_of hidden.example)" ] && ! clients_of hidden.example | grep -qxF "$outside"; }
sleep 2 # kube-proxy syncs once a second
runs "counter-check: with policy Cluster it is the node's ($(hidden; clients_of hidden.example))" until_true 15 hidden
kubectl -n $v patch service fakemx-sink -p '{"spec":{"externalTrafficPolicy":"Local"}}' >/dev/null
sleep 2

pod=$(pod_is .status.podIP)
is "it is healthy" "$(curl -s "http://$pod:9154/health")" OK
is "... and asked for that without a visit" "$(grep -c '"commands":0' "$tmp/sink.visits")" 0
hasnt "it may open as many files as it wants" "$(kubectl -n $v logs fakemx-sink-0)" 'open files are allowed'
status=$(cat "/proc/$(container_pid $v fakemx-sink-0 sink)/status")
has "it runs as 65532" "$status" '^Uid:	65532	65532	65532	65532'
has "... has no capability" "$status" '^CapBnd:	0000000000000000'
has "... can't gain privileges" "$status" '^NoNewPrivs:	1'
has "... and is filtered" "$status" '^Seccomp:	2'
is "no service account token is in the pod" "$(kubectl -n $v get pod fakemx-sink-0 -o json | jq '[.spec.volumes[] | select(.projected)] | length')" 0

mkdir "$tmp/sinkscrape"
cat >"$tmp/sinkscrape/prometheus.yaml" <<YAML
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: fakemx-sink
    static_configs: [{targets: ['$pod:9154']}]
YAML
start "$tmp/sinkscrape/log" prometheus --config.file="$tmp/sinkscrape/prometheus.yaml" --storage.tsdb.path="$tmp/sinkscrape/data" --web.listen-address=127.0.0.1:19391
scraper=$started
scraped() { curl -s --data-urlencode 'query=sum(fakemx_sink_visits_total)' http://127.0.0.1:19391/api/v1/query | jq -e '.data.result[0].value[1] | tonumber >= 1'; }
runs "Prometheus scrapes its metrics" until_true 30 scraped
stop "$scraper"

known() { in_pod sink report -o json | jq '.all.clients + .all.left_out'; }
before=$(known)
has "the report is asked in the pod; it knows $before clients" "$before" '^[1-9]'

# Clients that come one after the other, and write down under which names they heard 451.
come() {
  touch "$tmp/sinkgo"
  loads=()
  local n
  for n in 1 2 3; do start "$tmp/heard.$1$n" client "$1$n"; loads+=("$started"); done
}
client() {
  local name n=0
  while [ -e "$tmp/sinkgo" ]; do
    name=$1-$((n += 1)).example
    if later "$name"; then echo "$name"; else sleep 0.1; fi
  done
}
missing() { grep -o '"helo":"[^"]*' "$tmp/sink.visits" | cut -d '"' -f 4 | sort | comm -23 "$tmp/heard" - | wc -l; }
none_missing() { [ "$(missing)" = 0 ]; }
# gone PREFIX: how many heard 451, and how many of these have no line
gone() {
  rm "$tmp/sinkgo"
  wait "${loads[@]}"
  cat "$tmp/heard.$1"? | sort >"$tmp/heard"
  until_true 20 none_missing
  echo "$(wc -l <"$tmp/heard") sessions, $(missing) lost"
}

# A client that waits hears it too when the pod ends.
nc -d $address 25 >"$tmp/sinkwaits" 2>/dev/null &
waits=$!
finally stop $waits
greeted() { grep -q '^220 ' "$tmp/sinkwaits"; }
until_true 10 greeted
old=$(pod_is .metadata.uid)
come rolled
sleep 2
kubectl -n $v rollout restart statefulset/fakemx-sink >/dev/null
runs "a rolling update comes to its end" kubectl -n $v rollout status statefulset/fakemx-sink --timeout=120s
until_true 20 later back.example
sleep 2
lost=$(gone rolled)
has "... and loses no visit that heard 451 ($lost)" "$lost" '^[1-9][0-9]* sessions, 0 lost'
hasnt "... the pod is another one" "$(pod_is .metadata.uid)" "$old"
has "... who waited was told 421" "$(cat "$tmp/sinkwaits")" '^421 '
is "... and what it knew is known" "$(known)" "$before"

later killed.example
runs "a visit before a crash" until_true 10 visit_of killed.example
sleep 1 # what is remembered is on disk within a second
kill -9 "$(container_pid $v fakemx-sink-0 sink)"
runs "a server that is killed starts again" until_true 60 sink_restarts 1
runs "... and answers" until_true 60 later again.example
is "... and knows whom it knew" "$(known)" "$before"

kill -STOP "$(container_pid $v fakemx-sink-0 sink)"
unready() { [ "$(pod_is '.status.conditions[?(@.type=="Ready")].status')" = False ]; }
runs "a server that hangs is no longer ready" until_true 60 unready
runs "... and is replaced" until_true 180 sink_restarts 2
runs "... by one that answers" until_true 60 later alive.example
stop $follower

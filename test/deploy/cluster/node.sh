# Starting the node and putting a variant onto it.
kubelab=${KUBELAB:-$repo/../shared/kube}
outside=10.199.0.1 # this machine, as the node sees it
node=10.199.0.2
variants="standalone forward-nsd secondary-knot"

start_node() {
  [ -x "$kubelab/up.sh" ] || { fail "a Kubernetes node: no up.sh in $kubelab, set KUBELAB"; return 1; }
  need podman podman runc
  need buildah buildah
  need iptables iptables
  [ -d /usr/lib/cni ] || need /usr/lib/cni/ptp containernetworking-plugins
  need nsd nsd
  need knotd knot
  local state
  state=$(. "$kubelab/env.sh" && echo "$W")
  "$kubelab/build.sh" >"$tmp/kubelab-build.log" 2>&1 || { tail "$tmp/kubelab-build.log"; fail "Kubernetes builds"; return 1; }
  if [ ! -e "$state/run" ]; then
    finally "$kubelab/down.sh"
    "$kubelab/up.sh" >"$tmp/kubelab-up.log" 2>&1 || { tail "$tmp/kubelab-up.log"; fail "the node starts"; return 1; }
  fi
  kubelab_net=$state/run/ns/net
  export KUBECONFIG=$state/kubeconfig PATH=$state/bin:$PATH
  cp -r "$repo/deploy/kubernetes" "$tmp/kubernetes"
  ok "a node: $(kubectl get node -o jsonpath='{.items[0].status.nodeInfo.kubeletVersion}')"
}

# on_node COMMAND...: in the network namespace of the node
on_node() { nsenter --net="$kubelab_net" -- "$@"; }

# The names in the manifests, so that these run as they are delivered.
declare -A image=(
  [fakemx]=registry.example.net/fakemx:0.1.0
  [nsd]=registry.example.net/nsd:4.6
  [knot]=registry.example.net/knot:3.2
  [probe]=localhost/test/probe:1
)

# load_images: builds the images and puts them onto the node
load_images() {
  local name
  (cd "$here" && CGO_ENABLED=0 go build -o "$tmp/probe" ./probe)
  runs "the image builds" "$repo/deploy/image/build" "${image[fakemx]}"
  binary_image "${image[probe]}" "$tmp/probe"
  debian_image "${image[nsd]}" /usr/sbin/nsd /usr/sbin/nsd-control
  debian_image "${image[knot]}" /usr/sbin/knotd /usr/sbin/knotc
  for name in "${!image[@]}"; do
    podman push -q "${image[$name]}" "docker-archive:$tmp/$name.tar:${image[$name]}"
    runs "the node takes the image of $name" "$kubelab/load-image.sh" "$tmp/$name.tar"
  done
}

# overlay NAME BASE BEHAVIOR: BASE in a namespace of the test's, with the Corefile from standard input
overlay() {
  local dir=$tmp/kubernetes/test/$1
  mkdir -p "$dir"
  cat >"$dir/Corefile"
  cat >"$dir/kustomization.yaml" <<YAML
namespace: $1
resources: [../../$2]
configMapGenerator: [{name: fakemx, behavior: $3, files: [Corefile]}]
generatorOptions: {disableNameSuffixHash: true}
YAML
}

# namespace NAME: enforces pod security "restricted"; goes at the end
namespace() {
  kubectl create namespace "$1" >/dev/null
  finally kubectl delete namespace "$1" --wait=false
  kubectl label namespace "$1" pod-security.kubernetes.io/enforce=restricted >/dev/null
}

# variant OVERLAY ADDRESS: a delivered overlay, which may be transferred by everybody
variant() {
  sed 's/to 203.0.113.53$/to */' "$tmp/kubernetes/overlays/$1/Corefile" | overlay "$1" "overlays/$1" replace
  bring_up "$1" "$2"
}

# bring_up NAME ADDRESS: applies $tmp/kubernetes/test/NAME and plays the cloud that gives the Service its address
bring_up() {
  namespace "$1"
  runs "$1: the API server takes every manifest" apply "$1"
  runs "$1: becomes ready under pod security restricted" kubectl -n "$1" rollout status deployment/fakemx --timeout=90s
  kubectl -n "$1" patch service fakemx --subresource=status --type=merge \
    -p '{"status":{"loadBalancer":{"ingress":[{"ip":"'"$2"'"}]}}}' >/dev/null
  ip route add "$2" via "$node"
  finally ip route del "$2" via "$node"
  kubectl -n "$1" apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: probe
      image: ${image[probe]}
      args: [-for, 24h, -gap, 1h, "127.0.0.1:1", example.org, MX]
      securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
YAML
  kubectl -n "$1" wait --for=condition=Ready pod/client --timeout=30s >/dev/null
  until_true 10 dig "@$2" +tries=1 +time=1 example.org SOA
}

apply() { kubectl kustomize "$tmp/kubernetes/test/$1" | kubectl apply --server-side --force-conflicts --validate=strict -f -; }

public() { kubectl -n "$1" get service fakemx -o jsonpath='{.status.loadBalancer.ingress[0].ip}'; }
internal() { kubectl -n "$1" get service fakemx -o jsonpath='{.spec.clusterIP}'; }
# pods NAMESPACE: the fakemx pods that aren't on their way out
pods() {
  kubectl -n "$1" get pods -l app.kubernetes.io/name=fakemx -o json |
    jq -r '.items[] | select(.metadata.deletionTimestamp == null) | .metadata.name'
}
pod_address() { kubectl -n "$1" get pod "$2" -o jsonpath='{.status.podIP}'; }
restarts() { kubectl -n "$1" get pods -l app.kubernetes.io/name=fakemx -o jsonpath='{.items[*].status.containerStatuses[*].restartCount}'; }
inside() { kubectl -n "$1" exec client -- /app "${@:2}"; }
ask() { dig "$@" +norecurse +tries=1 +time=2; }
mx() { ask "@$1" example.org MX +noall +answer "${@:2}" | awk '{print $5, $6}' | sort -n; }

# container_pid NAMESPACE POD CONTAINER: its first process, as this machine numbers it
container_pid() {
  local id
  id=$(kubectl -n "$1" get pod "$2" -o json | jq -r --arg name "$3" \
    '.status.containerStatuses[], .status.initContainerStatuses[]? | select(.name == $name) | .containerID')
  find /sys/fs/cgroup/pids/kubelab -path "*${id##*/}/cgroup.procs" -exec head -n 1 {} +
}

# The MX set of the zone with the fakes of most overlays.
expected='10 mail.example.org.
20 backup.example.org.
30 decoy1.example.org.
40 decoy2.example.org.
50 decoy3.example.org.'

# roll NAMESPACE [COUNT]: replaces all pods under load; each answer has COUNT records, 5 by default. The probes' closing lines are
# in $tmp/roll.*
roll() {
  local loads=() address want=${2:-5}
  address=$(public "$1")
  start "$tmp/roll.udp" "$tmp/probe" -want "$want" -gap 5ms -for 10m "$address:53" example.org MX
  loads+=("$started")
  start "$tmp/roll.tcp" "$tmp/probe" -want "$want" -gap 5ms -for 10m -tcp "$address:53" example.org MX
  loads+=("$started")
  start "$tmp/roll.inside" inside "$1" -want "$want" -gap 5ms -for 10m "$(internal "$1"):53" example.org MX
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

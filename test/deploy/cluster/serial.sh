# A hidden primary: one pod, whose serial numbers outlive it, and a public server that follows by itself.
v=hidden-primary
mkdir -p "$tmp/serials" "$tmp/public"
chown 65532:65532 "$tmp/serials"
# The node has no storage of its own; a hostPath is not given to the group of the pod.
kubectl apply -f - >/dev/null <<YAML
apiVersion: v1
kind: PersistentVolume
metadata: {name: fakemx-serials}
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: 1Gi}
  hostPath: {path: $tmp/serials}
  claimRef: {namespace: $v, name: fakemx}
YAML
finally kubectl delete persistentvolume fakemx-serials --wait=false
sed "s/to 203.0.113.53$/to $outside:5301/; s/transfer {/&\n        to */" "$tmp/kubernetes/overlays/$v/Corefile" | overlay $v overlays/$v replace
corefile=$tmp/kubernetes/test/$v/Corefile

cat >"$tmp/public/knot.conf" <<CONF
server:
    rundir: $tmp/public
    pidfile: $tmp/public/pid
    listen: $outside@5301
database:
    storage: $tmp/public
remote:
  - id: fakemx
    address: 203.0.113.107@53
acl:
  - id: fakemx
    address: [10.199.0.0/24, 10.244.0.0/16, 203.0.113.107]
    action: notify
zone:
  - domain: example.org
    master: fakemx
    acl: fakemx
    zonefile-sync: -1
CONF
bring_up $v 203.0.113.107
address=$(public $v)
serial() { ask "@$1" example.org SOA +short "${@:2}" | cut -d ' ' -f 3; }
is "$v: one pod" "$(pods $v | wc -l)" 1
is "$v: the zone has a number of fakemx's" "$(serial "$address")" 2
start "$tmp/public/log" knotd -c "$tmp/public/knot.conf"
follows() { [ "$(mx "$outside" -p 5301 | wc -l)" = "$1" ] && [ "$(serial "$outside" -p 5301)" = "$(serial "$address")" ]; }
runs "$v: the public server has the zone with the fakes" until_true 60 follows 5

# Everything that the world could see of the number from here on.
watch_serials() { while sleep 0.1; do serial "$address"; serial "$outside" -p 5301 >>"$tmp/serials.public"; done; }
start "$tmp/serials.seen" watch_serials

sed -i 's/decoy\[1-3\]/decoy[1-4]/' "$corefile"
apply $v >/dev/null
runs "$v: a changed Corefile reaches the public server" until_true 150 follows 6

replaced() { [ "$(pods $v | wc -l)" = 1 ] && [ "$(pods $v)" != "$1" ] && kubectl -n $v rollout status deployment/fakemx --timeout=5s; }
before=$(serial "$address")
old=$(pods $v)
kubectl -n $v delete pod "$old" --wait=false >/dev/null
runs "$v: a pod that is deleted is replaced" until_true 120 replaced "$old"
is "$v: ... and the new one has the same number" "$(serial "$address")" "$before"

old=$(pods $v)
sed -i 's/decoy\[1-4\]/decoy[1-5]/' "$corefile"
apply $v >/dev/null
kubectl -n $v rollout restart deployment/fakemx >/dev/null
runs "$v: an update with other fakes ends the old pod before the new one starts" until_true 120 replaced "$old"
runs "$v: ... and the public server has them" until_true 60 follows 7
hasnt "$v: ... at no moment did two pods want the file" "$(kubectl -n $v logs "$(pods $v)")" 'locked'

before=$(serial "$address")
kill -9 "$(container_pid $v "$(pods $v)" fakemx)"
came_back() { [ "$(restarts $v)" = 1 ] && [ -n "$(serial "$address")" ]; }
runs "$v: a server that is killed starts again" until_true 60 came_back
is "$v: ... with the same number" "$(serial "$address")" "$before"
sed -i 's/decoy\[1-5\]/decoy[1-3]/' "$corefile"
apply $v >/dev/null
runs "$v: ... and the public server goes on to follow" until_true 150 follows 5

never_back() { grep -E '^[0-9]+$' "$1" | awk '$1 < last { exit 1 } { last = $1 } END { exit NR < 10 }'; }
runs "$v: the number never went back ($(grep -E '^[0-9]+$' "$tmp/serials.seen" | uniq | xargs))" never_back "$tmp/serials.seen"
runs "$v: ... nor at the public server ($(grep -E '^[0-9]+$' "$tmp/serials.public" | uniq | xargs))" never_back "$tmp/serials.public"

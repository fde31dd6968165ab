# The sequences of docs/deploy.md for the host and for containers, word for word. (The cluster part runs those for the cluster.)
. "$here/machine.sh"
. "$here/document.sh"
need dig bind9-dnsutils
need nsd nsd
need envsubst gettext-base

build_binary
"$repo/deploy/host/package" "$binary" amd64 0.1.0 "$tmp/package" >/dev/null

start_machine || { fail "a machine boots: $(cat "$tmp/machine.log")"; return; }
cp "$tmp"/package/*.deb "$machine_root/srv"
cp "$repo/deploy/kubernetes/components/zones/example.org.zone" "$machine_root/etc/nsd/"
cat >"$machine_root/etc/nsd/nsd.conf" <<'CONF'
server:
    ip-address: 0.0.0.0@53
    zonesdir: /etc/nsd
remote-control:
    control-enable: yes
    control-interface: /run/nsd/nsd.ctl
zone:
    name: example.org
    zonefile: example.org.zone
CONF
runs "the operator's own server, NSD, is there before" machine systemctl start nsd
on_the_host() { machine env --chdir=/srv bash -e; }
document host on_the_host

need podman podman runc
[ -x /usr/lib/cni/bridge ] || need /usr/lib/cni/bridge containernetworking-plugins
ip netns add fakemx-docs
finally ip netns del fakemx-docs
finally podman rm --force --time=0 fakemx
git clone -q "$repo" "$tmp/clone"
in_the_clone() { nsenter --net=/run/netns/fakemx-docs -- env --chdir="$tmp/clone" bash -e; }
ip -n fakemx-docs link set lo up
document container in_the_clone

# The sequences of docs/deploy.md for the host and for containers, word for word. (The cluster part runs those for the cluster.)
. "$here/machine.sh"
. "$here/document.sh"
need dig bind9-dnsutils
need ss iproute2
need nsd nsd
need named bind9
need knotd knot
need pdns_server pdns-server
dpkg -s pdns-backend-bind >/dev/null 2>&1 || need pdns-bindbackend pdns-backend-bind
need envsubst gettext-base

git clone -q "$repo" "$tmp/clone"
in_the_clone() { env --chdir="$tmp/clone" bash -e; }
document package in_the_clone

# The operator's own server, as it is before: on port 53, with the zone in /srv/example.org.zone.
before_nsd() {
  cat >"$machine_root/etc/nsd/nsd.conf" <<'CONF'
server:
    ip-address: 0.0.0.0@53
remote-control:
    control-enable: yes
    control-interface: /run/nsd/nsd.ctl
zone:
    name: example.org
    zonefile: /srv/example.org.zone
CONF
  # What an nsd of this machine keeps may belong to another user.
  rm -f "$machine_root"/var/lib/nsd/*
  machine systemctl start nsd
}
before_bind() {
  cat >"$machine_root/etc/bind/named.conf.options" <<'CONF'
options {
    directory "/var/cache/bind";
    listen-on { any; };
    listen-on-v6 { any; };
    recursion no;
};
CONF
  echo 'zone example.org { type primary; file "/srv/example.org.zone"; };' >"$machine_root/etc/bind/named.conf.local"
  machine systemctl start named
}
before_knot() {
  cat >"$machine_root/etc/knot/knot.conf" <<'CONF'
server:
    rundir: /run/knot
    user: knot:knot
    listen: 0.0.0.0@53
database:
    storage: /var/lib/knot
zone:
  - domain: example.org
    storage: /srv
    file: example.org.zone
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
CONF
  machine systemctl start knot
}
before_pdns() {
  rm -f "$machine_root"/etc/powerdns/pdns.d/*
  cat >"$machine_root/etc/powerdns/pdns.conf" <<'CONF'
launch=bind
bind-config=/etc/powerdns/named.conf
local-address=0.0.0.0
local-port=53
CONF
  echo 'zone "example.org" { type master; file "/srv/example.org.zone"; };' >"$machine_root/etc/powerdns/named.conf"
  machine systemctl start pdns
}
on_the_host() { machine env --chdir=/srv bash -e; }
serving() { [ -n "$(machine dig @127.0.0.1 +tries=1 +time=1 +short example.org SOA)" ]; }
for server in ${SERVERS:-nsd bind knot pdns}; do
  start_machine || { fail "a machine boots: $(cat "$tmp/machine.log")"; return; }
  cp "$tmp"/clone/*.deb "$machine_root/srv"
  install -m 644 "$repo/deploy/kubernetes/components/zones/example.org.zone" "$machine_root/srv/"
  is "nothing is on port 53 of the machine" "$(machine ss -Hlntu 'sport = :53')" ""
  runs "the operator's own server, $server, is there before" before_$server
  runs "... and serves" until_true 20 serving
  document "host $server" on_the_host
done

need podman podman runc
[ -x /usr/lib/cni/bridge ] || need /usr/lib/cni/bridge containernetworking-plugins
ip netns add fakemx-docs
finally ip netns del fakemx-docs
finally podman rm --force --time=0 fakemx
with_containers() { nsenter --net=/run/netns/fakemx-docs -- env --chdir="$tmp/clone" bash -e; }
ip -n fakemx-docs link set lo up
document container with_containers
need podman-compose podman-compose
finally 'podman rm --force --time=0 mydns_fakemx_1'
document compose with_containers

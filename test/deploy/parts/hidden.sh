# The hidden primary of docs/transfers.md: a change of the zone passes from Knot DNS or PowerDNS through fakemx to NSD or Knot DNS
# by itself, and so does one of the fakes. Each is a network namespace of its own, with the address of the page.
need ip iproute2
need dig bind9-dnsutils
need knotd knot
need nsd nsd
need pdns_server pdns-server
dpkg -s pdns-backend-bind >/dev/null 2>&1 || need pdns-bindbackend pdns-backend-bind

# lines WHAT: that block of the page
lines() { awk -v fence="~~~ txt $1" '/^~~~/ && inside { exit } inside; $0 == fence { inside = 1 }' "$repo/docs/transfers.md"; }

# Machines on one network: the namespace of a machine has its name, that of the network the bridge.
ip netns add fakemx-hidden
finally ip netns del fakemx-hidden
ip -n fakemx-hidden link add name wire type bridge
ip -n fakemx-hidden link set wire up
for machine in primary:10 fakemx:20 public:53; do
  space=fakemx-hidden-${machine%:*}
  ip netns add $space
  finally ip netns del $space
  ip -n $space link add eth type veth peer name "to-${machine%:*}" netns fakemx-hidden
  ip -n $space address add "192.0.2.${machine#*:}/24" dev eth
  ip -n $space link set lo up
  ip -n $space link set eth up
  ip -n fakemx-hidden link set "to-${machine%:*}" master wire up
done
# on MACHINE COMMAND...
on() { nsenter --net="/run/netns/fakemx-hidden-$1" -- "${@:2}"; }

# head_of_knot NAME ADDRESS: what a knot.conf has before the lines of the page
head_of_knot() {
  printf 'server:\n  rundir: %s\n  listen: %s@53\ndatabase:\n  storage: %s\n' "$tmp/$1" "$2" "$tmp/$1"
}
start_knot-primary() {
  { head_of_knot "$1" 192.0.2.10; lines knot-primary; printf '    file: %s\n    zonefile-sync: -1\n' "$tmp/example.org.zone"; } >"$tmp/$1/knot.conf"
  start "$tmp/$1/log" on primary knotd -c "$tmp/$1/knot.conf"
}
start_pdns-primary() {
  { lines pdns-primary; printf 'launch=bind\nbind-config=%s\nlocal-address=192.0.2.10\nsocket-dir=%s\n' "$tmp/$1/named.conf" "$tmp/$1"; } >"$tmp/$1/pdns.conf"
  printf 'zone "example.org" { type master; file "%s"; };\n' "$tmp/example.org.zone" >"$tmp/$1/named.conf"
  start "$tmp/$1/log" on primary pdns_server --config-dir="$tmp/$1" --guardian=no --daemon=no
}
changed_knot-primary() { on primary knotc -c "$tmp/$1/knot.conf" zone-reload example.org; }
changed_pdns-primary() { on primary pdns_control --config-dir="$tmp/$1" --socket-dir="$tmp/$1" bind-reload-now example.org && on primary pdns_control --config-dir="$tmp/$1" --socket-dir="$tmp/$1" notify example.org; }
start_nsd-public() {
  {
    printf 'server:\n  ip-address: 192.0.2.53\n  username: ""\n  chroot: ""\n  database: ""\n  pidfile: ""\n  zonelistfile: %s\n  xfrdfile: %s\n  xfrdir: %s\n' \
      "$tmp/$1/list" "$tmp/$1/state" "$tmp/$1"
    lines nsd-public
  } >"$tmp/$1/nsd.conf"
  start "$tmp/$1/log" on public nsd -d -c "$tmp/$1/nsd.conf"
}
start_knot-public() {
  { head_of_knot "$1" 192.0.2.53; lines knot-public; printf '    zonefile-sync: -1\n'; } >"$tmp/$1/knot.conf"
  start "$tmp/$1/log" on public knotd -c "$tmp/$1/knot.conf"
}

# stop_all NAMESPACE: what still runs in it; the test has started it all
stop_all() { local pid; for pid in $(ip netns pids "$1"); do kill -9 "$pid"; done; }

build_binary
public() { on public dig @192.0.2.53 +tries=1 +time=1 +short "$@"; }
# has_zone ADDRESS: so that none begins with a failure, after which it would wait
has_zone() { on public dig @"$1" +tries=1 +time=1 +short example.org SOA | grep -q hostmaster; }
# serves SERIAL RECORDS: the public server has that serial, and so many MX records
serves() { [ "$(public example.org SOA | cut -d ' ' -f 3)" = "$1" ] && [ "$(public example.org MX | wc -l)" = "$2" ]; }
for pair in knot-primary:nsd-public pdns-primary:knot-public; do
  primary=${pair%:*} secondary=${pair#*:}
  name=hidden-$primary
  mkdir "$tmp/$name" "$tmp/$name-public"
  cp "$repo/deploy/kubernetes/components/zones/example.org.zone" "$tmp/example.org.zone"
  lines fakemx | sed "s#/var/lib/fakemx#$tmp/$name#" >"$tmp/$name/Corefile"
  start_$primary "$name"
  first=$started
  runs "$pair: the primary answers" until_true 60 has_zone 192.0.2.10
  start "$tmp/$name/fakemx.log" on fakemx "$binary" -conf "$tmp/$name/Corefile"
  second=$started
  runs "$pair: ... and fakemx has its zone" until_true 60 has_zone 192.0.2.20
  start_$secondary "$name-public"
  third=$started
  runs "$pair: the public server has the zone with the fakes" until_true 60 serves 2 5
  sed -i 's/ hostmaster 1 / hostmaster 2 /' "$tmp/example.org.zone"
  until_true 10 changed_$primary "$name"
  runs "$pair: ... and a change of the zone, by itself" until_true 60 serves 3 5
  sed -i 's/decoy\[1-3\]/decoy[1-4]/' "$tmp/$name/Corefile"
  kill -USR1 "$(ip netns pids fakemx-hidden-fakemx)"
  runs "$pair: ... and one of the fakes, by itself" until_true 45 serves 4 6
  stop "$third" "$second" "$first"
  # Children of a server may outlive it for a moment, and would answer for the next one.
  for machine in primary fakemx public; do
    stop_all "fakemx-hidden-$machine"
  done
done

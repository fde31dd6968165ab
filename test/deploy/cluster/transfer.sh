# Zone transfers and NOTIFY, in the pod and through the Service.
for v in standalone secondary-knot; do
  zone=$(ask "@$(public $v)" example.org AXFR)
  is "$v: AXFR through the Service has the fakes" "$(grep -c 'IN.MX' <<<"$zone")" 5
  has "$v: ... and the sinks" "$zone" '^decoy3\.example\.org\..*A.198\.51\.100\.26'
done
has "forward-nsd: AXFR is refused, not half answered" "$(ask @"$(public forward-nsd)" example.org AXFR)" 'Transfer failed'

# A change in the neighbour reaches fakemx by NOTIFY on loopback.
v=secondary-knot
zone=$tmp/kubernetes/components/zones/example.org.zone
cp "$zone" "$tmp/zone.good"
sed -i 's/hostmaster 1 /hostmaster 2 /' "$zone"
apply $v >/dev/null
zone_reload() {
  local pod
  for pod in $(pods $v); do
    kubectl -n $v exec "$pod" -c knot -- /usr/sbin/knotc -c /etc/knot/knot.conf zone-reload
    [ "$(serial "$(pod_address $v "$pod")" -p 1053)" = 2 ] || return 1
  done
}
serial() { ask "@$1" example.org SOA +short "${@:2}" | cut -d ' ' -f 3; }
runs "$v: a new zone in Knot is served by both" until_true 120 zone_reload
cp "$tmp/zone.good" "$zone"

# A primary outside the pods: its NOTIFY goes to the Service, so to one replica; the others see it at their refresh.
v=secondary
mkdir -p "$tmp/primary"
sed 's/1 7200 900/1 45 10/' "$tmp/zone.good" >"$tmp/primary/example.org.zone"
sed -e "s#/run/knot#$tmp/primary#; s#/zones#$tmp/primary#; s#pidfile: /dev/null#pidfile: $tmp/primary/pid#" \
  -e "s#127.0.0.1@5300#$outside@5300#; s#127.0.0.1@1053#203.0.113.104@53#; s#address: 127.0.0.1#address: 10.244.0.0/24#" \
  "$tmp/kubernetes/components/knot/knot.conf" >"$tmp/primary/knot.conf"
start "$tmp/primary/log" /usr/sbin/knotd -c "$tmp/primary/knot.conf"
primary=$started
sed "s/203.0.113.54/$outside:5300/" "$tmp/kubernetes/overlays/$v/Corefile" | overlay $v overlays/$v replace
bring_up $v 203.0.113.104

have() { # COUNT SERIAL: so many pods serve it, at least
  local pod n=0
  for pod in $(pods $v); do [ "$(serial "$(pod_address $v "$pod")" -p 1053)" != "$2" ] || n=$((n + 1)); done
  [ "$n" -ge "$1" ]
}
runs "$v: both have the zone of a primary outside" until_true 20 have 2 1
sed -i 's/hostmaster 1 /hostmaster 2 /' "$tmp/primary/example.org.zone"
knotc -c "$tmp/primary/knot.conf" zone-reload >/dev/null
runs "$v: a NOTIFY through the Service reaches a replica" until_true 5 have 1 2
if have 2 2; then fail "$v: ... and one only: both have the new zone at once"; else ok "$v: ... and one only"; fi
runs "$v: the other has it after the refresh of the SOA" until_true 90 have 2 2
stop $primary
has "$v: with the primary away the Service goes on, with the fakes" \
  "$("$tmp/probe" -want 5 -for 5s "$(public $v):53" example.org MX)" 'lost=0 wrong=0'

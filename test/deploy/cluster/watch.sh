# watch in two replicas: nothing flaps at a rolling update, and a replica that can't see says so and disturbs nobody.
# The sinks and the control hosts are a machine of their own behind the node, at the addresses of the overlay.
need promtool prometheus
v=watched
CGO_ENABLED=0 go -C "$repo" build -o "$tmp/fakemx" ./cmd/fakemx
ip netns add fakemx-port25
finally ip netns del fakemx-port25
port25() { nsenter --net=/run/netns/fakemx-port25 -- "$@"; }
ip -n fakemx-port25 link add uplink type veth peer name fk-port25 netns "$kubelab_net"
ip -n fakemx-port25 address add 192.0.2.2/30 dev uplink
ip -n fakemx-port25 link set uplink up
ip -n fakemx-port25 link set lo up
ip -n fakemx-port25 route add default via 192.0.2.1
on_node ip address add 192.0.2.1/30 dev fk-port25
on_node ip link set fk-port25 up
for address in 198.51.100.25 203.0.113.10 203.0.113.11; do
  ip -n fakemx-port25 address add $address dev lo
  on_node ip route add $address via 192.0.2.2
  finally on_node ip route del $address
done
start "$tmp/control.log" port25 "$tmp/fakemx" sink serve -listen 203.0.113.10:25 -metrics '' -visits /dev/null
until_true 10 port25 bash -c '</dev/tcp/203.0.113.10/25'

sed 's/^        watch$/        watch 10s/' "$tmp/kubernetes/overlays/$v/Corefile" | overlay $v overlays/$v replace
bring_up $v 203.0.113.106
address=$(public $v)
six="0 decoy0.example.org.
$expected"
is "$v: the sink refuses, so its fake is handed out" "$(mx "$address")" "$six"

start "$tmp/watched.log" "$tmp/probe" -want 6 -for 20m "$address:53" example.org MX
load=$started
old=$(pods $v)
roll $v 6
is "$v: all pods were replaced" "$(pods $v | grep -cxF "$old")" 0
for client in udp tcp inside; do
  last=$(grep '^sent=' "$tmp/roll.$client")
  has "$v: a rolling update loses nothing, and no fake flaps, $client ($last)" "$(tail -n 5 "$tmp/roll.$client")" 'lost=0 wrong=0'
done

# drop POD [ADDRESS]: port 25, of the one address or of all, is silent for the pod
drop() {
  local rule=(FORWARD -s "$(pod_address $v "$1")" ${2:+-d "$2"} -p tcp --dport 25 -j DROP)
  on_node iptables -I "${rule[@]}"
  finally on_node iptables -D "${rule[@]}"
}
metric() { curl -s "http://$(pod_address $v "$1"):9153/metrics" | grep "^coredns_fakemx_watch_$2"; }
says() { metric "$1" "$2" | grep -qx "coredns_fakemx_watch_$2 $3"; }
bad='address{address="198.51.100.25",state="bad"}'
hands_out() { [ "$(mx "$(pod_address $v "$1")" -p 1053 | wc -l)" = "$2" ]; }

# The alerts as they are, but for their patience.
mkdir "$tmp/alerts"
sed 's/for: .*/for: 1s/' "$repo/deploy/prometheus/fakemx.rules.yaml" >"$tmp/alerts/rules.yaml"
cat >"$tmp/alerts/prometheus.yaml" <<YAML
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yaml]
scrape_configs:
  - job_name: fakemx
    static_configs: [{targets: [$(for pod in $(pods $v); do echo -n "'$(pod_address $v "$pod"):9153', "; done)]}]
YAML
start "$tmp/alerts/log" prometheus --config.file="$tmp/alerts/prometheus.yaml" --storage.tsdb.path="$tmp/alerts/data" --web.listen-address=127.0.0.1:19390
fires() { # ALERT POD: for this pod, or for any without one
  curl -s http://127.0.0.1:19390/api/v1/alerts |
    jq -e --arg alert "$1" --arg instance "${2:+$(pod_address $v "$2"):9153}" \
      '.data.alerts[] | select(.labels.alertname == $alert and .state == "firing" and ($instance == "" or .labels.instance == $instance))'
}

blind=$(pods $v | head -1)
other=$(pods $v | tail -1)
drop "$blind"
runs "$v: a pod that may not call port 25 says that it is blind" until_true 60 says "$blind" blind 1
runs "$v: ... and so does the alert" until_true 20 fires FakemxWatchBlind "$blind"
is "$v: ... the other does not" "$(metric "$other" blind)" "coredns_fakemx_watch_blind 0"
sleep 60 # longer than a sink that drops may stay unnoticed
runs "$v: ... and a minute later it hands out what it did before" hands_out "$blind" 6
stop $load
has "$v: up to here nobody has seen another set" "$(tail -1 "$tmp/watched.log")" 'lost=0 wrong=0'

on_node iptables -I FORWARD -s "$(pod_address $v "$blind")" -d 203.0.113.10 -j ACCEPT
finally on_node iptables -D FORWARD -s "$(pod_address $v "$blind")" -d 203.0.113.10 -j ACCEPT
runs "$v: a pod that sees others, but not the sink, withdraws the fake" until_true 90 says "$blind" "$bad" 1
runs "$v: ... from its answers" hands_out "$blind" 5
runs "$v: ... and keeps the sink's address" [ "$(ask "@$(pod_address $v "$blind")" -p 1053 decoy0.example.org A +short)" = 198.51.100.25 ]
runs "$v: ... while the other goes on" hands_out "$other" 6
runs "$v: ... the alert says which pod sees it so" until_true 20 fires FakemxSinkNotRefusing "$blind"
runs "$v: ... and that they disagree" until_true 20 fires FakemxWatchersDisagree
has "$v: both sets are answers, so nobody goes without" "$("$tmp/probe" -for 2s "$address:53" example.org MX)" 'lost=0 wrong=0'

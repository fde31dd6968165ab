# The rules of docs/make-a-sink.md, in two network namespaces: a sender and a machine whose firewall drops.
need ip iproute2
need nft nftables
need iptables iptables
need nc netcat-openbsd

# rules LANGUAGE: that block of the page
rules() { awk -v fence="~~~ $1" '/^~~~/ && inside { exit } inside; $0 == fence { inside = 1 }' "$repo/docs/make-a-sink.md"; }

# network: the namespaces newly made, the machine with the sink's addresses, a drop of all that is not asked for, and a
# mail server that listens on every address
network() {
  local name
  for name in fakemx-sender fakemx-sink; do ip netns del $name 2>/dev/null; ip netns add $name; done
  ip -n fakemx-sender link add out type veth peer name in netns fakemx-sink
  ip -n fakemx-sender address add 198.51.100.1/24 dev out
  ip -n fakemx-sender address add 2001:db8::1/64 dev out nodad
  ip -n fakemx-sink address add 198.51.100.26/24 dev in
  ip -n fakemx-sink address add 198.51.100.10/24 dev in
  ip -n fakemx-sink address add 2001:db8::26/64 dev in nodad
  ip -n fakemx-sender link set out up
  ip -n fakemx-sink link set in up
  ip -n fakemx-sink link set lo up
  start "$tmp/listener.log" nsenter --net=/run/netns/fakemx-sink -- nc -lk 25 # not by a function, whose shell alone would be stopped
}
finally ip netns del fakemx-sender
finally ip netns del fakemx-sink
on_the_sink() { nsenter --net=/run/netns/fakemx-sink -- "$@"; }
sends() { nsenter --net=/run/netns/fakemx-sender -- nc -vz -w 3 "$1" 25 2>&1; }
drop_all() {
  on_the_sink nft -f - <<'NFT'
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        ip daddr 198.51.100.10 tcp dport 25 accept
        meta l4proto ipv6-icmp accept
    }
}
NFT
}

for language in nftables iptables; do
  network
  runs "$language: a firewall drops" drop_all
  for address in 198.51.100.26 2001:db8::26; do
    has "... so a sender waits at $address" "$(sends $address)" 'timed out'
  done
  if [ $language = nftables ]; then
    runs "the nftables rules of docs/make-a-sink.md load" on_the_sink nft -f - <<<"$(rules nftables)"
  else
    on_the_sink nft flush ruleset
    on_the_sink iptables -P INPUT DROP
    on_the_sink iptables -A INPUT -d 198.51.100.10 -p tcp --dport 25 -j ACCEPT
    on_the_sink ip6tables -P INPUT DROP
    on_the_sink ip6tables -A INPUT -p ipv6-icmp -j ACCEPT
    runs "the iptables rules of docs/make-a-sink.md load" on_the_sink bash -e <<<"$(rules iptables)"
  fi
  for address in 198.51.100.26 2001:db8::26; do
    has "... and $address refuses, although something listens" "$(sends $address)" 'Connection refused'
  done
  has "... while the mail server's own address still answers" "$(sends 198.51.100.10)" 'succeeded'
  stop "$started"
done

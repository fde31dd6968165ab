# The client's own address reaches view and acl, because of externalTrafficPolicy: Local.
v=clients
{
  sed "s#^    fakemx {#    view outside {\n        expr incidr(client_ip(), '$outside/32')\n    }\n    acl {\n        block type TXT\n    }\n&#" \
    "$tmp/kubernetes/overlays/standalone/Corefile"
  echo 'example.org:1053 {
    file /zones/example.org.zone
}'
} | overlay $v overlays/standalone replace
bring_up $v 203.0.113.105
address=$(public $v)
is "from outside: the view with the fakes" "$(mx "$address" | wc -l)" 5
has "... and acl blocks this address" "$(ask "@$address" example.org TXT)" 'status: REFUSED'
has "from inside: the view without" "$(inside $v -want 2 -for 1s "$(internal $v):53" example.org MX)" 'lost=0 wrong=0'
kubectl -n $v patch service fakemx -p '{"spec":{"externalTrafficPolicy":"Cluster"}}' >/dev/null
hidden() { [ "$(mx "$address" | wc -l)" = 2 ]; }
runs "counter-check: with policy Cluster the address is hidden" until_true 15 hidden

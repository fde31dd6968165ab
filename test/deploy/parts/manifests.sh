# The manifests without a cluster: every overlay renders, decodes strictly, and keeps its promises (see manifests/).
log=$(cd "$here" && go test -count=1 -v ./manifests 2>&1)
while read -r line; do ok "${line//_/ }"; done < <(sed -n 's/^ *--- PASS: \([^ ]*\).*/\1/p' <<<"$log")
while read -r line; do fail "${line//_/ }"; done < <(sed -n 's/^ *--- FAIL: \([^ ]*\).*/\1/p' <<<"$log")
has "the tests of the manifests ran" "$log" '^ok'

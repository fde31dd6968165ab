# The alerting rules: valid, and each fires on its cause and only on it.
need promtool prometheus
mkdir "$tmp/rules"
cp "$repo/deploy/prometheus/fakemx.rules.yaml" "$here/prometheus/rules.test.yaml" "$tmp/rules"
runs "the rules are valid" promtool check rules "$tmp/rules/fakemx.rules.yaml"
runs "every alert fires on its cause, and none on an ordinary day" promtool test rules "$tmp/rules/rules.test.yaml"

# Teeth: a rule that never fires must be noticed.
for alert in $(sed -n 's/.*- alert: //p' "$tmp/rules/fakemx.rules.yaml"); do
  sed "/alert: $alert\$/,/for:/s/for: .*/for: 1000h/" "$repo/deploy/prometheus/fakemx.rules.yaml" >"$tmp/rules/fakemx.rules.yaml"
  if promtool test rules "$tmp/rules/rules.test.yaml" >"$tmp/rules/log" 2>&1; then
    fail "counter-check: the tests don't notice that $alert never fires"
  else
    ok "counter-check: the tests notice if $alert never fires"
  fi
done

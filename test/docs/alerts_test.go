package docs

import (
	"regexp"
	"strings"
	"testing"
)

// TestEveryAlertSaysWhatToDo follows the link of each alert to the heading of
// its name, and looks for names of alerts that there are not.
func TestEveryAlertSaysWhatToDo(t *testing.T) {
	const page = "https://github.com/fakemx/fakemx/blob/main/docs/alerts.md#"
	rules := read(t, "deploy/prometheus/fakemx.rules.yaml") + read(t, "deploy/sink/fakemx-sink.rules.yaml")
	sections := anchors(read(t, "docs/alerts.md"))
	names := make(map[string]bool)
	for _, rule := range strings.Split(rules, "- alert: ")[1:] {
		name, rest, _ := strings.Cut(rule, "\n")
		names[name] = true
		m := regexp.MustCompile(`(?m)^ *runbook_url: (\S+)$`).FindStringSubmatch(rest)
		if m == nil || m[1] != page+strings.ToLower(name) {
			t.Errorf("%s: runbook_url %v, want %s", name, m, page+strings.ToLower(name))
		}
		if !sections[strings.ToLower(name)] {
			t.Errorf("%s: docs/alerts.md has no heading of that name", name)
		}
	}
	if len(names) == 0 || len(names) != len(regexp.MustCompile(`(?m)^## `).FindAllString(read(t, "docs/alerts.md"), -1)) {
		t.Fatalf("docs/alerts.md has other headings than the %d alerts", len(names))
	}
	for _, document := range documents(t) {
		for _, name := range regexp.MustCompile(`\bFakemx[A-Z]\w+`).FindAllString(read(t, document), -1) {
			if !names[name] {
				t.Errorf("%s: there is no alert %s", document, name)
			}
		}
	}
}

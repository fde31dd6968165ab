package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"
)

func TestQuestionsToOneServerAreSpaced(t *testing.T) {
	l := newLimiter(10)
	now := time.Unix(1000, 0)
	for i, want := range []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond} {
		if got := l.reserve("a", now).Sub(now); got != want {
			t.Errorf("question %d leaves after %v, expected %v", i, got, want)
		}
	}
	if got := l.reserve("b", now).Sub(now); got != 0 {
		t.Errorf("another server waits %v", got)
	}
	if got := l.reserve("a", now.Add(time.Second)).Sub(now); got != time.Second {
		t.Errorf("after a pause the question leaves after %v, expected at once", got)
	}
}

func TestAMemoAsksOnceAndForgetsFailures(t *testing.T) {
	m := newMemo[int](2)
	var asked atomic.Int32
	ask := func() (int, error) { asked.Add(1); return 7, nil }
	for range 3 {
		if v, err := m.get(t.Context(), "a", ask); v != 7 || err != nil {
			t.Fatalf("got %d, %v", v, err)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times, expected once", asked.Load())
	}
	failure := errors.New("no")
	for range 2 {
		if _, err := m.get(t.Context(), "b", func() (int, error) { asked.Add(1); return 0, failure }); !errors.Is(err, failure) {
			t.Errorf("error %v", err)
		}
	}
	if asked.Load() != 3 {
		t.Errorf("asked %d times, expected a failure to be asked again", asked.Load())
	}
	for _, key := range []string{"c", "d", "e", "f"} {
		_, _ = m.get(t.Context(), key, ask)
	}
	if len(m.entries) > 2 {
		t.Errorf("%d entries, expected at most 2", len(m.entries))
	}
}

func TestPolicy(t *testing.T) {
	p, err := parsePolicy(strings.NewReader("version: STSv1\r\nmode: enforce\r\nmx: mail.example.org\r\nmx: *.example.net\r\nmax_age: 1\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"mail.example.org.": true, "MAIL.example.org.": true, "fake0.example.org.": false,
		"a.example.net.": true, "a.b.example.net.": false, "example.net.": false,
	} {
		if got := p.covers(host); got != want {
			t.Errorf("%s: %v, expected %v", host, got, want)
		}
	}
	for _, bad := range []string{"", "version: STSv2\nmode: none\n", "version: STSv1\nmode: maybe\n", "version: STSv1\nmode: enforce\n"} {
		if _, err := parsePolicy(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestARefusalThatNamesAnotherAddressMayBeOfThisClient(t *testing.T) {
	host := netip.MustParseAddr("192.0.2.1")
	for text, want := range map[string]bool{
		"5.1.1 no such user":                         false,
		"5.7.1 rejected by 192.0.2.1":                false,
		"5.7.1 203.0.113.9 is listed":                true,
		"5.7.1 client [2001:db8::1] blocked":         true,
		"5.7.1 at 10:20:30 nothing":                  false,
		"relay not permitted for postmaster@a.b.c.d": false,
	} {
		if got := blames(text, host); got != want {
			t.Errorf("%q: %v, expected %v", text, got, want)
		}
	}
}

func TestTextFromOutsideIsMadeFitForATerminal(t *testing.T) {
	if got := printable("a\x1b[31mb\r\nc\xff"); strings.ContainsAny(got, "\x1b\r\n") || !utf8.ValidString(got) {
		t.Errorf("got %q", got)
	}
	if got := printable(strings.Repeat("ü", 1000)); len(got) > maxText+3 || !strings.HasSuffix(got, "...") {
		t.Errorf("got %d octets", len(got))
	}
	var b strings.Builder
	listUnseen(&b, "could not see", []Unseen{{"a", "x"}, {"b", "y"}, {"c", "x"}})
	if want := "could not see a, c: x\ncould not see b: y\n"; b.String() != want {
		t.Errorf("got %q, expected %q", b.String(), want)
	}
}

func TestTXTRecordsAreUnescaped(t *testing.T) {
	for in, want := range map[string]string{`plain`: "plain", `a\"b`: `a"b`, `a\195\164`: "a\xc3\xa4", `end\`: `end\`} {
		if got := unescape(in); got != want {
			t.Errorf("%q: %q, expected %q", in, got, want)
		}
	}
}

func TestReportsComeInTheOrderOfTheTargets(t *testing.T) {
	c, err := New(Options{Resolvers: []string{resolver + ":53"}, Timeout: 50 * time.Millisecond}, nil)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"a.invalid.", "b.invalid.", "c.invalid.", "d.invalid.", "e.invalid."}
	targets, want := make([]Target, 0, len(names)), make([]string, 0, len(names))
	for _, name := range names {
		targets = append(targets, Target{Owner: name})
		want = append(want, display(name))
	}
	var got []string
	err = c.All(t.Context(), slices.Values(targets), 3, func(r *Report) error {
		got = append(got, r.Domain)
		return nil
	})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("reports %v, %v, expected %v", got, err, want)
	}
	stop := errors.New("stop")
	if err := c.All(t.Context(), slices.Values(targets), 3, func(*Report) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error %v, expected that of the callback", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.All(ended, slices.Values(targets), 3, func(*Report) error { return nil }); err == nil {
		t.Error("an interrupted run says nothing")
	}
}

// documented has the fields of the schema that docs/check.md lists.
func documented(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("../../docs/check.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestEveryCodeHasAParagraph(t *testing.T) {
	doc := documented(t)
	last := ""
	for _, code := range Codes() {
		if n := strings.Count(doc, "\n**"+string(code)+"** ("); n != 1 {
			t.Errorf("docs/check.md: %d paragraphs begin with **%s**, expected one", n, code)
		}
		last = string(code)
	}
	if n := strings.Count(doc, "\n**"); n != len(Codes()) {
		t.Errorf("docs/check.md has %d paragraphs of codes, expected %d; the last code is %s", n, len(Codes()), last)
	}
}

func TestTheJSONIsAsDocumented(t *testing.T) {
	d := &domain{what: "json", zone: usual + "@ MX 30 third\nthird A 12.1.1.1\n", fakes: lowestFake}
	w := build(t, named("json", []*domain{d}))
	r := w.check(t, d)
	r.Unseen = append(r.Unseen, Unseen{"a", "b"})
	r.Skipped = append(r.Skipped, Unseen{"a", "b"})
	s := NewSummary()
	s.Add(r)
	var out bytes.Buffer
	j, err := NewJSON(&out)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := j.Report(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.End(s); err != nil {
		t.Fatal(err)
	}
	var value map[string]any
	if err := json.Unmarshal(out.Bytes(), &value); err != nil {
		t.Fatalf("%v:\n%s", err, out.String())
	}
	if value["schema"] != Schema {
		t.Errorf("schema %v, expected %s", value["schema"], Schema)
	}
	if domains := value["domains"].([]any); len(domains) != 2 {
		t.Errorf("%d domains, expected 2", len(domains))
	}
	doc := documented(t)
	var walk func(v any, inCodes bool)
	walk = func(v any, inCodes bool) {
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				if !inCodes && !strings.Contains(doc, "`"+key+"`") {
					t.Errorf("docs/check.md does not name the field %s", key)
				}
				walk(value, key == "codes")
			}
		case []any:
			for _, value := range v {
				walk(value, false)
			}
		}
	}
	walk(value, false)
}

func TestWhatCannotBeSeenIsSaid(t *testing.T) {
	blind := &domain{what: "port 25 is blocked", zone: "@ MX 10 mail\nmail A 45.67.0.9\n", fakes: "lowest fake0 45.67.0.10"}
	foreign := &domain{what: "hosts of others", zone: "@ MX 10 decoy.elsewhere.test.\n", fakes: "highest decoy1 12.0.0.1"}
	mute := &domain{what: "a host that does not greet", zone: "@ MX 10 mail\nmail A 11.0.0.10\n", fakes: "highest decoy1 12.0.0.1"}
	blocked := &domain{what: "a host that refuses this client", zone: "@ MX 10 mail\nmail A 11.0.0.6\n", fakes: "highest decoy1 12.0.0.1"}
	missing := &domain{what: "a name that is not there", zone: "@ A 11.0.0.1\n", fakes: "highest decoy1 12.0.0.1"}
	w := build(t, append(named("unseen", []*domain{blind, foreign, mute, blocked, missing}), elsewhere()))
	t.Run("each", func(t *testing.T) {
		for _, d := range []*domain{mute, blocked} {
			t.Run(d.what+" gives no finding about the recipient", func(t *testing.T) {
				t.Parallel()
				r := w.check(t, d)
				if got := subjects(r.Unseen); len(got) != 1 || !strings.HasPrefix(got[0], "mail.") || len(codesOf(r)) != 1 {
					t.Errorf("not seen %v:\n%s", got, text(t, r))
				}
			})
		}
		t.Run("a name that does not exist is not said to have no MX", func(t *testing.T) {
			t.Parallel()
			c := missing.corefileFor(t)
			target, err := c.Target("nothing." + missing.origin())
			if err != nil {
				t.Fatal(err)
			}
			checker, err := New(Options{Resolvers: []string{resolver + ":53"}}, c)
			if err != nil {
				t.Fatal(err)
			}
			if r := checker.Check(t.Context(), target); !strings.Contains(text(t, r), "does not exist") {
				t.Errorf("got:\n%s", text(t, r))
			}
		})
		t.Run("where nobody accepts on port 25, neither silence nor refusal counts", func(t *testing.T) {
			t.Parallel()
			r := w.check(t, blind)
			if codes := codesOf(r); slices.Contains(codes, CodeSinkSilent) || slices.Contains(codes, CodeRealSilent) || len(r.Unseen) != 2 {
				t.Errorf("expected two addresses not seen and no finding about them:\n%s", text(t, r))
			}
		})
		t.Run("the hosts of control in the Corefile say whether port 25 can be seen, unless others are named", func(t *testing.T) {
			t.Parallel()
			const watching = "watch\ncontrol 11.0.0.1"
			for controls, want := range map[string]bool{"": true, "45.67.0.11": false} {
				t.Run("-control "+controls, func(t *testing.T) {
					t.Parallel()
					d := *blind
					d.fakes += "\n" + watching
					c := d.corefileFor(t)
					target, err := c.Target(d.origin())
					if err != nil {
						t.Fatal(err)
					}
					o := Options{Resolvers: []string{resolver + ":53"}, PerSecond: 10_000, Timeout: time.Minute, Helo: "probe.test", Roots: w.roots}
					if controls != "" {
						o.Control = []netip.Addr{netip.MustParseAddr(controls)}
					}
					checker, err := New(o, c)
					if err != nil {
						t.Fatal(err)
					}
					if r := checker.Check(t.Context(), target); slices.Contains(codesOf(r), CodeSinkSilent) != want {
						t.Errorf("expected the silent sink to be seen: %t\n%s", want, text(t, r))
					}
				})
			}
		})
		t.Run("hosts of others are not called", func(t *testing.T) {
			t.Parallel()
			r := w.check(t, foreign)
			if got := subjects(r.Skipped); !slices.Equal(got, []string{"port 25 of decoy.elsewhere.test"}) {
				t.Errorf("skipped %v:\n%s", got, text(t, r))
			}
		})
	})
	w.mail.check(t)
}

func TestWithoutACorefileTheFakesAreSeenByWhatTheyDo(t *testing.T) {
	d := &domain{what: "plain", plain: true, fakes: "", zone: `@ MX 0 fake0
		@ MX 10 mail
		@ MX 20 decoy
		fake0 A 12.0.0.1
		mail A 11.0.0.1
		decoy A 12.0.0.2
	`}
	w := build(t, named("plain", []*domain{d}))
	r := w.check(t, d)
	kinds := make([]string, 0, len(r.After))
	for _, record := range r.After {
		kinds = append(kinds, record.Fake)
	}
	if want := []string{"lowest", "", "highest"}; !slices.Equal(kinds, want) {
		t.Errorf("kinds %q, expected %q:\n%s", kinds, want, text(t, r))
	}
	if worst, _ := r.Worst(); worst > Info {
		t.Errorf("expected nothing above info:\n%s", text(t, r))
	}
}

func TestWhetherAReceiverKnowsItsDomainsByMXStaysAQuestionUntilItWasAsked(t *testing.T) {
	d := &domain{what: "not asked", zone: usual, fakes: lowestFake, on: true}
	w := build(t, named("asked", []*domain{d}))
	c := d.corefileFor(t)
	target, err := c.Target(d.origin())
	if err != nil {
		t.Fatal(err)
	}
	for _, noProbe := range []bool{false, true} {
		checker, err := New(Options{Resolvers: []string{resolver + ":53"}, NoProbe: noProbe, Timeout: time.Minute, Roots: w.roots}, c)
		if err != nil {
			t.Fatal(err)
		}
		r := checker.Check(t.Context(), target)
		if asks := slices.Contains(codesOf(r), CodeReceiverAsk); asks != noProbe {
			t.Errorf("without probes %v, the question stands there %v:\n%s", noProbe, asks, text(t, r))
		}
	}
}

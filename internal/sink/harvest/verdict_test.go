package harvest

import (
	"net/netip"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/sink/store"
)

// guilty are facts of a visit that nothing excuses.
func guilty() Facts {
	return Facts{
		Client: netip.MustParseAddr("13.1.2.3"), Time: birth,
		Checks:  &store.Checks{Helo: store.SPF{Domain: "bot.example", Result: "none"}, From: []store.SPF{{Domain: "forged.example", Result: "fail"}}},
		Several: true,
	}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Facts)
		want   Reason
	}{
		{"nothing", func(*Facts) {}, Bot},
		{"a private address", func(f *Facts) { f.Client = netip.MustParseAddr("10.1.2.3") }, Special},
		{"a mail host of ours", func(f *Facts) { f.OwnHost = true }, OwnHost},
		{"the allow list", func(f *Facts) { f.Allowed = true }, Allowed},
		{"an acquittal at the time of the visit", func(f *Facts) { f.Acquitted = &store.Acquittal{At: birth, Why: ByHand} }, Acquitted},
		{"not an acquittal before the visit", func(f *Facts) { f.Acquitted = &store.Acquittal{At: birth.Add(-time.Second), Why: ByHand} }, Bot},
		{"a queue a week before the visit", func(f *Facts) { f.Acquitted = &store.Acquittal{At: birth.Add(-Before), Why: string(Queue)} }, Acquitted},
		{"not a queue longer ago", func(f *Facts) {
			f.Acquitted = &store.Acquittal{At: birth.Add(-Before - time.Second), Why: string(Queue)}
		}, Bot},
		{"an offer a week before the visit", func(f *Facts) { f.Acquitted = &store.Acquittal{At: birth.Add(-Before), Why: string(Offered)} }, Acquitted},
		{"a sight", func(f *Facts) { f.Met = true }, Seen},
		{"an envelope at a real host", func(f *Facts) { f.Envelopes = Offered }, Offered},
		{"an envelope of another visit", func(f *Facts) { f.OtherEnvelopes = Queue }, Cleared},
		{"SPF of the reverse path", func(f *Facts) { f.Checks.From[0].Result = "pass" }, SPFPass},
		{"SPF of the HELO name", func(f *Facts) { f.Checks.Helo.Result = "pass" }, SPFPass},
		{"a feed that isn't proven", func(f *Facts) { f.Feed = Gap }, Gap},
		{"no checks", func(f *Facts) { f.Checks = nil }, SPFUnknown},
		{"a temporary error of SPF", func(f *Facts) { f.Checks.From[0].Result = "temperror" }, SPFError},
		{"a permanent error of SPF", func(f *Facts) { f.Checks.Helo.Result = "permerror" }, SPFError},
		{"a result that SPF doesn't have", func(f *Facts) { f.Checks.Helo.Result = "" }, SPFError},
		{"not neutral or softfail", func(f *Facts) { f.Checks.Helo.Result, f.Checks.From[0].Result = "neutral", "softfail" }, Bot},
		{"mail hosts unknown when it came", func(f *Facts) { f.Checks.Hosts = string(Hosted) }, Hosted},
		{"mail hosts unknown now", func(f *Facts) { f.Hosts = MXUnknown }, MXUnknown},
		{"nobody else", func(f *Facts) { f.Several = false }, OneAddress},
		{"a pass, before all that is not known", func(f *Facts) { f.Checks.Helo.Result, f.Feed, f.Hosts = "pass", Gap, Hosted }, SPFPass},
	} {
		t.Run("excused by "+c.name, func(t *testing.T) {
			f := guilty()
			c.change(&f)
			if got := Judge(f); got != c.want {
				t.Errorf("found %s, expected %s", got, c.want)
			}
		})
	}
}

func TestEveryReasonHasAText(t *testing.T) {
	for _, r := range append([]Reason{Waiting}, Reasons...) {
		if !r.known() {
			t.Errorf("%s has none", r)
		}
	}
	if len(texts) != len(Reasons)+1 {
		t.Errorf("%d texts, %d reasons and Waiting", len(texts), len(Reasons))
	}
}

func TestProven(t *testing.T) {
	const gap = 7 * time.Minute
	visit := birth
	now := visit.Add(After)
	stretch := func(from, to time.Duration) store.Stretch {
		return store.Stretch{From: visit.Add(from), To: visit.Add(to)}
	}
	whole := []store.Stretch{stretch(-Before, After)}
	for _, c := range []struct {
		name  string
		feeds []Feed
		want  Reason
	}{
		{"no host at all", nil, NoFeed},
		{"a week before, and to the end", []Feed{{whole, whole}}, ""},
		{"two hosts, both whole", []Feed{{whole, whole}, {whole, whole}}, ""},
		{"two hosts, one never proven", []Feed{{whole, whole}, {}}, NoFeed},
		{"two hosts, one without envelopes", []Feed{{whole, whole}, {Lines: whole}}, NoEnvelopes},
		{"a second less than a week", []Feed{{[]store.Stretch{stretch(-Before+time.Second, After)}, whole}}, Young},
		{"a week with a gap of a day", []Feed{{[]store.Stretch{stretch(-Before, -48*time.Hour), stretch(-24*time.Hour, After)}, whole}}, ""},
		{"a week with a gap of more", []Feed{{[]store.Stretch{stretch(-Before, -48*time.Hour-time.Second), stretch(-24*time.Hour, After)}, whole}}, Young},
		{"a gap within the hour before", []Feed{{[]store.Stretch{stretch(-Before, -2*time.Hour), stretch(-time.Hour+time.Second, After)}, whole}}, Gap},
		{"a stretch that begins an hour before", []Feed{{[]store.Stretch{stretch(-Before, -2*time.Hour), stretch(-time.Hour, After)}, whole}}, ""},
		{"a gap after", []Feed{{[]store.Stretch{stretch(-Before, time.Hour), stretch(2*time.Hour, After)}, whole}}, Gap},
		{"a gap of the envelopes after", []Feed{{whole, []store.Stretch{stretch(-Before, time.Hour), stretch(2*time.Hour, After)}}}, EnvelopeGap},
		{"envelopes from an hour before", []Feed{{whole, []store.Stretch{stretch(-time.Hour, After)}}}, ""},
		{"the last proof a moment ago, the next to come", []Feed{{[]store.Stretch{stretch(-Before, After-gap)}, whole}}, Waiting},
		{"the last proof too long ago", []Feed{{[]store.Stretch{stretch(-Before, After-gap-time.Second)}, whole}}, Gap},
		{"one waits, one is broken", []Feed{{[]store.Stretch{stretch(-Before, After-gap)}, whole}, {[]store.Stretch{stretch(-Before, 0)}, whole}}, Gap},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Proven(c.feeds, visit, now, After, gap); got != c.want {
				t.Errorf("found %q, expected %q", got, c.want)
			}
		})
	}
}

func TestSpecial(t *testing.T) {
	for _, a := range []string{
		"0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.1.1", "172.16.0.1", "192.168.0.1", "192.0.2.1", "198.18.0.1", "203.0.113.1",
		"224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fd00::1", "ff02::1", "2001:db8::1", "2001::1", "2002::1", "64:ff9b::1", "3fff::1",
	} {
		if !special(netip.MustParseAddr(a)) {
			t.Errorf("%s passes for a host's", a)
		}
	}
	for _, a := range []string{"8.8.8.8", "100.128.0.1", "198.20.0.1", "2600::1", "2a00:1450::1", "2001:4860::1"} {
		if special(netip.MustParseAddr(a)) {
			t.Errorf("%s passes for no host's", a)
		}
	}
}

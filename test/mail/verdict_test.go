package main

import (
	"strings"
	"testing"
)

// fine is a run that shows what it must, with one sender that waits 3 s after a
// refusal and one that doesn't wait.
func fine() *result {
	quick, slow := &sender{name: "quick"}, opensmtpd()
	ok := func(seconds float64, refused int, called ...string) outcome {
		return outcome{tries: []try{{fate: delivered, attempt: len(split(called)), seconds: seconds, refused: refused, called: called}}}
	}
	both := func(k kind, what string, q, s outcome) row {
		return row{kind: k, what: what, outcomes: map[string]outcome{quick.name: q, slow.name: s}}
	}
	r := &result{mails: 1, tries: 100, senders: []*sender{quick, slow}, versions: map[string]string{"quick": "1"}}
	r.rows = []row{
		both(baseline, "no fakes", ok(0.1, 0, "mail"), ok(0.1, 0, "mail")),
		both(safe, "one lowest", ok(0.15, 1, "fake0*", "mail"), ok(2.5, 1, "fake0*", "mail")),
		both(unseen, "dry_run", ok(0.1, 0, "mail"), ok(0.1, 0, "mail")),
		both(outage, "all down", ok(9, 3, "fake0*", "mail", "fake0*", "mail"), ok(9, 3, "fake0*", "mail", "fake0*", "mail")),
		both(untouched, "no MX, no fakemx", ok(0.1, 0, "@"), ok(0.1, 0, "@")),
		both(untouched, "no MX", ok(0.1, 0, "@"), ok(0.1, 0, "@")),
		both(unsafe, "five lowest", outcome{tries: []try{{fate: queued}}}, ok(9, 5, "mail")),
		both(changing, "reload", ok(0.1, 1, "fake0*", "mail"), ok(0.1, 0, "mail")),
	}
	r.rows[5].twin = 4
	secure := ok(0.1, 1, "fake0*", "mail")
	secure.tries[0].tls = true
	r.rows = append(r.rows, both(dane, "DANE", secure, secure))
	lost := outcome{tries: []try{{fate: bounced}}}
	putOff := func(runs, visits int) outcome {
		o := ok(12, 0, "mail", "mail")
		o.detour = &detour{runs: runs, visits: []int{visits}}
		return o
	}
	r.rows = append(r.rows,
		both(known, "400 records", lost, ok(0.1, 0, "mail")),
		both(grey, "put off, no fakes", putOff(1, 0), putOff(2, 0)),
		both(grey, "put off", putOff(1, 2), putOff(2, 0)))
	r.rows[9].losers, r.rows[9].part = []string{quick.name}, partCrowd
	r.rows[11].twin = 10
	r.vigils = []*vigil{keptVigil()}
	r.bots = []botRow{{habit: "all", what: "no fakes", tries: 100, reached: 100, predicted: 1}}
	return r
}

func TestVerdict(t *testing.T) {
	change := func(r *result, row int, f func(t *try)) { f(&r.rows[row].outcomes["quick"].tries[0]) }
	for name, tc := range map[string]struct {
		spoil func(r *result)
		want  string // part of the complaint; "" for none
	}{
		"a run in which everything arrives in time passes": {func(*result) {}, ""},
		"a bounce fails it":                         {func(r *result) { change(r, 1, func(t *try) { t.fate = bounced }) }, "quick: one lowest: bounced"},
		"a message that stays queued fails it":      {func(r *result) { change(r, 3, func(t *try) { t.fate = queued }) }, "quick: all down: queued"},
		"a loss during reloads fails it":            {func(r *result) { change(r, 7, func(t *try) { t.fate = queued }) }, "quick: reload: queued"},
		"mail that a sink takes fails it":           {func(r *result) { change(r, 0, func(t *try) { t.fate = stolen }) }, "taken by a sink"},
		"a second attempt in a safe shape fails it": {func(r *result) { change(r, 1, func(t *try) { t.attempt = 2 }) }, "on the 2nd attempt"},
		"a delay that no refusal explains fails it": {func(r *result) { change(r, 1, func(t *try) { t.seconds = 0.25 }) }, "0.15 s more"},
		"in the short form one slow message is the machine's": {
			func(r *result) {
				r.short = true
				o := r.rows[1].outcomes["quick"]
				slow := o.tries[0]
				slow.seconds = 5
				o.tries = append(o.tries, slow, slow)
				r.rows[1].outcomes["quick"] = o
			}, ""},
		"in the short form a delay of every message fails it": {
			func(r *result) { r.short = true; change(r, 1, func(t *try) { t.seconds = 30 }) }, "29.90 s more"},
		"a wait longer than the sender's own fails it": {
			func(r *result) { r.rows[1].outcomes["OpenSMTPD"].tries[0].seconds = 3.3 }, "OpenSMTPD: one lowest: 3.30 s"},
		"a sink contacted under dry_run fails it": {
			func(r *result) { change(r, 2, func(t *try) { t.called = []string{"fake0*", "mail"} }) }, "the sink fake0* was contacted"},
		"an outage that the sender never met fails it": {func(r *result) { change(r, 3, func(t *try) { t.attempt = 1 }) }, "expected a later one"},
		"a domain without MX that behaves otherwise fails it": {
			func(r *result) { change(r, 5, func(t *try) { t.called = []string{"fake0*", "@"} }) }, "without fakemx delivered"},
		"a refused shape that loses nothing fails it": {func(r *result) { change(r, 6, func(t *try) { t.fate = delivered }) }, "why refuse it"},
		"a delivery without TLS where DANE demands it fails it": {
			func(r *result) { r.rows[8].outcomes["quick"].tries[0].tls = false }, "quick: DANE: delivered without TLS"},
		"a case not carried out fails it": {
			func(r *result) { r.rows[1].outcomes["quick"] = outcome{broken: errQuit} }, "quick: one lowest: quit"},
		"a loss that was expected and doesn't come fails it": {
			func(r *result) { change(r, 9, func(t *try) { t.fate = delivered }) }, "quick: 400 records: all delivered"},
		"a loss by a sender that is not known for it fails it": {
			func(r *result) { r.rows[9].losers = nil }, "quick: 400 records: bounced"},
		"a message that everyone is expected to lose and one delivers fails it": {
			func(r *result) { r.rows[9].losers = []string{everyone} }, "OpenSMTPD: 400 records: all delivered"},
		"a message put off that is never delivered fails it": {
			func(r *result) { change(r, 11, func(t *try) { t.fate = queued }) }, "quick: put off: queued"},
		"a message put off that fakes cost a run of the queue fails it": {
			func(r *result) { r.rows[11].outcomes["quick"].detour.runs = 2 }, "on run 2 of the queue, without fakes on run 1"},
		"greylisting after which nobody calls the fakes fails it": {
			func(r *result) { r.rows[11].outcomes["quick"].detour.visits = []int{0} }, "no sender went on to the fakes"},
		"a receiver that loses mail without fakes fails it": {
			func(r *result) {
				a := &arrival{arrangement: arrangements[0], reply: "550 no"}
				r.receive = []*receiver{{sender: &sender{name: "server"}, arrivals: []*arrival{a}}}
			}, "server: no fakes: 550 no"},
		"a bot that does not sort and does better than it can fails it": {
			func(r *result) { r.unsorted = []botRow{{habit: "first", tries: 100, reached: 1, predicted: 0}} }, "first at \"\": 1 of 100"},
		"fakes that never came during the reloads fail it": {
			func(r *result) { change(r, 7, func(t *try) { t.called = []string{"mail"} }) }, "0 messages met fakes and 2 none"},
		"a bot that does better than it can fails it": {
			func(r *result) { r.bots[0] = botRow{habit: "lowest", tries: 100, reached: 1, predicted: 0} }, "1 of 100 reached"},
	} {
		t.Run(name, func(t *testing.T) {
			r := fine()
			tc.spoil(r)
			err := r.verdict()
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("complains: %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want a complaint with %q", err, tc.want)
			}
		})
	}
}

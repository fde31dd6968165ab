package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

const (
	// spfLimit is how many MX records SPF looks at, RFC 7208 section 4.6.4.
	spfLimit = 10
	// nearHundred is a set that has little room before senders drop records.
	nearHundred = 90
	// safeAnswer is what a UDP answer should not exceed on the Internet, in octets.
	safeAnswer = 1232
	// shortTTL is a TTL of the set with which fakes are out soon, in seconds.
	shortTTL = 3600
)

// judgeSet looks at the new set as a whole.
func (e *examination) judgeSet() {
	switch n := len(e.after); {
	case n > maxRecords:
		e.add(Finding{Error, CodeSetOver100, display(e.Owner), fmt.Sprintf("has %d MX records: Postfix and sendmail keep the first hundred of the answer, and real ones may be beyond", n), "", "at most 100 records in all"})
	case n > nearHundred:
		e.add(Finding{Info, CodeSetNear100, display(e.Owner), fmt.Sprintf("has %d MX records: with more than 100, Postfix and sendmail drop some", n), "", "fewer highest fakes"})
	}
	if len(e.after) > spfLimit && !e.found(CodeSPFTooManyMX) {
		e.add(Finding{Info, CodeSetOver10, display(e.Owner), fmt.Sprintf("has %d MX records: with more than ten, the mx mechanism of SPF fails for good (RFC 7208 section 4.6.4)", len(e.after)), "", "before anyone writes mx into an SPF record: real, and mx:LABEL." + display(e.Owner)})
	}
	if moved := e.moved(); moved != "" {
		e.add(Finding{Info, CodeSetMoved, display(e.Owner), "the preferences of real records move to make room; their order stays", moved, ""})
	}
	if e.Stanza == nil || len(e.sinks) == 0 {
		return
	}
	ttl := e.after[0].Hdr.Ttl
	advice := ""
	if ttl > shortTTL {
		advice = "a TTL of 300 s for the MX set while you try"
	}
	e.add(Finding{Info, CodeWayBack, display(e.Owner), fmt.Sprintf("to take the fakes out again takes %v, the TTL of the set; the sinks must answer until then", time.Duration(ttl)*time.Second), "", advice})
}

func (e *examination) found(code Code) bool {
	return slices.ContainsFunc(e.report.Findings, func(f Finding) bool { return f.Code == code })
}

// moved says which real preferences fakemx changes.
func (e *examination) moved() string {
	var moved []string
	for _, old := range e.before {
		i := slices.IndexFunc(e.after, func(mx *dns.MX) bool { return dnsname.Same(mx.Mx, old.Mx) })
		if i >= 0 && e.after[i].Preference != old.Preference {
			moved = append(moved, fmt.Sprintf("%s from %d to %d", display(old.Mx), old.Preference, e.after[i].Preference))
		}
	}
	return strings.Join(moved, ", ")
}

// lookAtAnswerSize finds answers that do not fit into one safe UDP packet, and
// servers that cannot give them over TCP.
func (e *examination) lookAtAnswerSize(ctx context.Context) {
	m := new(dns.Msg).SetQuestion(e.Owner, dns.TypeMX)
	m.Answer = records(e.after)
	m.Compress = true
	m.SetEdns0(safeAnswer, false)
	size := m.Len()
	if size <= safeAnswer {
		return
	}
	e.add(Finding{Info, CodeAnswerSize, display(e.Owner), fmt.Sprintf("its MX answer has %d octets, more than %d: resolvers ask again over TCP", size, safeAnswer), "", "fewer fakes, or shorter names"})
	var group sync.WaitGroup
	for i := range e.servers {
		s := &e.servers[i]
		if s.err != nil || !answersFor(s.mx) {
			continue
		}
		group.Go(func() {
			if _, err := e.dns.overTCP(ctx, s.at(), e.apex, dns.TypeSOA); err != nil {
				e.addNoTCP(s, err)
			}
		})
	}
	group.Wait()
}

func (e *examination) addNoTCP(s *nameServer, err error) {
	e.add(Finding{Error, CodeNameServerTCP, s.String(), "does not answer over TCP: resolvers never get this set from it", err.Error(), "open TCP port 53 (RFC 7766)"})
}

// usualServices are labels at which mail services have their customers put an MX.
var usualServices = []string{"bounce", "bounces", "em", "email", "feedback", "inbound", "mail", "mg", "mta", "news", "notify", "parse", "reply", "send", "sg"}

// lookAtServices finds names below the apex whose mail is a service's: some want
// exactly the records they gave.
func (e *examination) lookAtServices(ctx context.Context) {
	if e.Stanza == nil || e.Owner != e.apex || len(e.sinks) == 0 {
		return
	}
	made, err := e.wildcard(ctx, e.apex, dns.TypeMX)
	if err != nil {
		return // the names of the set itself were answered: one question was lost
	}
	var group sync.WaitGroup
	for _, label := range usualServices {
		name := dnsname.Join(label, e.apex)
		if e.Stanza.Except.Cover(name, e.Zone) {
			continue
		}
		group.Go(func() {
			m, err := e.askZone(ctx, name, dns.TypeMX)
			if err != nil {
				return
			}
			if own := ownRecords(m, name); own != made {
				e.judgeService(name, e.realRecords(m, name))
			}
		})
	}
	group.Wait()
}

// realRecords returns the exchanges at a name, without our fakes.
func (e *examination) realRecords(m *dns.Msg, name string) []string {
	var exchanges []string
	for _, mx := range recordsOf[*dns.MX](m, name) {
		if e.sinkOf(mx) == nil && mx.Mx != "." {
			exchanges = append(exchanges, dnsname.Canonical(mx.Mx))
		}
	}
	return exchanges
}

func (e *examination) judgeService(name string, exchanges []string) {
	if len(exchanges) == 0 || slices.ContainsFunc(exchanges, e.ours) || e.foreign(exchanges) {
		return // in the last case no fake joins there
	}
	for i := range exchanges {
		exchanges[i] = display(exchanges[i])
	}
	e.add(Finding{Warning, CodeService, display(name), "leads to a mail service: some want exactly their own MX there, and take a name with fakes for not verified",
		"MX " + shortList(exchanges), "except " + display(name)})
}

// judgeReceivers says what can't be seen from outside, where it matters.
func (e *examination) judgeReceivers() {
	if e.Stanza == nil || !e.has(lowest) {
		return
	}
	if !e.servedLowest() || !e.askedForRecipient() {
		e.add(Finding{Info, CodeReceiverAsk, display(e.Owner), "does a real host know its domains by being their best MX (Exim @mx_primary, sendmail bestmx_is_local, Postfix permit_mx_backup_networks, control panels)? It would reject or misroute all mail",
			"", "look for these in its configuration; or switch on for one unimportant domain, and run this check again: it asks the host for a recipient"})
	}
	e.add(Finding{Info, CodeMXCheck, display(e.Owner), "a receiver with mx_check of rspamd 4.1 or later greylists the domain's own mail because of a lowest fake (off by default)", "", "highest fakes only"})
	e.add(Finding{Info, CodeVerifiers, display(e.Owner), "sign-up forms that verify mailboxes at the best MX don't confirm addresses of the domain", "", "highest fakes only"})
}

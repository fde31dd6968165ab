package harvest

import (
	"context"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/fakemx/fakemx/internal/sink/store"
	"github.com/fakemx/fakemx/internal/sink/visit"
)

const (
	// waitingChecks is how many visits may wait for DNS, and checkersAtOnce how
	// many are looked at at a time.
	waitingChecks  = 4096
	checkersAtOnce = 16
	// longestDomain is how many octets of a domain in an envelope are kept.
	longestDomain = 255
)

// Visit takes a visit to a sink. It never waits. Own says that the sink has our key.
func (e *Engine) Visit(v *visit.Visit, own bool) {
	if !own {
		e.foreign.Store(true)
		e.config.Count(OtherKey)
		return
	}
	mails := e.mailsToUs(v)
	e.config.Store.Envelopes(pairs(mails), v.Time)
	switch {
	case v.Recipients == 0:
		e.config.Count(NoRecipient)
	case len(mails) == 0:
		e.config.Count(NotOurs)
	case onlyNull(mails):
		e.config.Count(NullPath)
	case special(v.Client):
		e.config.Count(Special)
	case e.config.Now().Sub(v.Time) > lateness || v.Time.Sub(e.config.Now()) > lateness:
		e.config.Count(Late)
	default:
		v := shortened(v)
		e.config.Store.Candidate(v)
		select {
		case e.checks <- v:
		default: // it will be SPFUnknown
		}
	}
}

// mailsToUs returns the envelopes of a visit with their recipients in domains of
// ours, those without any left out.
func (e *Engine) mailsToUs(v *visit.Visit) []visit.Mail {
	var mails []visit.Mail
	for _, m := range v.Mail {
		ours := visit.Mail{From: m.From}
		for _, to := range m.To {
			if to.Domain == "" {
				continue
			}
			if _, ok := e.config.Ours(to.Domain); ok {
				ours.To = append(ours.To, to)
			}
		}
		if len(ours.To) > 0 {
			mails = append(mails, ours)
		}
	}
	return mails
}

func onlyNull(mails []visit.Mail) bool {
	for _, m := range mails {
		if m.From != (visit.Address{}) {
			return false
		}
	}
	return true
}

func pairs(mails []visit.Mail) []visit.Pair {
	var all []visit.Pair
	for _, m := range mails {
		for _, to := range m.To {
			all = append(all, visit.PairOf(m.From, to))
		}
	}
	return all
}

// shortened is a copy of a visit with domains of a length that can be kept.
func shortened(v *visit.Visit) *visit.Visit {
	short := *v
	short.Client = v.Client.Unmap()
	short.Mail = make([]visit.Mail, 0, len(v.Mail))
	for _, m := range v.Mail {
		mail := visit.Mail{From: shortDomain(m.From)}
		for _, to := range m.To {
			mail.To = append(mail.To, shortDomain(to))
		}
		short.Mail = append(short.Mail, mail)
	}
	return &short
}

func shortDomain(a visit.Address) visit.Address {
	if len(a.Domain) <= longestDomain {
		return a
	}
	end := longestDomain
	for !utf8.RuneStart(a.Domain[end]) {
		end--
	}
	a.Domain = a.Domain[:end]
	return a
}

// check asks DNS about visits until ctx ends.
func (e *Engine) check(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case v := <-e.checks:
			e.checkOne(ctx, v)
		}
	}
}

func (e *Engine) checkOne(ctx context.Context, v *visit.Visit) {
	var c store.Checks
	c.Helo, c.From = checkSPF(ctx, e.config.Resolver, v)
	reason, _ := e.mailHosts(ctx, v)
	c.Hosts = string(reason)
	if ctx.Err() == nil {
		e.config.Store.Check(v, c)
	}
}

// mailHosts tells what keeps the mail hosts of the recipients' domains from
// being known, and whether the client is one of them.
func (e *Engine) mailHosts(ctx context.Context, v *visit.Visit) (reason Reason, own bool) {
	asked := map[string]bool{}
	for _, m := range e.mailsToUs(v) {
		for _, to := range m.To {
			domain := strings.ToLower(to.Domain)
			if asked[domain] {
				continue
			}
			asked[domain] = true
			hosts := e.domains.of(ctx, domain)
			own = own || hosts.owns(v.Client)
			if reason == "" {
				reason = hosts.reason
			}
		}
	}
	if len(asked) == 0 {
		return NotOurs, false // not any more
	}
	return reason, own
}

// ownHost reports the same of an address by what is known of all domains by now.
func (d *domains) ownHost(client netip.Addr) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, hosts := range d.known {
		if hosts.owns(client) {
			return true
		}
	}
	return false
}

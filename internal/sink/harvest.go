package sink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fakemx/fakemx/internal/sink/dnsl"
	"github.com/fakemx/fakemx/internal/sink/harvest"
)

// Harvest says that and how bots are listed.
type Harvest struct {
	Lists dnsl.Config
	// Ours returns the names of the fakes of a domain, and whether it lies in one
	// of ours. It is called by several goroutines at once.
	Ours      func(domain string) (fakes []string, ours bool)
	Exchanges map[string]string // of an exchange in lower case without final dot: a Config.Real
	Resolver  harvest.Resolver
	After     time.Duration
}

// proofSlack is how much longer than Config.ProbeEvery two probes may lie apart:
// one of them may take a minute, and the machine may be busy.
const proofSlack = 2 * time.Minute

// openHarvest makes what lists. The store is open.
func (s *sink) openHarvest() error {
	c := s.config.Harvest
	lists, err := dnsl.New(c.Lists)
	if err != nil {
		return fmt.Errorf("-list: %w", err)
	}
	var hosts []harvest.Host
	for _, r := range s.config.Real {
		h := harvest.Host{Name: r.Name}
		if address, err := netip.ParseAddrPort(r.Address); err == nil {
			h.Address = address.Addr().Unmap()
		}
		hosts = append(hosts, h)
	}
	s.harvest = harvest.New(harvest.Config{
		Store: s.store, Key: s.key, Hosts: hosts, Exchanges: c.Exchanges, Ours: c.Ours, Resolver: c.Resolver,
		After: c.After, Gap: s.config.ProbeEvery + proofSlack, Lists: lists, Now: s.config.Now,
		Say: func(text string) { s.config.Log.Print(text) }, Complain: s.complain,
		Count: func(r harvest.Reason) { s.meters.verdicts.WithLabelValues(string(r)).Inc() },
	})
	s.run(s.harvest.Run)
	return nil
}

// introduceHarvest says at start what is missing.
func (s *sink) introduceHarvest() {
	say := s.config.Log.Printf
	say("bots are listed in %s", s.config.Harvest.Lists.Dir)
	if len(s.config.Real) == 0 {
		say("nobody will be listed: no real host is known (-real), so this makes reports only")
		return
	}
	if len(s.config.Feeds)+len(s.config.Receive) == 0 {
		say("nobody will be listed: no lines tell who connects to the real hosts (-feed, -receive)")
	}
	for _, r := range s.config.Real {
		tells := slices.ContainsFunc(s.config.Policies, func(p Policy) bool { return p.Host == r.Name })
		if !tells {
			say("%s has no -policy: nobody is listed unless its lines tell envelopes, in the common form", r.Name)
		}
	}
	say("nobody is listed before the feeds of all real hosts were proven for 7 days, nor earlier than %v after a visit", s.config.Harvest.After)
}

// harvest makes the metrics of the harvest.
func (m *meters) harvest(s *sink, make promauto.Factory, opts func(name, help string) prometheus.Opts) {
	m.verdicts = make.NewCounterVec(prometheus.CounterOpts(opts("verdicts_total", "Visits that were judged, by what was found.")), []string{"reason"})
	for _, r := range harvest.Reasons {
		m.verdicts.WithLabelValues(string(r))
	}
	gauge := func(name, help string, f func() float64) {
		make.NewGaugeFunc(prometheus.GaugeOpts(opts(name, help)), f)
	}
	gauge("listed", "Addresses on the lists.", func() float64 { return float64(s.harvest.Status().Listed) })
	gauge("list_written_timestamp_seconds", "When the lists were last written, 0 if they never were.", func() float64 {
		if at := s.harvest.Status().Written; !at.IsZero() {
			return float64(at.Unix())
		}
		return 0
	})
	gauge("list_stopped", "Whether nothing can be listed for now.", func() float64 {
		if s.harvest.Status().Stopped != "" {
			return 1
		}
		return 0
	})
	gauge("candidates", "Visits that are kept for judging, or as evidence.", func() float64 { return float64(s.store.Candidates()) })
	make.NewCounterFunc(prometheus.CounterOpts(opts("candidates_left_total", "Visits that were not kept for judging because there was no room.")), func() float64 { return float64(s.store.Left()) })
}

// handleHarvest answers the commands list, show, acquit and allow.
func (s *sink) handleHarvest(mux *http.ServeMux) {
	mux.HandleFunc("GET /list", func(w http.ResponseWriter, _ *http.Request) {
		all, err := s.harvest.List()
		reply(w, all, err)
	})
	mux.HandleFunc("GET /show", func(w http.ResponseWriter, r *http.Request) {
		client, err := netip.ParseAddr(r.FormValue("address"))
		if err != nil {
			reply(w, nil, badRequest{err})
			return
		}
		shown, err := s.harvest.Show(r.Context(), client.Unmap())
		reply(w, shown, err)
	})
	for path, do := range map[string]func(netip.Prefix) error{
		"POST /acquit": func(p netip.Prefix) error {
			if !p.IsSingleIP() {
				return badRequest{fmt.Errorf("%v: expected one address; allow takes prefixes", p)}
			}
			return s.harvest.Acquit(p.Addr())
		},
		"POST /allow":    func(p netip.Prefix) error { return s.harvest.Allow(p) },
		"POST /disallow": func(p netip.Prefix) error { return s.harvest.Disallow(p) },
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			p, err := ParsePrefix(r.FormValue("address"))
			if err == nil {
				err = do(p)
			} else {
				err = badRequest{err}
			}
			reply(w, struct{}{}, err)
		})
	}
}

// badRequest is a question that makes no sense.
type badRequest struct{ error }

func reply(w http.ResponseWriter, answer any, err error) {
	switch {
	case errors.As(err, new(badRequest)), errors.Is(err, harvest.ErrNotAllowed):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // the client has gone if it fails
	}
}

// ParsePrefix reads an address or a prefix. Bits beyond a prefix's length are
// refused: one of the two is a slip.
func ParsePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q: expected an address or a prefix, as in 192.0.2.7 or 192.0.2.0/24", text)
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%v: expected %v, or a longer prefix", p, p.Masked())
	}
	return p, nil
}

// AskList gets from the running server who is listed.
func AskList(ctx context.Context, state string) (*harvest.Listing, error) {
	all := new(harvest.Listing)
	if err := askHarvest(ctx, state, http.MethodGet, "/list", nil, all); err != nil {
		return nil, err
	}
	return all, ofVersion(all.Schema, harvest.ListSchema)
}

// AskShow gets what it knows of an address.
func AskShow(ctx context.Context, state string, client netip.Addr) (*harvest.Shown, error) {
	shown := new(harvest.Shown)
	if err := askHarvest(ctx, state, http.MethodGet, "/show", url.Values{"address": {client.String()}}, shown); err != nil {
		return nil, err
	}
	return shown, ofVersion(shown.Schema, harvest.ShowSchema)
}

// Tell has it acquit, allow or disallow an address or prefix.
func Tell(ctx context.Context, state, what string, p netip.Prefix) error {
	return askHarvest(ctx, state, http.MethodPost, "/"+what, url.Values{"address": {p.String()}}, nil)
}

// askHarvest is ask, of a server that may list nobody.
func askHarvest(ctx context.Context, state, method, path string, query url.Values, answer any) error {
	err := ask(ctx, state, method, path, query, answer)
	if err != nil && strings.Contains(err.Error(), "404 page not found") {
		return errors.New("the server lists nobody: it runs without -list")
	}
	return err
}

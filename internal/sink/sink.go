// Package sink is the sink server: an SMTP server for highest fakes that answers
// everybody with "come later" and keeps account of who came. It puts together
//
//	smtp    what is said
//	server  to whom, for how long, to how many
//	visit   what is told about it
//	seen    who was at the real hosts
//	store   what is remembered of both
//	report  what follows from it
//	harvest who must be a bot, and is listed
//	dnsl    how a list is written
//
// each of which knows nothing of those after it, and leaves to cmd/fakemx what
// is a matter of a command line.
package sink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/fakemx/fakemx/internal/sink/harvest"
	"github.com/fakemx/fakemx/internal/sink/seen"
	"github.com/fakemx/fakemx/internal/sink/server"
	"github.com/fakemx/fakemx/internal/sink/store"
	"github.com/fakemx/fakemx/internal/sink/visit"
)

// Config is what an operator can set.
type Config struct {
	Listen  []string // HOST:PORT
	Server  server.Config
	TLSCert string // PEM files, both or none
	TLSKey  string
	State   string    // directory; empty: nothing is remembered
	Metrics string    // HOST:PORT; empty: none
	Visits  io.Writer // one line a visit
	Log     *log.Logger

	Feeds    []Feed
	Receive  []string // NETWORK:ADDRESS, see listenLines
	Policies []Policy
	Sinks    bool // lines of other sinks are received too

	Real       []seen.Real
	ProbeEvery time.Duration
	Prober     *seen.Prover

	// Key makes the hashes in place of the one of the state directory, if several
	// sinks share it.
	Key     *visit.Key
	Harvest *Harvest // nil: nobody is listed

	// Now is the time at which things happen, nil for that of the machine. How long
	// clients are waited for, and how often work is looked for, doesn't depend on it.
	Now func() time.Time
}

// Feed is a log file. Host is the real host's name where lines don't say it.
type Feed struct{ Host, Path string }

// Policy is a policy service for a real host at HOST:PORT or unix:PATH.
type Policy struct{ Host, Address string }

// Names in the state directory.
const (
	storeName  = "sink.db"
	socketName = "sink.sock"
)

// SocketPath is where the server of a state directory is spoken to.
func SocketPath(state string) string { return filepath.Join(state, socketName) }

// stopWithin is how long clients may take to hear that the server stops, and the
// log to take the last lines.
const stopWithin = 10 * time.Second

// sink is a running server with all that belongs to it.
type sink struct {
	config   Config
	server   *server.Server
	log      *visit.Log
	store    *store.Store // nil if nothing is remembered
	key      visit.Key
	harvest  *harvest.Engine // nil if nobody is listed
	meters   *meters
	complain func(error)

	failed  chan error // the first one ends the server
	running []func(context.Context)
}

// Run serves until ctx ends. It returns when every client has gone and
// everything is written.
func Run(ctx context.Context, c Config) error {
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &sink{config: c, failed: make(chan error, 1), complain: newComplaints(c.Log).print}
	defer func() {
		if s.store != nil {
			if err := s.store.Close(); err != nil {
				s.complain(err)
			}
		}
	}()
	listeners, err := s.open()
	if err != nil {
		for _, l := range listeners {
			l.Close()
		}
		return err
	}
	s.log = visit.NewLog(c.Visits, c.Server.Limits.All, func(err error) { s.complain(fmt.Errorf("visits are not written: %w", err)) })
	s.introduce(listeners)

	// What feeds the store outlives the SMTP side, so that the last visits count.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan struct{})
	for _, run := range s.running {
		go func() {
			run(background)
			ended <- struct{}{}
		}()
	}
	for _, l := range listeners {
		go func() {
			if err := s.server.Serve(l); err != nil {
				s.fail(err)
			}
		}()
	}
	select {
	case <-ctx.Done():
	case err = <-s.failed:
	}
	goodbye, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if cut := s.server.Stop(goodbye); cut != nil {
		s.complain(cut)
	}
	s.log.Close(stopWithin)
	stop()
	for range s.running {
		<-ended
	}
	return err
}

func (s *sink) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// run remembers what shall run in the background.
func (s *sink) run(f func(context.Context)) { s.running = append(s.running, f) }

// open opens all that may fail, and returns the listeners for mail.
func (s *sink) open() ([]net.Listener, error) {
	if err := s.openServer(); err != nil {
		return nil, err
	}
	if err := errors.Join(s.openFeeds(), s.openMetrics()); err != nil {
		return nil, err
	}
	var listeners []net.Listener
	for _, address := range s.config.Listen {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return listeners, fmt.Errorf("-listen %s: %w", address, err)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// openServer makes the SMTP side and the store.
func (s *sink) openServer() error {
	c := s.config.Server
	s.key = visit.NewKey()
	if s.config.State != "" {
		if err := s.openStore(); err != nil {
			return err
		}
		s.key = s.store.Key()
	}
	if s.config.Key != nil {
		s.key = *s.config.Key
	}
	c.Key = s.key
	if s.config.TLSCert != "" {
		certificate, err := tls.LoadX509KeyPair(s.config.TLSCert, s.config.TLSKey)
		if err != nil {
			return fmt.Errorf("-tls-cert %s, -tls-key %s: %w", s.config.TLSCert, s.config.TLSKey, err)
		}
		// Old senders speak old versions, and those that find none in common
		// send in the clear.
		c.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS10} // #nosec G402
	}
	s.meters = newMeters(s)
	if s.config.Harvest != nil {
		if err := s.openHarvest(); err != nil {
			return err
		}
	}
	c.Visit, c.Turned, c.Complain, c.Now = s.visited, s.meters.turned, s.complain, s.config.Now
	s.server = server.New(c)
	return nil
}

func (s *sink) openStore() error {
	var err error
	if s.store, err = store.Open(filepath.Join(s.config.State, storeName)); err != nil {
		return fmt.Errorf("-state %s: %w", s.config.State, err)
	}
	s.run(func(ctx context.Context) {
		s.store.Run(ctx, s.config.Now, func(err error) { s.complain(fmt.Errorf("visits are not remembered: %w", err)) })
	})
	return s.openControl()
}

// visited tells everybody who wants to know of a visit.
func (s *sink) visited(v *visit.Visit) {
	if s.config.Key != nil {
		v.KeyMark = s.key.Mark()
	}
	s.meters.visited(v)
	s.log.Visit(v)
	if s.store != nil {
		s.store.Visit(v.Client, v.Time)
	}
	if s.harvest != nil {
		s.harvest.Visit(v, true)
	}
}

func (s *sink) openMetrics() error {
	if s.config.Metrics == "" {
		return nil
	}
	l, err := net.Listen("tcp", s.config.Metrics)
	if err != nil {
		return fmt.Errorf("-metrics %s: %w", s.config.Metrics, err)
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(s.meters.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "OK") })
	s.serveHTTP(l, mux)
	if s.store != nil {
		s.run(s.measure)
	}
	return nil
}

// serveHTTP answers questions on l in the background.
func (s *sink) serveHTTP(l net.Listener, h http.Handler) {
	web := &http.Server{Handler: h, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	s.run(func(ctx context.Context) {
		defer context.AfterFunc(ctx, func() { web.Close() })()
		if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.fail(err)
		}
	})
}

// introduce says at start what an operator must know.
func (s *sink) introduce(listeners []net.Listener) {
	say := s.config.Log.Printf
	for _, l := range listeners {
		say("answering mail on %s with 451, for ever", l.Addr())
	}
	say("for highest fakes only: at a lowest one OpenSMTPD, Courier, qmail and Haraka would keep their mail")
	if s.store == nil {
		say("nothing is remembered, and there is no report: -state DIRECTORY changes that")
	}
	if s.harvest != nil {
		s.introduceHarvest()
	}
	if files, err := openFiles(); err == nil && files < uint64(s.config.Server.Limits.All) {
		say("%d open files are allowed, and %d connections wanted: raise the first (LimitNOFILE) or lower the second (-connections)", files, s.config.Server.Limits.All)
	}
}

// removeStale removes the socket of a server that is gone.
func removeStale(path string) error {
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
		return fmt.Errorf("%s: a server answers there already", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

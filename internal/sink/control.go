package sink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"

	"github.com/fakemx/fakemx/internal/sink/report"
)

// openControl listens where commands speak to the server. Only its own user may.
func (s *sink) openControl() error {
	path := SocketPath(s.config.State)
	if err := removeStale(path); err != nil {
		return err
	}
	// The socket must not be open to others even for a moment. Nothing else of
	// this process makes files now.
	old := syscall.Umask(0o177)
	l, err := net.Listen("unix", path)
	syscall.Umask(old)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /report", s.answerReport)
	s.serveHTTP(l, mux)
	return nil
}

// answerReport answers GET /report?from=DAY&to=DAY with a report as JSON.
func (s *sink) answerReport(w http.ResponseWriter, r *http.Request) {
	from, err := time.Parse(time.DateOnly, r.FormValue("from"))
	if err != nil {
		http.Error(w, fmt.Sprintf("from %q: expected a day, as in 2026-01-31", r.FormValue("from")), http.StatusBadRequest)
		return
	}
	to, err := time.Parse(time.DateOnly, r.FormValue("to"))
	if err != nil || !to.After(from) || to.Sub(from) > mostDays*24*time.Hour {
		http.Error(w, fmt.Sprintf("to %q: expected a day after from, at most %d days", r.FormValue("to"), mostDays), http.StatusBadRequest)
		return
	}
	made, err := s.report(from, to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(made) // the client has gone if it fails
}

// mostDays is more than is remembered.
const mostDays = 100

// report counts from one day to before another.
func (s *sink) report(from, to time.Time) (*report.Report, error) {
	if err := s.store.Flush(); err != nil {
		return nil, err
	}
	var hosts []string
	for _, h := range s.config.Real {
		hosts = append(hosts, h.Name)
	}
	return report.Make(s.store, hosts, from, to, time.Now())
}

// AskReport gets a report from the running server of a state directory.
func AskReport(ctx context.Context, state string, from, to time.Time) (*report.Report, error) {
	path := SocketPath(state)
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
	query := url.Values{"from": {from.Format(time.DateOnly)}, "to": {to.Format(time.DateOnly)}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://sink/report?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(request)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
			return nil, fmt.Errorf("no server runs with the state directory %s", state)
		}
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
		return nil, fmt.Errorf("the server says: %s", text)
	}
	r := new(report.Report)
	if err := json.NewDecoder(answer.Body).Decode(r); err != nil {
		return nil, err
	}
	if r.Schema != report.Schema {
		return nil, fmt.Errorf("the server answers in the form %q, expected %q: it is of another version", r.Schema, report.Schema)
	}
	return r, nil
}

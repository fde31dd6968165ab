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
	"strings"
	"syscall"
	"time"

	"github.com/fakemx/fakemx/internal/sink/report"
	"github.com/fakemx/fakemx/internal/sink/visit"
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
	if s.config.Harvest != nil {
		s.handleHarvest(mux)
	}
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
	return report.Make(s.store, hosts, from, to, s.config.Now())
}

// AskReport gets a report from the running server of a state directory.
func AskReport(ctx context.Context, state string, from, to time.Time) (*report.Report, error) {
	r := new(report.Report)
	query := url.Values{"from": {from.Format(time.DateOnly)}, "to": {to.Format(time.DateOnly)}}
	if err := ask(ctx, state, http.MethodGet, "/report", query, r); err != nil {
		return nil, err
	}
	return r, ofVersion(r.Schema, report.Schema)
}

func ofVersion(schema, expected string) error {
	if schema != expected {
		return fmt.Errorf("the server answers in the form %q, expected %q: it is of another version", schema, expected)
	}
	return nil
}

// ask puts a question to the running server of a state directory, and reads the
// answer into one, if it is not nil.
func ask(ctx context.Context, state, method, path string, query url.Values, answer any) error {
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", SocketPath(state))
		},
	}}
	request, err := http.NewRequestWithContext(ctx, method, "http://sink"+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
			return fmt.Errorf("no server runs with the state directory %s", state)
		}
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return fmt.Errorf("the server says: %s", visit.Printable(strings.TrimSpace(string(text))))
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

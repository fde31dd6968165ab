package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/fakemx/fakemx/test/bench/load"
	"github.com/fakemx/fakemx/test/proc"
)

// What may grow without being a leak: memory with the garbage collector's
// timing, from the first third after the warm-up to the last; goroutines and
// open files by chance, when the server rests before and after.
const (
	growthOfMemory = 1.10
	growthOfCounts = 2
)

// otherStanza is what the configuration alternates with.
const otherStanza = `fakemx {
    lowest fake0.mx 203.0.113.10
}`

// otherEdits are the lines of handEdits that otherStanza stands for.
const otherEdits = `@	IN MX 0 fake0.mx
fake0.mx	IN A 203.0.113.10
_25._tcp.fake0.mx	IN TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000
`

// soak keeps a server under full load while its configuration changes.
func soak(args []string) error {
	flags := flag.NewFlagSet("soak", flag.ExitOnError)
	binary := flags.String("coredns", "", "CoreDNS with fakemx; built if empty")
	duration := flags.Duration("for", 10*time.Minute, "how long")
	every := flags.Duration("reload", 5*time.Second, "time between two reloads")
	flags.Parse(args)
	env, err := newEnvironment(*binary)
	if err != nil {
		return err
	}
	defer env.remove()
	if err := env.describe(os.Stdout); err != nil {
		return err
	}
	return runSoak(os.Stdout, env, *duration, *every)
}

// soaking is a server whose configuration changes under load.
type soaking struct {
	env     *environment
	server  *process
	configs [2]string
	metrics string // URL
	reloads int
	samples []usage
}

// usage is what the server uses at one moment.
type usage struct {
	at         time.Duration
	rss        int64
	goroutines int
	files      int
}

func runSoak(w io.Writer, env *environment, duration, every time.Duration) (err error) {
	s := &soaking{env: env}
	defer func() {
		if s.server != nil {
			err = errors.Join(err, s.server.stop())
		}
	}()
	if err := s.start(); err != nil {
		return err
	}
	wants, err := s.wants()
	if err != nil {
		return err
	}

	udp := load.Config{Server: s.server.addr(), Network: "udp", Conns: sockets, Window: window, Timeout: 5 * time.Second}
	tcp := udp
	// A reload closes the TCP connections. The client asks again, as it should.
	tcp.Network, tcp.Conns, tcp.Rate, tcp.Retries = "tcp", 2, 200, 1<<30
	// The first load and the first reloads make what then stays.
	if _, err := s.underLoad(wants, 2*time.Second, time.Second/2, udp, tcp); err != nil {
		return err
	}
	before, err := s.atRest()
	if err != nil {
		return err
	}
	s.samples = nil
	total, err := s.underLoad(wants, duration, every, udp, tcp)
	errs := []error{err}
	after, err := s.atRest()
	errs = append(errs, err)
	completed := strings.Count(s.server.log.String(), "Reloading complete")
	if completed != s.reloads {
		errs = append(errs, fmt.Errorf("%d of %d reloads completed:\n%s", completed, s.reloads, s.server.log))
	}
	fmt.Fprintf(w, "### soak of %v, %d reloads\n\n", duration, completed)
	fmt.Fprintf(w, "%d queries, %d answered, %d lost, %d wrong, %d sent again over a new TCP connection\n\n",
		total.Sent, total.Answered, total.Lost, total.Wrong, total.Retried)
	s.print(w, duration)
	fmt.Fprintf(w, "at rest before: %d goroutines, %d open files; after: %d goroutines, %d open files\n\n",
		before.goroutines, before.files, after.goroutines, after.files)
	if after.goroutines > before.goroutines+growthOfCounts {
		errs = append(errs, fmt.Errorf("goroutines grew from %d to %d", before.goroutines, after.goroutines))
	}
	if after.files > before.files+growthOfCounts {
		errs = append(errs, fmt.Errorf("open files grew from %d to %d", before.files, after.files))
	}
	errs = append(errs, s.growth(duration))
	return errors.Join(errs...)
}

// underLoad runs the loads and reloads the server meanwhile.
func (s *soaking) underLoad(wants map[string]*load.Plan, duration, every time.Duration, loads ...load.Config) (load.Report, error) {
	var total load.Report
	var mu sync.Mutex
	var errs []error
	var wg sync.WaitGroup
	for _, c := range loads {
		c.Duration = duration
		wg.Go(func() {
			report, err := generate(placement{1, anyCore}, c, wants[c.Network])
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
				return
			}
			errs = append(errs, report.Failed())
			total.Sent += report.Sent
			total.Answered += report.Answered
			total.Lost += report.Lost
			total.Wrong += report.Wrong
			total.Retried += report.Retried
		})
	}
	err := s.reloadUntil(time.Now().Add(duration), every)
	wg.Wait()
	return total, errors.Join(append(errs, err)...)
}

// atRest returns what the server uses when it has nothing to do.
func (s *soaking) atRest() (usage, error) {
	time.Sleep(2 * time.Second) // the goroutines of the last queries end
	least, err := s.usage(0)
	for range 5 {
		if err != nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
		var u usage
		u, err = s.usage(0)
		least.goroutines, least.files = min(least.goroutines, u.goroutines), min(least.files, u.files)
	}
	return least, err
}

func (s *soaking) start() error {
	port, err := freePort()
	if err != nil {
		return err
	}
	metricsPort, err := freePort()
	if err != nil {
		return err
	}
	s.metrics = fmt.Sprintf("http://127.0.0.1:%d/metrics", metricsPort)
	for i, fakes := range []string{stanza, otherStanza} {
		s.configs[i] = corefile(zoneName, port, fmt.Sprintf("prometheus 127.0.0.1:%d", metricsPort), fakes, "file "+plainFile)
	}
	s.server, err = s.env.corednsWith("soak", placement{2, anyCore}, port, dns.Question{Name: zoneName, Qtype: dns.TypeMX}, s.configs[0])
	return err
}

// wants returns the plans for UDP and TCP, in which the answers of either
// configuration are right. They come from the hand-edited zones.
func (s *soaking) wants() (plans map[string]*load.Plan, err error) {
	if err := s.env.write("other.zone", plainZone+otherEdits); err != nil {
		return nil, err
	}
	var running []*process
	defer func() { err = errors.Join(err, stopAll(running)) }()
	plans = make(map[string]*load.Plan)
	for _, network := range []string{"udp", "tcp"} {
		for _, file := range []string{editFile, "other.zone"} {
			p, err := s.env.coredns("oracle", placement{1, anyCore}, dns.Question{Name: zoneName, Qtype: dns.TypeMX}, "file "+file)
			if err != nil {
				return nil, err
			}
			running = append(running, p)
			queries := slices.Concat(askMX, askMX, askMX, askSink, []load.Query{{Name: "fake1.mx." + zoneName, Type: dns.TypeAAAA}}, askOther)
			plan, err := oracle(network, p.addr(), load.Plan{Queries: queries})
			if err != nil {
				return nil, err
			}
			if plans[network] == nil {
				plans[network] = plan
				continue
			}
			for i := range plan.Queries {
				plans[network].Queries[i].Want = append(plans[network].Queries[i].Want, plan.Queries[i].Want...)
			}
		}
	}
	return plans, nil
}

// reloadUntil alternates the configuration and takes a sample each second.
func (s *soaking) reloadUntil(end time.Time, every time.Duration) error {
	begin := time.Now()
	reload := time.NewTicker(every)
	defer reload.Stop()
	sample := time.NewTicker(time.Second)
	defer sample.Stop()
	for time.Now().Before(end) {
		select {
		case <-reload.C:
			// The last one needs time to complete.
			if time.Until(end) < every/2 {
				continue
			}
			s.reloads++
			if err := s.env.write(corefileName("soak"), s.configs[s.reloads%2]); err != nil {
				return err
			}
			if err := s.server.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
				return err
			}
		case <-sample.C:
			u, err := s.usage(time.Since(begin))
			if err != nil {
				return err
			}
			s.samples = append(s.samples, u)
		}
	}
	return nil
}

var goroutines = regexp.MustCompile(`(?m)^go_goroutines (\d+)`)

// usage takes a sample. A reload also moves the metrics to a new listener,
// so that a scrape may have to be repeated.
func (s *soaking) usage(at time.Duration) (usage, error) {
	u := usage{at: at}
	var err error
	if u.rss, _, err = proc.Memory(s.server.cmd.Process.Pid); err != nil {
		return u, err
	}
	if u.files, err = s.server.files(); err != nil {
		return u, err
	}
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for range 20 {
		var text []byte
		if text, err = scrape(client, s.metrics); err == nil {
			match := goroutines.FindSubmatch(text)
			if match == nil {
				return u, fmt.Errorf("%s: no go_goroutines", s.metrics)
			}
			u.goroutines, err = strconv.Atoi(string(match[1]))
			return u, err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return u, err
}

func scrape(client http.Client, url string) ([]byte, error) {
	r, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	return io.ReadAll(r.Body)
}

// windows divides the samples after the warm-up into n windows of equal length.
func (s *soaking) windows(duration time.Duration, n int) [][]usage {
	warmup := min(time.Minute, duration/3)
	windows := make([][]usage, n)
	for _, u := range s.samples {
		if u.at < warmup {
			continue
		}
		i := int(int64(n) * int64(u.at-warmup) / int64(duration-warmup))
		windows[min(i, n-1)] = append(windows[min(i, n-1)], u)
	}
	return windows
}

func (s *soaking) print(w io.Writer, duration time.Duration) {
	t := table{head: []string{"until", "resident MiB, median (most)", "goroutines, fewest (most)", "open files, fewest (most)"}}
	for _, window := range s.windows(duration, 9) {
		if len(window) == 0 {
			continue
		}
		rss, routines, files := columns(window)
		t.add(window[len(window)-1].at.Round(time.Second).String(),
			fmt.Sprintf("%.0f (%.0f)", spreadOf(rss).median/(1<<20), slices.Max(rss)/(1<<20)),
			fmt.Sprintf("%.0f (%.0f)", slices.Min(routines), slices.Max(routines)),
			fmt.Sprintf("%.0f (%.0f)", slices.Min(files), slices.Max(files)))
	}
	t.print(w)
}

func columns(window []usage) (rss, routines, files []float64) {
	for _, u := range window {
		rss = append(rss, float64(u.rss))
		routines = append(routines, float64(u.goroutines))
		files = append(files, float64(u.files))
	}
	return rss, routines, files
}

// growth compares the memory in the first third after the warm-up with the last.
func (s *soaking) growth(duration time.Duration) error {
	windows := s.windows(duration, 3)
	if len(windows[0]) == 0 || len(windows[2]) == 0 {
		return errors.New("too few samples to tell whether anything grows")
	}
	rss0, _, _ := columns(windows[0])
	rss2, _, _ := columns(windows[2])
	before, after := spreadOf(rss0).median, spreadOf(rss2).median
	if after > before*growthOfMemory {
		return fmt.Errorf("resident memory grew from %.0f to %.0f MiB", before/(1<<20), after/(1<<20))
	}
	return nil
}

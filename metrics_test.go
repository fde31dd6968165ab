package fakemx_test

import (
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// exposition returns the text that a prometheus plugin shows.
func exposition(t *testing.T, address string) string {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// scrape returns the samples of fakemx, by name with labels.
func scrape(t *testing.T, address string) map[string]float64 {
	t.Helper()
	samples := make(map[string]float64)
	for line := range strings.Lines(exposition(t, address)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "coredns_fakemx_") {
			continue
		}
		space := strings.LastIndexByte(line, ' ')
		number, err := strconv.ParseFloat(line[space+1:], 64)
		if err != nil {
			t.Fatalf("sample %q: %v", line, err)
		}
		samples[line[:space]] = number
	}
	return samples
}

// added returns the samples that differ, by how much.
func added(before, after map[string]float64) map[string]float64 {
	difference := make(map[string]float64)
	for name, value := range after {
		if value != before[name] {
			difference[name] = value - before[name]
		}
	}
	return difference
}

func TestMetrics(t *testing.T) {
	address := "127.0.0.1:" + servertest.FreePort(t)
	zone := zoneFile(t, "example.org", mail+`
		null   MX 0 .
		www    A 192.0.2.80
		except MX 10 mail
		both   MX 5 fake0.mx
		both   MX 9 fake9.mx
		alias  CNAME www`)
	s := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		prometheus `+address+`
		fakemx {
			`+bothFakes+`
			except except
			real _realmx
		}
		fakemx dry.example.org {
			highest fake9.mx 198.51.100.1
			dry_run
		}
		file `+zoneFile(t, "dry.example.org", "@ MX 10 mail")+` dry.example.org
		file `+zone+`
	}`)
	server := `server="dns://` + s.UDP + `"`
	for _, tc := range []struct {
		name   string
		qtype  uint16
		metric string
	}{
		{"example.org", dns.TypeMX, `answers_total{result="injected",` + server + `,view=""}`},
		{"dry.example.org", dns.TypeMX, `answers_total{result="dry_run",` + server + `,view=""}`},
		{"www.example.org", dns.TypeMX, `answers_total{result="no_mx",` + server + `,view=""}`},
		{"alias.example.org", dns.TypeMX, `answers_total{result="no_mx",` + server + `,view=""}`},
		{"nothing.example.org", dns.TypeMX, `answers_total{result="no_mx",` + server + `,view=""}`},
		{"null.example.org", dns.TypeMX, `answers_total{result="null_mx",` + server + `,view=""}`},
		{"except.example.org", dns.TypeMX, `answers_total{result="excepted",` + server + `,view=""}`},
		{"both.example.org", dns.TypeMX, `answers_total{result="present",` + server + `,view=""}`},
		{"fake0.mx.example.org", dns.TypeA, `sink_queries_total{kind="lowest",` + server + `,type="A",view=""}`},
		{"fake0.mx.example.org", dns.TypeAAAA, `sink_queries_total{kind="lowest",` + server + `,type="AAAA",view=""}`},
		{"fake9.mx.example.org", dns.TypeA, `sink_queries_total{kind="highest",` + server + `,type="A",view=""}`},
		{"_25._tcp.fake9.mx.example.org", dns.TypeTLSA, `sink_queries_total{kind="highest",` + server + `,type="TLSA",view=""}`},
		{"fake9.mx.example.org", dns.TypeTXT, `sink_queries_total{kind="highest",` + server + `,type="other",view=""}`},
		{"fake9.mx.dry.example.org", dns.TypeA, `sink_queries_total{kind="highest",` + server + `,type="A",view=""}`},
		{"mx.example.org", dns.TypeA, ""},
		{"mail.example.org", dns.TypeA, ""},
		{"example.org", dns.TypeSOA, ""},
	} {
		t.Run(tc.name+" "+dns.TypeToString[tc.qtype], func(t *testing.T) {
			before := scrape(t, address)
			s.Ask(servertest.Query(tc.name, tc.qtype))
			s.AskTCP(servertest.Query(strings.ToUpper(tc.name), tc.qtype))
			want := make(map[string]float64)
			if tc.metric != "" {
				want["coredns_fakemx_"+tc.metric] = 2
			}
			if got := added(before, scrape(t, address)); !maps.Equal(got, want) {
				t.Errorf("got %v more, want %v", got, want)
			}
		})
	}
}

// A view may have any name; the exporter takes only UTF-8, and panics else.
func TestMetricsNameTheView(t *testing.T) {
	address := "127.0.0.1:" + servertest.FreePort(t)
	s := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		prometheus `+address+`
		view "bad`+"\xff"+`utf8" {
			expr true
		}
		fakemx {
			`+bothFakes+`
		}
		file `+zoneFile(t, "example.org", mail)+`
	}`)
	before := scrape(t, address)
	s.Ask(servertest.Query("example.org", dns.TypeMX))
	want := `coredns_fakemx_answers_total{result="injected",server="dns://` + s.UDP + `",view="bad` + "\uFFFD" + `utf8"}`
	if got := added(before, scrape(t, address)); got[want] != 1 {
		t.Errorf("got %v more, want %s", got, want)
	}
}

func TestMetricNamesAreGoodStyle(t *testing.T) {
	address := "127.0.0.1:" + servertest.FreePort(t)
	s := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		prometheus `+address+`
		fakemx {
			`+bothFakes+`
			zones_from `+servertest.File(t, "zones", "example.net\n")+`
		}
	}`)
	s.Ask(servertest.Query("example.org", dns.TypeMX))
	s.Ask(servertest.Query("fake0.mx.example.org", dns.TypeA))
	var ours strings.Builder
	for line := range strings.Lines(exposition(t, address)) {
		if strings.Contains(line, "coredns_fakemx_") {
			ours.WriteString(line)
		}
	}
	for _, metric := range []string{"answers_total", "sink_queries_total", "zones_from_loads_total", "zones_from_zones", "zones_from_failing"} {
		if !strings.Contains(ours.String(), "# HELP coredns_fakemx_"+metric+" ") {
			t.Errorf("%s is not there", metric)
		}
	}
	problems, err := promlint.New(strings.NewReader(ours.String())).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

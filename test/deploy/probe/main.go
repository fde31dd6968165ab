// Probe asks a DNS server the same question again and again and tells how many answers were good.
//
//	probe [-tcp] [-one] [-for 2s] [-gap 10ms] [-timeout 5s] [-want N] SERVER:PORT NAME TYPE
//
// Every query has a socket of its own, as a resolver's has; -one keeps one for all of them.
// An answer is good if it is NOERROR and, with -want, holds N records.
// The exit code is 0 only if all were good. The last line reads "sent=1200 lost=3 wrong=0".
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

func main() {
	tcp := flag.Bool("tcp", false, "ask over TCP")
	one := flag.Bool("one", false, "keep one socket")
	length := flag.Duration("for", 2*time.Second, "how long to ask")
	gap := flag.Duration("gap", 10*time.Millisecond, "pause between queries")
	timeout := flag.Duration("timeout", 5*time.Second, "when a query counts as lost")
	want := flag.Int("want", -1, "number of records that a good answer has")
	flag.Parse()
	if flag.NArg() != 3 {
		flag.Usage()
		os.Exit(2)
	}
	server, name := flag.Arg(0), dns.Fqdn(flag.Arg(1))
	qtype, known := dns.StringToType[flag.Arg(2)]
	if !known {
		fmt.Fprintf(os.Stderr, "unknown type %q, want one like MX\n", flag.Arg(2))
		os.Exit(2)
	}

	client := &dns.Client{Net: "udp", Timeout: *timeout}
	if *tcp {
		client.Net = "tcp"
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	end := time.After(*length)

	var kept *dns.Conn
	var sent, lost, wrong int
	for asking := true; asking; {
		query := new(dns.Msg).SetQuestion(name, qtype)
		conn := kept
		var err error
		if conn == nil {
			conn, err = client.Dial(server)
		}
		var answer *dns.Msg
		if err == nil {
			answer, _, err = client.ExchangeWithConn(query, conn)
		}

		sent++
		switch {
		case err != nil:
			lost++
			fmt.Println(time.Now().Format(time.TimeOnly), "lost:", err)
		case answer.Rcode != dns.RcodeSuccess, *want >= 0 && len(answer.Answer) != *want:
			wrong++
			fmt.Println(time.Now().Format(time.TimeOnly), "wrong:", dns.RcodeToString[answer.Rcode], len(answer.Answer), "records")
		}

		kept = nil
		if *one && err == nil {
			kept = conn
		} else if conn != nil {
			conn.Close()
		}
		select {
		case <-stop:
			asking = false
		case <-end:
			asking = false
		case <-time.After(*gap):
		}
	}
	fmt.Printf("sent=%d lost=%d wrong=%d\n", sent, lost, wrong)
	if lost+wrong > 0 {
		os.Exit(1)
	}
}

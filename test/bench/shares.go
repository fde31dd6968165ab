package main

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// share is a part of a query's time: that of functions with all they call, less
// that of others which they call.
type share struct {
	part      string
	functions []string
	less      []string
}

// shares overlap: the stack grows, and memory is collected, in any function.
var shares = []share{
	{part: "receiving and sending, system calls", functions: []string{"net.(*UDPConn).ReadMsgUDP", "net.(*UDPConn).WriteMsgUDP", "net.(*conn).Read", "net.(*conn).Write"}},
	{part: "growth of the goroutine's stack", functions: []string{"runtime.newstack"}},
	{part: "collecting memory in the background", functions: []string{"runtime.gcBgMarkWorker", "runtime.bgsweep", "runtime.bgscavenge"}},
	{part: "unpacking the query", functions: []string{"github.com/miekg/dns.(*Msg).unpack"}},
	{part: "packing the answer", functions: []string{"github.com/miekg/dns.(*Msg).PackBuffer"}},
	{part: "computing its length, for TC", functions: []string{"github.com/miekg/dns.(*Msg).Truncate"}},
	{part: "*file*, finding the zone", functions: []string{"github.com/coredns/coredns/plugin.Zones.Matches"}},
	{part: "*file*, the lookup", functions: []string{"github.com/coredns/coredns/plugin/file.(*Zone).Lookup"}},
	{
		part:      "*fakemx*",
		functions: []string{"github.com/fakemx/fakemx.(*FakeMX).ServeDNS"},
		less: []string{
			"github.com/coredns/coredns/plugin/file.File.ServeDNS",
			"github.com/coredns/coredns/request.(*ScrubWriter).WriteMsg",
			"github.com/fakemx/fakemx.growStack",
		},
	},
}

// printShares prints what part of the time of a CPU profile the shares took.
func printShares(binary, file string) error {
	top, err := exec.Command("go", "tool", "pprof", "-top", "-cum", "-unit=ms", "-nodecount=100000", "-nodefraction=0", binary, file).Output()
	if err != nil {
		return fmt.Errorf("go tool pprof: %w", err)
	}
	cumulative, total, err := readTop(string(top))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	fmt.Printf("| where | share |\n|---|--:|\n")
	for _, s := range shares {
		var ms float64
		for _, function := range s.functions {
			ms += cumulative[function]
		}
		for _, function := range s.less {
			ms -= cumulative[function]
		}
		fmt.Printf("| %s | %.1f%% |\n", s.part, 100*max(ms, 0)/total)
	}
	fmt.Println()
	return nil
}

// readTop reads what pprof -top -unit=ms prints: the time of each function with
// all it calls, and that of all samples.
func readTop(text string) (cumulative map[string]float64, total float64, err error) {
	cumulative = make(map[string]float64)
	for line := range strings.Lines(text) {
		if _, after, ok := strings.Cut(line, "Total samples = "); ok {
			if total, err = milliseconds(strings.Fields(after)[0]); err != nil {
				return nil, 0, err
			}
		}
		// flat, flat%, sum%, cum, cum%, name
		fields := strings.Fields(line)
		if len(fields) < 6 || !strings.HasSuffix(fields[4], "%") {
			continue
		}
		ms, err := milliseconds(fields[3])
		if err != nil {
			return nil, 0, err
		}
		cumulative[fields[5]] += ms
	}
	if total == 0 {
		return nil, 0, fmt.Errorf("no samples, expected a profile of a server under load")
	}
	return cumulative, total, nil
}

func milliseconds(text string) (float64, error) {
	ms, err := strconv.ParseFloat(strings.TrimSuffix(text, "ms"), 64)
	if err != nil {
		return 0, fmt.Errorf("time %q in a profile: expected milliseconds", text)
	}
	return ms, nil
}

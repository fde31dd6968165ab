// Command mail is the mail laboratory of fakemx. It proves with stock mail
// servers, real sockets and real resolution that no mail is lost, shows the
// shapes that lose some and the mail servers that must not see their own fakes,
// and counts what simple bots meet.
//
// Every host is a network namespace on one Ethernet: the project's CoreDNS with
// fakemx and a root of its own, the real mail hosts, the sinks (addresses whose
// port 25 is closed), and each sender, whose Debian package is installed into
// an overlay root of its own and which has an Unbound of its own beside it.
//
// It runs as root or not at all, and leaves nothing behind: see contain.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	os.Exit(play(os.Args))
}

// play acts the part that the program's name says.
func play(args []string) int {
	switch filepath.Base(args[0]) {
	case roleInit:
		return initMain(args[1:])
	case roleContained:
		if err := contained(args[1:], os.Stdout, os.Stderr); err != nil {
			fmt.Fprintf(os.Stderr, "mail: %v\n", err)
			return 1
		}
		return 0
	}
	if _, err := parseOptions(args[1:], os.Stderr); err != nil {
		return 2
	}
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, errNotRoot)
		return 1
	}
	return contain(args[1:], os.Stdout, os.Stderr)
}

const errNotRoot = "mail: the laboratory makes network namespaces and mounts: it runs as root only"

// vigilCommand is the first argument that asks for the watched sinks alone:
//
//	go -C test/mail run . watch
const vigilCommand = "watch"

type options struct {
	short   bool
	write   string
	debs    string
	coredns string
	byHand  bool
	only    string
	vigils  bool
	mails   int
	tries   int
}

func parseOptions(args []string, usage io.Writer) (*options, error) {
	o := &options{}
	if len(args) > 0 && args[0] == vigilCommand {
		o.vigils, args = true, args[1:]
	}
	f := flag.NewFlagSet("mail", flag.ContinueOnError)
	f.SetOutput(usage)
	f.BoolVar(&o.short, "short", false, "the selection for continuous integration: few senders, and of the cases what takes them little time")
	f.StringVar(&o.write, "write", "", "write mail.md, its plot and receivers.md into this `directory`, each if the run shows what it must")
	f.StringVar(&o.debs, "debs", "", "keep the Debian packages in this `directory` for the next run")
	f.StringVar(&o.coredns, "coredns", "", "a built CoreDNS with fakemx; default: build ./cmd/coredns of the repository")
	f.BoolVar(&o.byHand, "by-hand", false, "hand-edited zones over file instead of fakemx: the oracle")
	f.StringVar(&o.only, "senders", "", "only these senders, comma-separated, as "+strings.Join(names(senders()), ", "))
	f.IntVar(&o.mails, "mails", 0, "messages a sender and safe shape (default 9, or 3 with -short)")
	f.IntVar(&o.tries, "tries", 0, "tries a bot and shape (default 3000, or 500 with -short)")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	var err error
	switch {
	case f.NArg() > 0:
		err = fmt.Errorf("mail: unexpected argument %q, expected "+vigilCommand+" before the flags, or only flags", f.Arg(0))
	case o.mails < 0 || o.mails > owners:
		err = fmt.Errorf("mail: -mails %d: expected 1 to %d", o.mails, owners)
	case o.tries < 0:
		err = fmt.Errorf("mail: -tries %d: expected 1 or more", o.tries)
	case o.write != "" && (o.short || o.byHand || o.only != "" || o.vigils):
		err = errors.New("mail: -write: expected a whole run, without " + vigilCommand + ", -short, -by-hand and -senders")
	case o.byHand && o.vigils:
		err = errors.New("mail: " + vigilCommand + ": nobody watches a hand-edited zone, expected no -by-hand")
	}
	if err != nil {
		fmt.Fprintln(usage, err)
		return nil, err
	}
	if o.mails == 0 {
		o.mails = map[bool]int{false: 9, true: 3}[o.short]
	}
	if o.tries == 0 {
		o.tries = map[bool]int{false: 3000, true: 500}[o.short]
	}
	return o, nil
}

// contained is the laboratory itself, in its own namespaces.
func contained(args []string, stdout, progress io.Writer) error {
	o, err := parseOptions(args, progress)
	if err != nil {
		return err
	}
	if err := furnish(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	result, err := experiment(ctx, o, progress)
	if err != nil {
		return err
	}
	if err := result.markdown(stdout); err != nil {
		return err
	}
	if o.write != "" {
		if err := result.document(o.write); err != nil {
			return err
		}
	}
	return result.verdict()
}

func names(list []*sender) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = s.name
	}
	return out
}

// receivers picks the receivers of a run.
func (o *options) receivers() []*receiver {
	return slices.DeleteFunc(receivers(), func(r *receiver) bool { return o.short && !r.short })
}

// choose picks the senders of a run.
func (o *options) choose() ([]*sender, error) {
	all := senders()
	if o.only == "" {
		if !o.short {
			return all, nil
		}
		return slices.DeleteFunc(all, func(s *sender) bool { return !s.short }), nil
	}
	var chosen []*sender
	for name := range strings.SplitSeq(o.only, ",") {
		i := slices.IndexFunc(all, func(s *sender) bool { return strings.EqualFold(s.name, name) })
		if i < 0 {
			return nil, fmt.Errorf("sender %q: expected one of %s", name, strings.Join(names(all), ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const (
	highestFakes = "highest decoy1 12.0.0.1\nhighest decoy2 12.0.0.2"
	lowestFake   = "lowest fake0 12.0.0.9\nhighest decoy1 12.0.0.1"
	// fakeSet is the set with lowestFake, typed into the zone.
	signedZone = "@ MX 10 mail\nmail A 11.0.0.3\n_25._tcp.mail TLSA 3 1 1 TLSA-OF-MAIL\n"
)

// high are the codes of a sound domain with highest fakes, and more.
func high(more ...Code) []Code { return append(more, CodeWayBack) }

// low are those of a sound domain with a lowest fake, and more.
func low(more ...Code) []Code {
	return append(more, CodeWayBack, CodeReceiverAsk, CodeMXCheck, CodeVerifiers, CodeSenderRead)
}

func only(codes ...Code) []Code { return codes }

// lines repeats a line with the numbers from 1 to n.
func lines(n int, format string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(format, "N", fmt.Sprint(i+1)) + "\n")
	}
	return b.String()
}

// faults are domains with one fault each.
func faults() []*domain {
	return []*domain{
		{what: "no MX", zone: "@ A 11.0.0.1\n", fakes: highestFakes, codes: only(CodeNoMX)},
		{what: "a null MX", zone: "@ MX 0 .\n", fakes: highestFakes, codes: only(CodeNullMX)},
		{what: "excepted", zone: usual, fakes: highestFakes + "\nexcept @EXCEPT", codes: only(CodeExcepted, CodeConfig)},
		{what: "dry_run", zone: usual, fakes: highestFakes + "\ndry_run", codes: only(CodeDryRun)},
		{what: "a hosted set", zone: "@ MX 10 decoy.elsewhere.test.\n", fakes: highestFakes + "\nexchanges mail", codes: only(CodeForeign)},
		{what: "no room below", zone: "@ MX 0 mail\nmail A 11.0.0.1\n", fakes: lowestFake, codes: low(CodeSetMoved)},
		{what: "fakes are all that is in the set", on: false, fakes: highestFakes,
			zone:  "@ MX 30 decoy1\n@ MX 40 decoy2\ndecoy1 A 12.0.0.1\ndecoy2 A 12.0.0.2\n",
			codes: only(CodeNoReal)},
		{what: "eleven MX", zone: usual + lines(7, "@ MX 3N extraN\nextraN A 11.0.0.1"), fakes: highestFakes, codes: high(CodeSetOver10)},
		{what: "eleven MX and an SPF record with mx", fakes: highestFakes,
			zone:  usual + lines(7, "@ MX 3N extraN\nextraN A 11.0.0.1") + "@ TXT \"v=spf1 mx -all\"\n",
			codes: high(CodeSPFTooManyMX)},
		{what: "near a hundred records", zone: usual + lines(90, "@ MX 3N extraN\nextraN A 11.0.0.1"), fakes: highestFakes,
			codes: high(CodeSetNear100, CodeSetOver10, CodeAnswerSize)},
		{what: "110 records", zone: usual + lines(108, "@ MX 3N extraN\nextraN A 11.0.0.1"), fakes: highestFakes,
			codes: only(CodeSetOver100, CodeSetOver10, CodeAnswerSize)},
		{what: "a large answer from a server without TCP", servers: []string{ns1, udpOnly}, fakes: highestFakes,
			zone:  usual + lines(40, "@ MX 3N a-host-with-a-rather-long-name-N\na-host-with-a-rather-long-name-N A 11.0.0.1"),
			codes: high(CodeSetOver10, CodeAnswerSize, CodeNameServerTCP)},
		{what: "a service name with one MX", zone: usual + "bounce MX 10 feedback-smtp.service.example.\n", fakes: highestFakes, codes: high(CodeService)},

		{what: "a sink with an address in the zone", zone: usual + "decoy1 A 11.0.0.1\n", fakes: highestFakes, codes: high(CodeSinkInUse)},
		{what: "a sink that is an alias in the zone", zone: usual + "decoy1 CNAME mail\n", fakes: highestFakes, codes: high(CodeSinkInUse)},
		{what: "a sink below a delegation", zone: usual + "sub NS ns.elsewhere.test.\n", fakes: highestFakes + "\nhighest decoy.sub 12.0.0.3", codes: high(CodeSinkInUse)},
		{what: "a sink below a DNAME", zone: usual + "sub DNAME elsewhere.test.\n", fakes: highestFakes + "\nhighest decoy.sub 12.0.0.3", codes: high(CodeSinkInUse)},
		{what: "a lowest sink that takes mail", zone: usual, fakes: "lowest fake0 13.0.0.1", codes: low(CodeSinkListens)},
		{what: "a lowest sink that answers 4xx", zone: usual, fakes: "lowest fake0 13.0.0.2", codes: low(CodeSinkListens)},
		{what: "a highest sink that takes a recipient", zone: usual, fakes: "highest decoy1 13.0.0.1", codes: high(CodeSinkListens)},
		{what: "a highest sink that answers 451", zone: usual, fakes: "highest decoy1 13.0.0.2", codes: high(CodeSinkDefers)},
		{what: "a highest sink that greets 421", zone: usual, fakes: "highest decoy1 13.0.0.5", codes: high(CodeSinkDefers)},
		{what: "a highest sink that answers 550", zone: usual, fakes: "highest decoy1 13.0.0.3", codes: high(CodeSinkRejects)},
		{what: "a lowest sink that greets 554", zone: usual, fakes: "lowest fake0 13.0.0.4", codes: low(CodeSinkRejects)},
		{what: "a lowest sink that drops packets", zone: usual, fakes: "lowest fake0 " + void, codes: low(CodeSinkSilent)},
		{what: "a highest sink that drops packets", zone: usual, fakes: "highest decoy1 " + void, codes: high(CodeSinkSilent)},
		{what: "a sink of others without address", zone: usual, fakes: "highest nothing.elsewhere.test.", codes: high(CodeSinkNoAddress)},
		{what: "a sink of others at 127.0.0.1", zone: usual, fakes: "highest self.elsewhere.test.", codes: high(CodeSinkSelf)},
		{what: "a sink of others at a private address", zone: usual, fakes: "highest private.elsewhere.test.", codes: high(CodeSinkPrivate)},
		{what: "a sink of others that is an alias", zone: usual, fakes: "highest alias.elsewhere.test.", codes: high(CodeSinkAlias)},
		{what: "a sink of the Corefile at a private address", zone: usual, fakes: "highest decoy1 10.0.0.1", codes: high(CodeConfig)},
		{what: "a sink with the address of a real host", zone: usual, fakes: "highest decoy1 11.0.0.2", codes: high(CodeSinkIsReal)},
		{what: "a sink with IPv6 only", zone: usual, fakes: "highest decoy1 2606:12::1", codes: high(CodeSinkFamily)},
		{what: "a sink of several domains", zone: usual, zones: "another.test.", fakes: "highest decoy.elsewhere.test.", codes: high(CodeSinkShared)},
		{what: "a wildcard that a sink cuts", zone: usual + "*.@ORIGIN MX 10 mail\n", fakes: "highest decoy.mx 12.0.0.1", codes: high(CodeWildcardCut)},

		{what: "a real host without address", zone: usual + "@ MX 30 third\nthird TXT x\n", fakes: highestFakes, codes: high(CodeRealNoAddress)},
		{what: "a CNAME as exchange", zone: usual + "@ MX 30 third\nthird CNAME mail\n", fakes: highestFakes, codes: high(CodeRealAlias)},
		{what: "a real host at a private address", zone: usual + "@ MX 30 third\nthird A 10.1.1.1\n", fakes: highestFakes, codes: high(CodeRealPrivate, CodeRealDown)},
		{what: "a backup that refuses", zone: usual + "@ MX 30 third\nthird A 12.1.1.1\n", fakes: highestFakes, codes: high(CodeRealDown)},
		{what: "a real host that doesn't answer", zone: "@ MX 10 mail\n@ MX 20 backup\nmail A " + void + "\nbackup A 11.0.0.2\n", fakes: highestFakes, codes: high(CodeRealSilent)},
		{what: "a real host that rejects postmaster", zone: "@ MX 10 mail\nmail A 11.0.0.5\n", fakes: highestFakes, codes: high(CodeRealRejects)},
		{what: "a receiver that knows its domains by MX, before", zone: "@ MX 10 mail\nmail A 11.0.0.7\n", fakes: lowestFake, codes: low()},
		{what: "a receiver that knows its domains by MX, after", zone: "@ MX 10 mail\nmail A 11.0.0.7\n", fakes: lowestFake, on: true,
			codes: only(CodeReceiverByMX, CodeWayBack, CodeMXCheck, CodeVerifiers, CodeSenderRead)},

		{what: "two lowest fakes in front of a primary and a backup", zone: "@ MX 10 mail\n@ MX 20 backup\n@ MX 30 third\nmail A 11.0.0.1\nbackup A 11.0.0.2\nthird A 11.0.0.4\n",
			fakes: "lowest fake[0-1] 12.0.0.9", codes: low(CodeConfig)},
		{what: "three lowest addresses and three dual-stack hosts", fakes: "lowest fake0 12.0.0.9 12.0.0.10\nlowest fake1 12.0.0.11",
			zone:  "@ MX 10 mail\n@ MX 20 backup\nmail A 11.0.0.1\nmail A 11.0.0.2\nbackup A 11.0.0.2\n",
			codes: low(CodeConfig, CodeSenderOutage, CodeSenderLate)},
		{what: "four lowest addresses", zone: "@ MX 10 mail\nmail A 11.0.0.1\n", fakes: "lowest fake0 12.0.0.9 12.0.0.10 12.0.0.11 12.0.0.12",
			codes: low(CodeConfig, CodeSenderLate)},
		{what: "a sink with ten addresses in front that others serve", zone: "@ MX 10 mail\nmail A 11.0.0.1\n", fakes: "lowest many.elsewhere.test.",
			codes: low(CodeSenderLost)},
		{what: "six highest fakes", zone: usual, fakes: "highest decoy[1-6] 12.0.0.1", codes: high(CodeConfig)},

		{what: "an SPF record with too many lookups", zone: usual + "@ TXT \"v=spf1 " + strings.Repeat("a ", 11) + "-all\"\n@ A 11.0.0.1\n", fakes: highestFakes, codes: high(CodeSPFBroken)},
		{what: "an SPF record with mx", zone: usual + "@ TXT \"v=spf1 mx -all\"\n", fakes: highestFakes, codes: high(CodeSPFSinks)},
		{what: "an SPF record with mx, and a sink whose address can't be had", zone: usual + "@ TXT \"v=spf1 mx -all\"\n",
			fakes: "highest decoy.broken.test.", codes: high(CodeSPFChanged), unseen: []string{"decoy.broken.test"}},

		{what: "an MTA-STS policy with a bad certificate", zone: usual + "_mta-sts TXT \"v=STSv1; id=1\"\nmta-sts A 14.0.0.2\n", fakes: highestFakes,
			policy: "version: STSv1\nmode: enforce\nmx: mail.@\nmx: backup.@\nmax_age: 86400\n", codes: high(CodeMTASTSPolicy)},
		{what: "an MTA-STS policy without a real host", zone: usual + "_mta-sts TXT \"v=STSv1; id=1\"\nmta-sts A 14.0.0.1\n", fakes: highestFakes,
			policy: "version: STSv1\nmode: enforce\nmx: mail.@\nmax_age: 86400\n", codes: high(CodeMTASTSReal)},
		{what: "an MTA-STS policy with the sinks in it", zone: usual + "_mta-sts TXT \"v=STSv1; id=1\"\nmta-sts A 14.0.0.1\n", fakes: highestFakes,
			policy: "version: STSv1\nmode: enforce\nmx: *.@\nmax_age: 86400\n", codes: high(CodeMTASTSSinks)},
		{what: "an MTA-STS policy and TLS reports", zone: usual + "_mta-sts TXT \"v=STSv1; id=1\"\nmta-sts A 14.0.0.1\n_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:x@example.org\"\n", fakes: highestFakes,
			policy: "version: STSv1\nmode: enforce\nmx: mail.@\nmx: backup.@\nmax_age: 86400\n", codes: high(CodeTLSReports)},

		{what: "DANE half done", zone: signedZone + "@ MX 20 backup\nbackup A 11.0.0.2\n", fakes: highestFakes, signed: true, signs: true, codes: high(CodeDANEHalf)},
		{what: "TLSA records without DNSSEC", zone: signedZone, fakes: highestFakes, codes: high(CodeDANEUnsigned)},
		{what: "a certificate that no TLSA record matches", fakes: highestFakes, signed: true, signs: true,
			zone:  "@ MX 10 mail\nmail A 11.0.0.3\n_25._tcp.mail TLSA 3 1 1 " + strings.Repeat("ab", 32) + "\n",
			codes: high(CodeDANEMismatch)},
		{what: "TLSA records and no STARTTLS", fakes: highestFakes, signed: true, signs: true,
			zone:  "@ MX 10 mail\nmail A 11.0.0.1\n_25._tcp.mail TLSA 3 1 1 TLSA-OF-MAIL\n",
			codes: high(CodeDANEMismatch)},
		{what: "a sink of others without TLSA", zone: signedZone, fakes: "highest decoy.elsewhere.test.", signed: true, signs: true, codes: high(CodeDANESink)},
		{what: "signed behind", zone: usual, fakes: highestFakes, signed: true, codes: only(CodeSignedBehind)},
		{what: "a DS record and no signatures", zone: usual, fakes: highestFakes, ds: true, codes: high(CodeDNSSECUnsigned)},

		{what: "a name server out of step", zone: usual, other: "@ MX 10 mail\nmail A 11.0.0.1\n", servers: []string{ns1, otherOne}, fakes: highestFakes, codes: high(CodeNameServerDiffs)},
		{what: "a name server that is silent", zone: usual, servers: []string{ns1, void}, fakes: highestFakes, codes: high(CodeNameServerDown)},
		{what: "a name server without the zone", zone: usual, servers: []string{ns1, lame}, fakes: highestFakes, codes: high(CodeNameServerLame)},
		{what: "a delegation to other servers", zone: usual, delegated: []string{ns1, ns2, otherOne}, fakes: highestFakes, codes: high(CodeDelegation)},
	}
}

// elsewhere has the sinks of others.
func elsewhere() *domain {
	return &domain{name: "elsewhere", zone: lines(10, "many A 12.3.0.N") + `decoy A 12.0.0.7
		self A 127.0.0.1
		private A 10.9.9.9
		alias CNAME decoy
	`}
}

// named gives the domains names, and puts them where their texts want them.
func named(prefix string, domains []*domain) []*domain {
	for i, d := range domains {
		d.name = fmt.Sprintf("%s%d", prefix, i+1)
		d.fakes = strings.ReplaceAll(d.fakes, "@EXCEPT", d.origin())
		d.policy = strings.ReplaceAll(d.policy, "@", display(d.origin()))
		d.zone = strings.ReplaceAll(d.zone, "@ORIGIN", d.origin())
	}
	return domains
}

func TestEachFaultGivesItsCodes(t *testing.T) {
	domains := named("fault", faults())
	w := build(t, append(domains, elsewhere()))
	t.Run("domains", func(t *testing.T) {
		for _, d := range domains {
			t.Run(d.what, func(t *testing.T) {
				t.Parallel()
				r := w.check(t, d)
				slices.Sort(d.codes)
				written := text(t, r)
				if got := codesOf(r); !slices.Equal(got, d.codes) {
					t.Errorf("codes %v, expected %v\n%s", got, d.codes, written)
				}
				if got := subjects(r.Unseen); !slices.Equal(got, d.unseen) {
					t.Errorf("could not see %v, expected %v: %v", got, d.unseen, r.Unseen)
				}
			})
		}
	})
	w.mail.check(t)
}

// check holds the sessions to what was promised: QUIT always, DATA never.
func (m *mailHosts) check(t *testing.T) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions == 0 || m.quits != m.sessions || m.data != 0 {
		t.Errorf("%d SMTP sessions, %d ended with QUIT, %d sent DATA", m.sessions, m.quits, m.data)
	}
}

func subjects(unseen []Unseen) []string {
	all := make([]string, 0, len(unseen))
	for _, u := range unseen {
		all = append(all, u.Subject)
	}
	return all
}

func TestEveryCodeIsGivenToAFault(t *testing.T) {
	given := make(map[Code]bool)
	for _, d := range faults() {
		for _, code := range d.codes {
			given[code] = true
		}
	}
	for _, code := range Codes() {
		if !given[code] {
			t.Errorf("no domain gives %s", code)
		}
	}
}

func text(t *testing.T, r *Report) string {
	t.Helper()
	var b strings.Builder
	if err := NewText(&b, false).Report(r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

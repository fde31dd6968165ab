package check

import (
	"strings"
	"testing"
	"time"
)

// soundHosts are real hosts with all that a variant needs.
const soundHosts = `mail A 11.0.0.3
	mail AAAA 2606:11::1
	backup A 11.0.0.9
	third A 11.0.0.3
`

// soundShapes are what operators publish, docs/mail.md has them with what senders
// do: the real records and the fakes.
var soundShapes = []struct{ set, fakes string }{
	{"@ MX 10 mail\n@ MX 20 backup\n", "highest decoy1 12.0.0.1"},
	{"@ MX 10 mail\n@ MX 20 backup\n", "highest decoy1 12.0.0.1\nhighest decoy2 12.0.0.2 2606:12::2"},
	{"@ MX 10 mail\n@ MX 20 backup\n@ MX 30 third\n", "highest decoy[1-4] 12.0.0.1"},
	{"@ MX 10 mail\n@ MX 20 backup\n", "lowest fake0 12.0.0.9"},
	{"@ MX 10 mail\n@ MX 20 backup\n", "lowest fake0 12.0.0.9\nhighest decoy1 12.0.0.1"},
	{"@ MX 10 mail\n@ MX 20 backup\n", "lowest fake0 12.0.0.9 2606:12::9\nhighest decoy1 12.0.0.1"},
	{"@ MX 20 mail\n", "lowest fake0 12.0.0.9\nhighest decoy[1-4] 12.0.0.1"},
	{"@ MX 5 mail\n@ MX 6 backup\n", "lowest fake0 12.0.0.9\nhighest decoy1 12.0.0.1\nstep 2"},
}

// sounds are forty domains at which all is well.
func sounds() []*domain {
	all := make([]*domain, 0, 5*len(soundShapes))
	for _, s := range soundShapes {
		tlsa := ""
		for _, host := range []string{"mail", "backup", "third"} {
			tlsa += "_25._tcp." + host + " TLSA 3 1 1 TLSA-OF-MAIL\n"
		}
		zone := s.set + soundHosts
		all = append(all,
			&domain{what: "nothing else", zone: zone, fakes: s.fakes},
			&domain{what: "an SPF record with addresses", zone: zone + "@ TXT \"v=spf1 ip4:11.0.0.0/24 ip6:2606:11::/32 -all\"\n", fakes: s.fakes},
			&domain{what: "an SPF record with the untouched set", zone: zone + "@ TXT \"v=spf1 mx:_realmx.@ORIGIN -all\"\n", fakes: s.fakes + "\nreal _realmx", on: true},
			&domain{what: "an MTA-STS policy with the real hosts", fakes: s.fakes,
				zone:   zone + "_mta-sts TXT \"v=STSv1; id=1\"\nmta-sts A 14.0.0.1\n",
				policy: "version: STSv1\nmode: enforce\nmx: mail.@\nmx: backup.@\nmx: third.@\nmax_age: 86400\n"},
			&domain{what: "DNSSEC and DANE, switched on", zone: zone + tlsa, fakes: s.fakes, on: true, signed: true, signs: true},
		)
	}
	return all
}

func TestNothingAboveInfoWhereAllIsWell(t *testing.T) {
	domains := named("sound", sounds())
	if len(domains) < 40 {
		t.Fatalf("%d sound domains, expected 40", len(domains))
	}
	w := build(t, domains)
	t.Run("domains", func(t *testing.T) {
		for i, d := range domains {
			t.Run(d.fakes+" "+d.what, func(t *testing.T) {
				t.Parallel()
				r := w.check(t, d)
				if worst, _ := r.Worst(); worst > Info || len(r.Unseen) > 0 {
					t.Errorf("expected nothing above info and everything seen:\n%s", text(t, r))
				}
				if r.Switched != d.on {
					t.Errorf("switched on %v, expected %v", r.Switched, d.on)
				}
				if i == 0 {
					if n := strings.Count(text(t, r), "\n"); n > 24 {
						t.Errorf("%d lines, expected one screen:\n%s", n, text(t, r))
					}
				}
			})
		}
	})
	w.mail.check(t)
}

func TestSilentHostsHoldACheckUpForLessThanTenSeconds(t *testing.T) {
	d := &domain{
		what: "silent hosts", servers: []string{ns1, void, "45.67.0.2"},
		zone:  "@ MX 10 mail\n@ MX 20 silent\n@ MX 30 silent2\nmail A 11.0.0.1\nsilent A 45.67.0.3\nsilent2 A 45.67.0.4\n_mta-sts TXT \"v=STSv1; id=1\"\nmta-sts A 45.67.0.6\n@ TXT \"v=spf1 mx include:void.test -all\"\n",
		fakes: "lowest fake0 45.67.0.7\nhighest decoy[1-5] 45.67.0.8",
	}
	w := build(t, named("silent", []*domain{d}))
	start := time.Now()
	target, err := d.corefileFor(t).Target(d.origin())
	if err != nil {
		t.Fatal(err)
	}
	checker, err := New(Options{Resolvers: []string{void + ":53", resolver + ":53"}, Roots: w.roots}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := checker.Check(t.Context(), target)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v, expected less than 10 s", took)
	}
	if len(r.Unseen) == 0 {
		t.Error("nothing is said not to be seen, with a resolver that is silent")
	}
	t.Log(text(t, r))
}

func TestAResolverThatIsSilentIsTriedOnce(t *testing.T) {
	d := &domain{what: "a silent resolver", zone: usual, fakes: highestFakes}
	w := build(t, named("late", []*domain{d}))
	checker, err := New(Options{Resolvers: []string{void + ":53", resolver + ":53"}, Roots: w.roots}, nil)
	if err != nil {
		t.Fatal(err)
	}
	target, err := d.corefileFor(t).Target(d.origin())
	if err != nil {
		t.Fatal(err)
	}
	if r := checker.Check(t.Context(), target); len(r.After) != 4 {
		t.Errorf("the set was not seen through the second resolver:\n%s", text(t, r))
	}
}

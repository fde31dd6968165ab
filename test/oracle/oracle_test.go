package oracle

import (
	"flag"
	"io"
	"log"
	"os"
	"slices"
	"testing"

	"github.com/coredns/coredns/core/dnsserver"
	_ "github.com/fakemx/fakemx"
	"github.com/fakemx/fakemx/internal/order"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/file"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	_ "github.com/coredns/coredns/plugin/transfer"
)

var (
	zones = flag.Int("zones", 50, "how many zones are made at least, in worlds of one or more")
	first = flag.Uint64("first", 1, "the seed of the first world; the others follow")
	seed  = flag.Uint64("seed", 0, "make only the world of this seed")
)

func TestMain(m *testing.M) {
	flag.Parse()
	dnsserver.Quiet = true
	clog.SetOutput(io.Discard)
	directives, err := order.Insert(append([]string{introducer{}.Name()}, dnsserver.Directives...))
	if err == nil {
		behind := slices.Index(directives, "fakemx") + 1
		err = dnsserver.SetDirectives(slices.Insert(directives, behind, terse{}.Name()))
	}
	if err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}

const (
	// perServer is how many worlds one server holds.
	perServer = 100
	// manyZones are enough that each rule is needed now and then.
	manyZones = 2000
)

// TestFakemxIsEqualToTheHandEditedZone is the proof.
func TestFakemxIsEqualToTheHandEditedZone(t *testing.T) {
	l := newLedger()
	all := trials()
	for some := range slices.Chunk(all, perServer) {
		c := &comparison{
			want:        serve(t, editedWorlds(some), false),
			got:         serve(t, plainWorlds(some), true),
			plain:       serve(t, plainWorlds(some), false),
			ledger:      l,
			secondaries: newSecondaries(),
		}
		c.run(t, some)
		c.askSecondaries(t, some)
		c.askNSD(t, some)
	}
	t.Logf("%d zones in the worlds of seeds %d to %d", countZones(all), all[0].world.seed, all[len(all)-1].world.seed)
	l.report(t)
	if countZones(all) >= manyZones {
		l.failUnneededRules(t)
	}
}

// trials returns the worlds that the flags ask for.
func trials() []trial {
	if *seed != 0 {
		return []trial{newTrial(*seed)}
	}
	var all []trial
	for s, made := *first, 0; made < *zones || len(all) == 0; s++ {
		all = append(all, newTrial(s))
		made += countZones(all[len(all)-1:])
	}
	return all
}

func countZones(trials []trial) (n int) {
	for _, t := range trials {
		for _, b := range t.world.blocks {
			n += len(b.zones)
		}
	}
	return n
}

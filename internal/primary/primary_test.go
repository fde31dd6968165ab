package primary

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fakemx/fakemx/internal/answer"
	"github.com/fakemx/fakemx/internal/serial"
	"github.com/miekg/dns"
)

func TestNumbers(t *testing.T) {
	bubble(t, "a zone of the Corefile has its number at the start, without a question", func(t *testing.T) {
		w := running(t, apex)
		defer w.Close()
		w.serves(apex, 101)
	})
	bubble(t, "a zone that changes behind has another one within a minute", func(t *testing.T) {
		w := running(t, apex)
		defer w.Close()
		w.load(apex, 200)
		time.Sleep(time.Minute - time.Second)
		synctest.Wait()
		w.serves(apex, 101)
		time.Sleep(time.Second)
		synctest.Wait()
		w.serves(apex, 200)
		// One that goes back is one more.
		w.load(apex, 150)
		time.Sleep(time.Minute)
		synctest.Wait()
		w.serves(apex, 201)
	})
	bubble(t, "what is served is looked at every minute: a sink that is in use now is another number", func(t *testing.T) {
		w := running(t, apex)
		defer w.Close()
		w.load(apex, 100, "fake9 IN A 192.0.2.99\n") // under the same number
		// A verdict is remembered for a minute, and a round is a minute after the last.
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		w.serves(apex, 102)
	})
	bubble(t, "a change of what is watched is looked at at once", func(t *testing.T) {
		w := running(t, apex)
		defer w.Close()
		w.load(apex, 200)
		w.change()
		synctest.Wait()
		w.serves(apex, 200)
		// And the one after it, too.
		w.load(apex, 300)
		w.change()
		synctest.Wait()
		w.serves(apex, 300)
	})
	bubble(t, "while nothing changes the number stays, and nobody is told", func(t *testing.T) {
		w := running(t, apex)
		defer w.Close()
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		w.told()
		time.Sleep(time.Hour)
		w.serves(apex, 101)
		if told := w.told(); len(told) != 0 {
			t.Errorf("told %v", told)
		}
	})
	bubble(t, "a zone that the backend has only some time after the start is looked at soon", func(t *testing.T) {
		w := newWorld(t, serial.NewFiles(quiet{}), filepath.Join(t.TempDir(), "serials"), apex)
		w.unload(apex)
		w.Start()
		defer w.Close()
		time.Sleep(time.Second)
		w.load(apex, 200)
		time.Sleep(soon)
		synctest.Wait()
		w.serves(apex, 201)
	})
	bubble(t, "a zone that the backend never has is asked about five times a minute at most", func(t *testing.T) {
		w := newWorld(t, serial.NewFiles(quiet{}), filepath.Join(t.TempDir(), "serials"), apex)
		w.unload(apex)
		w.Start()
		time.Sleep(time.Hour)
		w.Close()
		if asked, most := w.questions(), 5*60+1; asked > most {
			t.Errorf("%d questions in an hour, want %d at most", asked, most)
		}
	})
	bubble(t, "while the backend is silent the last number stays", func(t *testing.T) {
		w := running(t, apex)
		defer w.Close()
		w.silence(true)
		time.Sleep(10 * time.Minute)
		w.serves(apex, 101)
		w.silence(false)
		w.load(apex, 200)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		w.serves(apex, 200)
	})
	bubble(t, "a zone that no plugin behind can transfer has none, and is asked about every half a minute at most", func(t *testing.T) {
		w := newWorld(t, serial.NewFiles(quiet{}), filepath.Join(t.TempDir(), "serials"), apex)
		w.foreign = true
		w.Start()
		defer w.Close()
		synctest.Wait()
		for range 100 {
			if got := number(w.Stamp(soa(apex, 100, dns.TypeMX))); got != 100 {
				t.Errorf("stamped with %d", got)
			}
			synctest.Wait()
		}
		if w.lookups(apex) != 1 {
			t.Errorf("asked %d times within an instant", w.lookups(apex))
		}
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if w.lookups(apex) != 2 {
			t.Errorf("asked %d times in a minute", w.lookups(apex))
		}
	})
	bubble(t, "no more zones are followed than there may be", func(t *testing.T) {
		w := newWorld(t, serial.NewFiles(quiet{}), filepath.Join(t.TempDir(), "serials"), apex)
		defer w.Close()
		w.count.Store(maxZones)
		if w.follow("one.more.example.") != nil {
			t.Error("one more is followed")
		}
		w.ask("one.more.example.")
		w.settle("one.more.example.")
	})
}

func TestStamp(t *testing.T) {
	bubble(t, "a SOA record gets the number, and the backend's record stays as it is", func(t *testing.T) {
		w := running(t, apex)
		defer w.Close()
		m := soa(apex, 100, dns.TypeMX)
		m.Ns = soa(apex, 100, dns.TypeMX).Answer
		out := w.Stamp(m)
		if number(out) != 101 || out.Ns[0].(*dns.SOA).Serial != 101 {
			t.Errorf("stamped %v %v", out.Answer, out.Ns)
		}
		if number(m) != 100 || m.Ns[0].(*dns.SOA).Serial != 100 {
			t.Errorf("changed what it was given: %v %v", m.Answer, m.Ns)
		}
	})
	bubble(t, "what is not ours, or has the number, passes as it is", func(t *testing.T) {
		w := running(t, apex)
		defer w.Close()
		signed := soa(apex, 100, dns.TypeSOA)
		signed.Answer = append(signed.Answer, &dns.RRSIG{Hdr: dns.RR_Header{Name: "EXAMPLE.org.", Rrtype: dns.TypeRRSIG}, TypeCovered: dns.TypeSOA})
		for what, m := range map[string]*dns.Msg{
			"another zone":   soa("example.net.", 100, dns.TypeSOA),
			"the number":     soa(apex, 101, dns.TypeMX),
			"a signed one":   signed,
			"no SOA record":  new(dns.Msg).SetQuestion(apex, dns.TypeMX),
			"no message":     nil,
			"another's name": soa("sub.example.net.", 7, dns.TypeMX),
		} {
			if out := w.Stamp(m); out != m {
				t.Errorf("%s was changed to %v", what, out)
			}
		}
		var none *Primary
		if m := soa(apex, 100, dns.TypeSOA); none.Stamp(m) != m {
			t.Error("without serial an answer was changed")
		}
	})
	bubble(t, "who asks for the SOA record of a new version gets its number", func(t *testing.T) {
		w := running(t, apex)
		defer w.Close()
		w.load(apex, 200)
		if got := number(w.Stamp(soa(apex, 200, dns.TypeSOA))); got != 200 {
			t.Errorf("stamped with %d", got)
		}
	})
	bubble(t, "another answer of a new version has the last number, which soon moves", func(t *testing.T) {
		w := running(t, apex)
		defer w.Close()
		w.load(apex, 200)
		if got := number(w.Stamp(soa(apex, 200, dns.TypeMX))); got != 101 {
			t.Errorf("stamped with %d", got)
		}
		synctest.Wait()
		w.serves(apex, 200)
	})
	bubble(t, "a client waits for a second at most, with the last number", func(t *testing.T) {
		w := running(t, apex)
		defer w.Close()
		w.silence(true)
		var clients sync.WaitGroup
		start := time.Now()
		for range 100 {
			clients.Go(func() {
				if got := number(w.Stamp(soa(apex, 200, dns.TypeSOA))); got != 101 {
					t.Errorf("stamped with %d", got)
				}
			})
		}
		clients.Wait()
		if took := time.Since(start); took != time.Second {
			t.Errorf("clients waited for %s", took)
		}
		time.Sleep(time.Minute) // for the look to end
	})
}

func TestNotify(t *testing.T) {
	bubble(t, "secondaries are told once, half a second after the change", func(t *testing.T) {
		w := running(t, apex)
		defer w.Close()
		time.Sleep(time.Second)
		if told := w.told(); len(told) != 1 || told[0] != (notice{apex, 500 * time.Millisecond}) {
			t.Errorf("told %v", told)
		}
	})
	bubble(t, "changes within half a second are one NOTIFY", func(t *testing.T) {
		w := running(t, apex)
		defer w.Close()
		time.Sleep(time.Second)
		w.told()
		for i := range uint32(5) {
			w.load(apex, 200+i)
			w.change()
			synctest.Wait()
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(time.Second)
		w.serves(apex, 204)
		if told := w.told(); len(told) != 1 {
			t.Errorf("told %v", told)
		}
	})
	bubble(t, "sixteen zones are told of at a time, each once, also those that change again before their turn", func(t *testing.T) {
		apexes := make([]string, 100)
		for i := range apexes {
			apexes[i] = fmt.Sprintf("zone%02d.example.", i)
		}
		w := newWorld(t, serial.NewFiles(quiet{}), filepath.Join(t.TempDir(), "serials"), apexes...)
		w.slow = func(string) time.Duration { return 6 * time.Second } // three tries of two seconds
		w.Start()
		defer w.Close()
		time.Sleep(time.Second) // the first sixteen are under way
		for _, apex := range apexes {
			w.load(apex, 200)
		}
		w.change()
		time.Sleep(2 * time.Minute)
		times := make(map[string]int)
		for _, n := range w.told() {
			times[n.zone]++
		}
		twice := 0
		for _, apex := range apexes {
			if times[apex] == 2 {
				twice++
			} else if times[apex] != 1 {
				t.Errorf("%s was told of %d times", apex, times[apex])
			}
		}
		if w.most != 16 || twice != 16 {
			t.Errorf("%d at a time, %d told of twice; want 16", w.most, twice)
		}
	})
	bubble(t, "a secondary that is down does not hold up the NOTIFY of other zones", func(t *testing.T) {
		w := newWorld(t, serial.NewFiles(quiet{}), filepath.Join(t.TempDir(), "serials"), apex, "example.net.")
		w.slow = func(zone string) time.Duration {
			if zone == apex {
				return time.Minute
			}
			return 0
		}
		w.Start()
		defer w.Close()
		time.Sleep(time.Second)
		w.told()
		w.load("example.net.", 200)
		w.change()
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		if told := w.told(); len(told) != 1 || told[0].zone != "example.net." {
			t.Errorf("told %v", told)
		}
		time.Sleep(time.Minute) // for what is under way
	})
	bubble(t, "a failure is logged once a minute, and every one is counted", func(t *testing.T) {
		accepted, failed := counted(t, "accepted"), counted(t, "failed")
		w := running(t, apex)
		defer w.Close()
		time.Sleep(time.Second)
		w.refuse(errRefused)
		for i := range uint32(10) {
			w.load(apex, 200+i)
			w.change()
			time.Sleep(5 * time.Second)
		}
		if lines := w.logged(); len(lines) != 1 || lines[0] != `serial: notify for zone "example.org.": refused; others may have failed too` {
			t.Errorf("logged %q", lines)
		}
		time.Sleep(time.Minute)
		w.load(apex, 300)
		w.change()
		time.Sleep(time.Second)
		if lines := w.logged(); len(lines) != 2 {
			t.Errorf("logged %q", lines)
		}
		if got := counted(t, "accepted") - accepted; got != 1 {
			t.Errorf("%v counted as accepted", got)
		}
		if got := counted(t, "failed") - failed; got != 12 { // one is told again
			t.Errorf("%v counted as failed", got)
		}
	})
	bubble(t, "a secondary that was busy is told again a minute later, until it has heard", func(t *testing.T) {
		w := running(t, apex, "example.net.")
		defer w.Close()
		time.Sleep(time.Second)
		w.told()
		w.refuse(errRefused)
		w.load(apex, 200)
		w.change()
		time.Sleep(2 * time.Minute)
		w.refuse(nil)
		time.Sleep(time.Hour)
		told := w.told()
		if len(told) != 4 {
			t.Fatalf("told %v, want three times in vain and once more", told)
		}
		for i, n := range told[1:] {
			if since := n.at - told[i].at; n.zone != apex || since > time.Minute {
				t.Errorf("told of %s after %s", n.zone, since)
			}
		}
	})
	bubble(t, "one that stays down is told five times of a change, and five times of the next", func(t *testing.T) {
		w := running(t, apex)
		defer w.Close()
		time.Sleep(time.Second)
		w.told()
		w.refuse(errRefused)
		for _, number := range []uint32{200, 300} {
			w.load(apex, number)
			w.change()
			time.Sleep(time.Hour)
			if told := w.told(); len(told) != 5 {
				t.Errorf("told %v", told)
			}
		}
	})
	bubble(t, "what has changed goes before what is told again", func(t *testing.T) {
		n := newNotices()
		n.add("late.example.")
		n.sent(n.take(), false)
		if !n.retry() {
			t.Error("nothing to be told again")
		}
		n.add("changed.example.")
		if first, second, third := n.take(), n.take(), n.take(); first != "changed.example." || second != "late.example." || third != "" {
			t.Errorf("told of %q, %q, %q", first, second, third)
		}
	})
	bubble(t, "the end waits for no secondary, and nothing is sent after it", func(t *testing.T) {
		w := newWorld(t, serial.NewFiles(quiet{}), filepath.Join(t.TempDir(), "serials"), apex, "example.net.")
		w.slow = func(string) time.Duration { return time.Hour }
		w.Start()
		time.Sleep(1100 * time.Millisecond) // between two rounds of NOTIFY
		start := time.Now()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("the end took %s", took)
		}
		w.told()
		w.notices.add(apex)
		time.Sleep(2 * time.Hour)
		if told := w.told(); len(told) != 0 {
			t.Errorf("told %v", told)
		}
	})
}

func TestOwnership(t *testing.T) {
	bubble(t, "at a reload the new instance writes, after the old one, which goes on with its last number", func(t *testing.T) {
		files, path := serial.NewFiles(quiet{}), filepath.Join(t.TempDir(), "serials")
		old := newWorld(t, files, path, apex)
		old.Start()
		synctest.Wait()
		next := newWorld(t, files, path, apex)
		next.load(apex, 200)
		old.load(apex, 150)

		// Prepared, but not up yet: the old one is still the owner.
		if got := number(next.Stamp(soa(apex, 200, dns.TypeSOA))); got != 101 {
			t.Errorf("the new one serves %d before it is up", got)
		}
		old.change()
		synctest.Wait()
		old.serves(apex, 150)

		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
		old.load(apex, 160)
		if got := number(old.Stamp(soa(apex, 160, dns.TypeSOA))); got != 150 {
			t.Errorf("the old one serves %d after its end", got)
		}
		next.Start()
		synctest.Wait()
		next.serves(apex, 200)
		if err := next.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
	})
	bubble(t, "at a reload the new instance tells the secondaries what the old one did not yet", func(t *testing.T) {
		files, path := serial.NewFiles(quiet{}), filepath.Join(t.TempDir(), "serials")
		old := newWorld(t, files, path, apex, "example.net.")
		old.Start()
		time.Sleep(time.Second)
		old.told()
		old.refuse(errRefused)
		old.load(apex, 200)
		old.change()
		time.Sleep(time.Second) // told of in vain
		old.load("example.net.", 200)
		old.change()
		synctest.Wait()
		next := newWorld(t, files, path, apex, "example.net.")
		next.load(apex, 200)
		next.load("example.net.", 200)
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
		next.Start()
		time.Sleep(time.Second)
		told := next.told()
		if len(told) != 2 || told[0].zone == told[1].zone {
			t.Errorf("told %v, want both zones", told)
		}
		if told := old.told(); len(told) != 1 {
			t.Errorf("the old one told %v", told)
		}
		if err := next.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
	})
	bubble(t, "a file that another process has is refused within five seconds, in a line that names it", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "serials")
		w := newWorld(t, serial.NewFiles(quiet{}), path, apex)
		defer w.Close()
		start := time.Now()
		_, err := serial.NewFiles(quiet{}).Open(path)
		if err == nil || !strings.Contains(err.Error(), path+" is locked") || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took > 6*time.Second {
			t.Errorf("refused after %s", took)
		}
	})
	bubble(t, "numbers outlive a restart", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "serials")
		w := newWorld(t, serial.NewFiles(quiet{}), path, apex)
		w.Start()
		synctest.Wait()
		w.load(apex, 50) // goes back
		w.change()
		synctest.Wait()
		w.serves(apex, 102)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		again := newWorld(t, serial.NewFiles(quiet{}), path, apex)
		again.load(apex, 50)
		again.serves(apex, 102)
		again.Start()
		synctest.Wait()
		again.serves(apex, 102)
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
	})
}

func TestListedZones(t *testing.T) {
	const listed = "listed.example."
	// prepared is a world with a list, before its start.
	prepared := func(t *testing.T, path string) *world {
		t.Helper()
		w := newWorld(t, serial.NewFiles(quiet{}), path, apex)
		w.list(listed, "never.example.")
		return w
	}
	end := func(w *world) {
		w.t.Helper()
		if err := w.Close(); err != nil {
			w.t.Error(err)
		}
		time.Sleep(time.Minute)
	}
	// restarted is one that comes after another, which was asked for a zone of the list.
	restarted := func(t *testing.T) *world {
		t.Helper()
		path := filepath.Join(t.TempDir(), "serials")
		w := prepared(t, path)
		w.Start()
		if got := number(w.Stamp(soa(listed, 100, dns.TypeSOA))); got != 101 {
			t.Errorf("stamped with %d", got)
		}
		end(w)
		return prepared(t, path)
	}
	bubble(t, "one is not looked at before the first question", func(t *testing.T) {
		w := prepared(t, filepath.Join(t.TempDir(), "serials"))
		w.Start()
		defer end(w)
		time.Sleep(10 * time.Minute)
		if s, known := w.file.State(listed); known {
			t.Errorf("served with %d", s.Served)
		}
	})
	bubble(t, "after a restart one moves without another question, and the secondaries are told", func(t *testing.T) {
		w := restarted(t)
		w.load(listed, 200)
		w.Start()
		defer end(w)
		time.Sleep(time.Second)
		w.serves(listed, 200)
		if told := w.told(); len(told) != 1 || told[0].zone != listed {
			t.Errorf("told %v, want one of %s", told, listed)
		}
		if s, known := w.file.State("never.example."); known {
			t.Errorf("one that nobody has asked for is served with %d", s.Served)
		}
	})
	bubble(t, "one that left the list has its number again when it comes back", func(t *testing.T) {
		w := restarted(t)
		w.list("never.example.")
		w.load(listed, 200)
		w.Start()
		defer end(w)
		time.Sleep(10 * time.Minute)
		w.serves(listed, 101)
		w.list(listed)
		w.load(listed, 300)
		time.Sleep(time.Minute + time.Second)
		w.serves(listed, 300)
	})
}

func TestAFileThatCannotBeWritten(t *testing.T) {
	bubble(t, "the last number stays in answers and transfers, nobody is told, and it moves when it can", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "serials")
		w := newWorld(t, serial.NewFiles(quiet{}), path, apex)
		w.Start()
		defer w.Close()
		time.Sleep(time.Second)
		w.told()
		if err := os.Rename(path, path+".gone"); err != nil {
			t.Fatal(err)
		}
		w.load(apex, 200)
		if got := number(w.Stamp(soa(apex, 200, dns.TypeSOA))); got != 101 {
			t.Errorf("answers with %d", got)
		}
		version, signed := w.Answers.Version(apex)
		if version == nil || version.Serial != 200 || signed {
			t.Fatalf("the backend has %v", version)
		}
		whole := func() *answer.Whole { return w.Answers.Whole(apex, version) }
		if got, kept, err := w.Number(whole(), apex, version, false); got != 101 || kept || err != nil {
			t.Errorf("transfers with %d, kept: %t, %v", got, kept, err)
		}
		time.Sleep(5 * time.Minute)
		w.serves(apex, 101)
		if told := w.told(); len(told) != 0 {
			t.Errorf("told %v", told)
		}
		if err := os.Rename(path+".gone", path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		w.serves(apex, 200)
		if told := w.told(); len(told) != 1 {
			t.Errorf("told %v", told)
		}
		if got, _, _ := w.Number(whole(), apex, version, false); got != 200 {
			t.Errorf("transfers with %d", got)
		}
	})
	bubble(t, "a zone that is signed keeps the backend's number", func(t *testing.T) {
		w := running(t, apex)
		defer w.Close()
		version, _ := w.Answers.Version(apex)
		if got, kept, err := w.Number(w.Answers.Whole(apex, version), apex, version, true); got != 100 || !kept || err != nil {
			t.Errorf("transfers with %d, kept: %t, %v", got, kept, err)
		}
		if got := number(w.Stamp(soa(apex, 100, dns.TypeSOA))); got != 100 {
			t.Errorf("answers with %d", got)
		}
	})
}

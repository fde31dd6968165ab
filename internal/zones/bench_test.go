package zones

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/fakemx/fakemx/internal/config"
)

// BenchmarkLookup is the search for the zone of a name: always the same name, and
// names all over the zones, which the processor's caches cannot hold. The name
// itself is new each time, and in the cache as one from the wire would be.
func BenchmarkLookup(b *testing.B) {
	for _, size := range []int{1, 1000, 100_000, 1_000_000} {
		s := &config.Stanza{}
		z := New([]*config.Stanza{s})
		names := make([]string, size)
		for i := range names {
			names[i] = fmt.Sprintf("zone%06d.example.", i)
		}
		z.SetLists([]*config.List{config.NewList(s, names)})
		for _, spread := range []int{0, 7919} {
			b.Run(fmt.Sprintf("zones=%d/spread=%t", size, spread > 0), func(b *testing.B) {
				name := []byte("www.zone000000.example.")
				for i := 0; b.Loop(); i += spread {
					number := i % size
					for digit := len("www.zone00000"); digit >= len("www.zone"); digit-- {
						name[digit] = byte('0' + number%10)
						number /= 10
					}
					if _, ok := z.Find(unsafe.String(&name[0], len(name))); !ok {
						b.Fatal("not found")
					}
				}
			})
		}
	}
}

package fakemx

import (
	"sync"
	"sync/atomic"
)

// maxKept is the number of entries of a bounded map.
const maxKept = 4096

// bounded is a map for what is worth keeping, from first come to no more than
// maxKept keys.
type bounded[K comparable, V any] struct {
	entries sync.Map
	count   atomic.Int32
}

func (b *bounded[K, V]) load(key K) (value V, ok bool) {
	if v, ok := b.entries.Load(key); ok {
		return v.(V), true
	}
	return value, false
}

// store keeps value, in the place of an older one, if there is room.
func (b *bounded[K, V]) store(key K, value V) {
	if _, known := b.entries.Load(key); !known {
		if b.count.Load() >= maxKept {
			return
		}
		b.count.Add(1)
	}
	b.entries.Store(key, value)
}

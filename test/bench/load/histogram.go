package load

import (
	"math/bits"
	"time"
)

// subBits is the resolution of a Histogram: every power of two is split into
// 2^subBits buckets, so that a quantile is at most 1/64 (1.6%) too high.
const subBits = 6

// Histogram counts durations in buckets whose width grows with the value. The
// zero value is ready for use. It never allocates and covers every duration.
type Histogram struct {
	buckets [(64 - subBits + 1) << subBits]uint64
	count   uint64
	max     time.Duration
}

// Record adds one duration. A negative one counts as zero.
func (h *Histogram) Record(d time.Duration) {
	d = max(d, 0)
	h.buckets[bucketOf(uint64(d))]++
	h.count++
	h.max = max(h.max, d)
}

// Merge adds everything that other has counted.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.buckets {
		h.buckets[i] += n
	}
	h.count += other.count
	h.max = max(h.max, other.max)
}

// Count returns how many durations were recorded.
func (h *Histogram) Count() uint64 { return h.count }

// Max returns the longest duration recorded.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile returns a duration that the share q (0 to 1) of the recorded ones
// does not exceed, or 0 if nothing was recorded.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.count == 0 {
		return 0
	}
	rank := max(uint64(q*float64(h.count)+0.5), 1)
	var seen uint64
	for i, n := range h.buckets {
		seen += n
		if seen >= rank {
			return min(time.Duration(upperEnd(i)), h.max)
		}
	}
	return h.max
}

// bucketOf returns the bucket of v: v itself below 2^subBits, then the top
// subBits+1 bits of v and its magnitude.
func bucketOf(v uint64) int {
	shift := max(bits.Len64(v)-subBits-1, 0)
	return shift<<subBits + int(v>>shift)
}

// upperEnd returns the largest value that falls into bucket i.
func upperEnd(i int) uint64 {
	if i < 2<<subBits {
		return uint64(i)
	}
	shift := i>>subBits - 1
	top := uint64(i - shift<<subBits)
	return (top+1)<<shift - 1
}

package load

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	t.Run("has no quantile before the first value", func(t *testing.T) {
		if got := new(Histogram).Quantile(0.5); got != 0 {
			t.Errorf("Quantile(0.5) = %v, want 0", got)
		}
	})

	t.Run("places every value between the ends of its bucket", func(t *testing.T) {
		values := []uint64{0, 1, 63, 64, 65, 127, 128, 129, 255, 256, 1 << 20, 1<<20 + 12345, math.MaxInt64}
		for _, v := range values {
			i := bucketOf(v)
			if v > upperEnd(i) || (i > 0 && v <= upperEnd(i-1)) {
				t.Errorf("%d lies in bucket %d, which ends at %d after %d", v, i, upperEnd(i), upperEnd(i-1))
			}
		}
	})

	t.Run("gives quantiles that are never too low and at most 1.6% too high", func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		var h Histogram
		exact := make([]time.Duration, 0, 20000)
		for range 20000 {
			d := time.Duration(math.Exp(random.Float64()*16) * 100)
			h.Record(d)
			exact = append(exact, d)
		}
		slices.Sort(exact)
		for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 0.999, 1} {
			want := exact[int(q*20000+0.5)-1]
			got := h.Quantile(q)
			if got < want || float64(got) > float64(want)*(1+1.0/64) {
				t.Errorf("Quantile(%v) = %v, want %v", q, got, want)
			}
		}
	})

	t.Run("merges as if all values had been recorded in one", func(t *testing.T) {
		var one, other, both Histogram
		for i := range 1000 {
			d := time.Duration(i*i) * time.Microsecond
			both.Record(d)
			if i%3 == 0 {
				one.Record(d)
			} else {
				other.Record(d)
			}
		}
		one.Merge(&other)
		if one != both {
			t.Errorf("merged: %d values, max %v; want %d, max %v", one.Count(), one.Max(), both.Count(), both.Max())
		}
	})
}

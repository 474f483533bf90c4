package bench_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/bench"
)

// TestHistogramQuantiles compares quantiles with those of the sorted values.
func TestHistogramQuantiles(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, longest := range []time.Duration{63, time.Microsecond, time.Millisecond, time.Hour} {
		var h bench.Histogram
		values := make([]time.Duration, 10_000)
		for i := range values {
			values[i] = time.Duration(random.Int64N(int64(longest) + 1))
			h.Record(values[i])
		}
		slices.Sort(values)
		for _, q := range []float64{0.01, 0.5, 0.99, 1} {
			exact := values[max(1, int(q*float64(len(values))))-1]
			got := h.Quantile(q)
			if off := (got - exact).Abs(); off > exact/32+1 {
				t.Errorf("up to %v: quantile %g is %v, want %v", longest, q, got, exact)
			}
		}
		if h.Max() != values[len(values)-1] || h.Count() != len(values) {
			t.Errorf("max %v, count %d", h.Max(), h.Count())
		}
	}
}

func TestHistogramLimits(t *testing.T) {
	t.Parallel()
	var h bench.Histogram
	if h.Quantile(0.99) != 0 {
		t.Error("an empty one has a quantile")
	}
	h.Record(-time.Second)
	if h.Quantile(1) != 0 {
		t.Error("a latency below 0 counts as more")
	}
	h.RecordMany(1<<62, 3)
	if h.Count() != 4 || h.Max() != 1<<62 || h.Quantile(0.5) < 2*time.Hour {
		t.Errorf("count %d, max %v, median %v", h.Count(), h.Max(), h.Quantile(0.5))
	}
}

func TestHistogramAdd(t *testing.T) {
	t.Parallel()
	var a, b bench.Histogram
	a.Record(time.Millisecond)
	b.RecordMany(time.Second, 2)
	a.Add(&b)
	if a.Count() != 3 || a.Max() != time.Second || a.Quantile(0.3) > 2*time.Millisecond {
		t.Errorf("count %d, max %v", a.Count(), a.Max())
	}
}

package bench

import (
	"math"
	"math/bits"
	"time"
)

// A bucket of a histogram is at most 1/32 of its values wide.
const (
	bucketBits  = 5
	maxLatency  = 1<<43 - 1 // nanoseconds, about 2.4 hours; what is longer counts as this
	bucketCount = (43-bucketBits-1)<<bucketBits + 2<<bucketBits
)

// A Histogram counts latencies. Its quantiles are exact to about 3 %. The zero
// value is empty. It is used by one goroutine at a time.
type Histogram struct {
	counts [bucketCount]uint64
	count  uint64
	max    time.Duration
}

// bucketOf returns the bucket of a value: the values below 64 have one each,
// and from there on each power of two has 32.
func bucketOf(v uint64) int {
	shift := max(0, bits.Len64(v)-bucketBits-1)
	return shift<<bucketBits + int(v>>shift)
}

// middle returns the value in the middle of a bucket.
func middle(bucket int) uint64 {
	shift := max(0, bucket>>bucketBits-1)
	low := uint64(bucket-shift<<bucketBits) << shift
	return low + (uint64(1)<<shift)/2
}

// Record counts a latency.
func (h *Histogram) Record(d time.Duration) { h.RecordMany(d, 1) }

// RecordMany counts the same latency of several messages.
func (h *Histogram) RecordMany(d time.Duration, count int) {
	v := uint64(min(max(d, 0), maxLatency))
	h.counts[bucketOf(v)] += uint64(count)
	h.count += uint64(count)
	h.max = max(h.max, d)
}

// Add counts what o has counted.
func (h *Histogram) Add(o *Histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.count += o.count
	h.max = max(h.max, o.max)
}

// Count returns how many latencies there are.
func (h *Histogram) Count() int { return int(h.count) }

// Max returns the longest one, exactly.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile returns the latency that the part q of all, from 0 to 1, did not
// exceed, 0 if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := uint64(math.Ceil(q * float64(h.count)))
	var seen uint64
	for i, n := range h.counts {
		if seen += n; n > 0 && seen >= rank {
			return min(time.Duration(middle(i)), h.max)
		}
	}
	return h.max
}

package bench

import (
	"slices"
	"time"
)

// Written is what has gone to disk.
type Written struct {
	Bytes uint64 // pages of the file
	Syncs uint64
}

func (w Written) since(earlier Written) Written {
	return Written{w.Bytes - earlier.Bytes, w.Syncs - earlier.Syncs}
}

// A Sample is what one run of a load came to.
type Sample struct {
	Messages int
	Elapsed  time.Duration
	Latency  *Histogram // of each message
	Written  Written
}

// newSample returns the sample of callers that have each kept their latencies.
func newSample(elapsed time.Duration, latencies []Histogram) Sample {
	s := Sample{Elapsed: elapsed, Latency: &Histogram{}}
	for i := range latencies {
		s.Latency.Add(&latencies[i])
	}
	s.Messages = s.Latency.Count()
	return s
}

// Rate returns messages a second.
func (s Sample) Rate() float64 { return float64(s.Messages) / s.Elapsed.Seconds() }

// P50 returns the latency that half of the messages did not exceed, in milliseconds.
func (s Sample) P50() float64 { return milliseconds(s.Latency.Quantile(0.50)) }

// P99 returns the latency that all but one in a hundred did not exceed, in milliseconds.
func (s Sample) P99() float64 { return milliseconds(s.Latency.Quantile(0.99)) }

// BytesPerMessage returns what was written for each message.
func (s Sample) BytesPerMessage() float64 { return float64(s.Written.Bytes) / float64(s.Messages) }

// SyncsPerMessage returns how many syncs each message took: with many callers
// it is a part of one.
func (s Sample) SyncsPerMessage() float64 { return float64(s.Written.Syncs) / float64(s.Messages) }

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1e3 }

// samples are runs of the same load.
type samples []Sample

// median returns the median of a figure of the samples.
func (s samples) median(figure func(Sample) float64) float64 {
	all := make([]float64, len(s))
	for i := range s {
		all[i] = figure(s[i])
	}
	return median(all)
}

// median returns the middle one, 0 if there are none.
func median(all []float64) float64 {
	slices.Sort(all)
	n := len(all)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return all[n/2]
	}
	return (all[n/2-1] + all[n/2]) / 2
}

// figures are what is said about samples, in this order.
var figures = []struct {
	suffix string
	unit   string
	of     func(Sample) float64
}{
	{"", "msg/s", Sample.Rate},
	{", p50", "ms", Sample.P50},
	{", p99", "ms", Sample.P99},
	{", written", "B/msg", Sample.BytesPerMessage},
	{", syncs", "1/msg", Sample.SyncsPerMessage},
}

// Where some figures stand.
const (
	rateRow = 0
	p99Row  = 2
)

// rows returns all figures of samples, compared with those of base if there
// are any.
func (s samples) rows(name, against string, base samples) Report {
	report := make(Report, len(figures))
	for i, f := range figures {
		report[i] = Row{Name: name + f.suffix, Value: s.median(f.of), Unit: f.unit}.
			against(against, base.median(f.of))
	}
	return report
}

// withRate returns the rows of samples whose rate has a target.
func (s samples) withRate(target float64, name, against string, base samples) Report {
	report := s.rows(name, against, base)
	report[rateRow] = report[rateRow].atLeast(target)
	return report
}

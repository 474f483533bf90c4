package store_test

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/bench"
	"github.com/jitney-mq/jitney/store"
)

// benchmarkRounds is how often the two sides of BenchmarkUpdate take turns, so
// that what else the machine does falls on both.
const benchmarkRounds = 4

// BenchmarkUpdate stores 1 KiB a call, beside a bare group committer that
// stores the same. x/bare is the rate as a part of the bare one's.
func BenchmarkUpdate(b *testing.B) {
	for _, callers := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) { benchmarkUpdate(b, callers) })
	}
}

func benchmarkUpdate(b *testing.B, callers int) {
	opts := options()
	opts.MaxSize, opts.GrowBy = 0, 0
	s := openWith(b, b.TempDir(), opts)
	bare, err := bench.NewBare(b.TempDir())
	ok(b, err)
	defer func() { ok(b, bare.Close()) }()
	body := make([]byte, 1024)
	update := func() error {
		return s.Update(background, func(tx *store.Tx) error {
			tx.Insert(tableA, binary.BigEndian.AppendUint64(nil, tx.NewID()), append(make([]byte, 0, 1040), body...))
			return nil
		})
	}
	before := s.Stats()
	var own, others time.Duration
	b.ResetTimer()
	b.StopTimer()
	for round := range benchmarkRounds {
		n := (b.N + round) / benchmarkRounds // they add up to b.N
		others += timed(b, n, callers, func() error { return bare.Put(body) })
		b.StartTimer()
		own += timed(b, n, callers, update)
		b.StopTimer()
	}
	after := s.Stats()
	b.ReportMetric(float64(others)/float64(own), "x/bare")
	b.ReportMetric(float64(after.PageBytes-before.PageBytes)/float64(b.N), "written-B/op")
	b.ReportMetric(float64(after.Syncs-before.Syncs)/float64(b.N), "syncs/op")
}

// timed has callers call fn n times in all and returns how long that took.
func timed(b *testing.B, n, callers int, fn func() error) time.Duration {
	start := time.Now()
	var left atomic.Int64
	left.Store(int64(n))
	var done sync.WaitGroup
	for range callers {
		done.Go(func() {
			for left.Add(-1) >= 0 {
				if err := fn(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	done.Wait()
	return time.Since(start)
}

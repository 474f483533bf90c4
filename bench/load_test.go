package bench_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/bench"
)

func TestLoadCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var done atomic.Int64
		sample, err := bench.Load{Callers: 4, Count: 10, Do: func(context.Context, int) error {
			time.Sleep(time.Second)
			done.Add(1)
			return nil
		}}.Run(t.Context())
		if err != nil || done.Load() != 10 || sample.Messages != 10 || sample.Elapsed != 3*time.Second {
			t.Errorf("%d done, %d messages in %v, %v", done.Load(), sample.Messages, sample.Elapsed, err)
		}
		if p := sample.P99(); p < 970 || p > 1030 {
			t.Errorf("p99 is %g ms", p)
		}
	})
}

func TestLoadDuration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sample, err := bench.Load{Callers: 2, For: 5 * time.Second, Do: func(context.Context, int) error {
			time.Sleep(2 * time.Second)
			return nil
		}}.Run(t.Context())
		if err != nil || sample.Messages != 6 || sample.Elapsed != 6*time.Second || sample.Rate() != 1 {
			t.Errorf("%d messages in %v, %v", sample.Messages, sample.Elapsed, err)
		}
	})
}

func TestLoadEndsWithTheFirstError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := bench.Load{Callers: 8, For: time.Hour, Do: func(_ context.Context, caller int) error {
		if caller == 3 {
			return broken
		}
		return nil
	}}.Run(t.Context())
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// TestPaceCountsWaiting has the only caller hang for a second: the messages
// that could not begin meanwhile are as late as they were, and none is left out.
func TestPaceCountsWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		time.AfterFunc(10*time.Second-time.Millisecond, func() { close(over) })
		first := true
		sample, err := bench.Pace{Callers: 1, Rate: 10, Do: func(context.Context, int) error {
			if first {
				first = false
				time.Sleep(time.Second)
			}
			return nil
		}}.Run(t.Context(), over)
		if err != nil || sample.Messages != 100 {
			t.Fatalf("%d messages, %v", sample.Messages, err)
		}
		// Those of the instants 0 to 0.9 s wait 1 s down to 0.1 s.
		for _, q := range []struct{ quantile, want float64 }{{0.89, 0}, {0.95, 500}, {1, 1000}} {
			got := float64(sample.Latency.Quantile(q.quantile)) / 1e6
			if got < q.want*0.96 || got > q.want*1.04 {
				t.Errorf("quantile %g is %g ms, want %g", q.quantile, got, q.want)
			}
		}
	})
}

func TestPaceEndsWithAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := bench.Pace{Callers: 2, Rate: 1000, Do: func(context.Context, int) error { return broken }}.
		Run(t.Context(), nil)
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

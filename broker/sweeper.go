package broker

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/router"
	"github.com/jitney-mq/jitney/store"
)

// A sweeper does what is due. It sleeps until the first instant that anybody
// has told it, and costs nothing in between.
type sweeper struct {
	planned atomic.Int64  // when it wakes, in microseconds since 1970
	now     chan struct{} // holds one signal
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

func newSweeper() *sweeper { return &sweeper{now: make(chan struct{}, 1)} }

// wake has it come at an instant, or at once if that has passed. It does not block.
func (s *sweeper) wake(at time.Time) {
	if !at.IsZero() && at.UnixMicro() >= s.planned.Load() {
		return
	}
	select {
	case s.now <- struct{}{}:
	default:
	}
}

// retryAfter is how long it waits after an error: the store is full, say.
const retryAfter = time.Second

// start runs sweep now and whenever next says. sweep returns whether it has
// more to do at once.
func (s *sweeper) start(sweep func(context.Context) (bool, error), next func() (time.Time, bool)) {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.done.Go(func() {
		for ctx.Err() == nil {
			more, err := sweep(ctx)
			switch {
			case errors.Is(err, store.ErrClosed), errors.Is(err, store.ErrFailed):
				return
			case err != nil:
				s.sleep(ctx, time.Now().Add(retryAfter), true)
			case !more:
				s.planned.Store(math.MaxInt64) // from here on every wake counts
				at, ok := next()
				s.sleep(ctx, at, ok)
			}
		}
	})
}

// sleep returns at the instant at, if there is one, or when woken.
func (s *sweeper) sleep(ctx context.Context, at time.Time, ok bool) {
	var alarm <-chan time.Time
	if ok {
		s.planned.Store(at.UnixMicro())
		timer := time.NewTimer(time.Until(at))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-alarm:
	case <-s.now:
	case <-ctx.Done():
	}
}

func (s *sweeper) stop() {
	s.cancel()
	s.done.Wait()
}

// sweep does a step of everything that is due.
func (b *Broker) sweep(ctx context.Context) (bool, error) {
	queues, err := b.queues.Sweep(ctx)
	if err != nil {
		return false, err
	}
	names, err := b.expire(ctx)
	return queues || names, err
}

// maxExpired bounds the names that one commit takes the role of.
const maxExpired = 64

// expire takes the role of names whose ExpirationInstant has passed [P5].
func (b *Broker) expire(ctx context.Context) (more bool, err error) {
	err = b.store.Update(ctx, func(tx *store.Tx) error {
		due := tx.DueBy(namespace.DueExpiry, tx.Now, maxExpired)
		more = len(due) == maxExpired
		names := b.names.In(tx)
		for _, d := range due {
			e, err := names.GetKey(string(d.Ref))
			if err != nil {
				return err
			}
			if e == nil {
				tx.DeleteDue(d)
				continue
			}
			if err := b.end(tx, names, e, router.Expired); err != nil {
				return err
			}
			if tx.Full() {
				more = true
				return nil
			}
		}
		return nil
	})
	return more, err
}

// nextDue is when something is due first. The store's clock can be ahead of the wall's.
func (b *Broker) nextDue() (time.Time, bool) {
	at, ok := b.store.NextDue(append([]byte{namespace.DueExpiry}, queue.DueClasses...)...)
	if lock, locked := b.queues.NextLock(); locked && (!ok || lock.Before(at)) {
		at, ok = lock, true
	}
	ahead := time.Until(b.store.Now())
	return at.Add(-ahead), ok
}

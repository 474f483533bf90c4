package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/queue"
)

const (
	maxSlowdown = 3 // of a steady sender's p99
	againstCalm = "undisturbed"
)

func measureDelete(ctx context.Context, s *stage) error {
	return s.measureEvent(ctx, "deleted", s.prepareDelete)
}

func measureExpire(ctx context.Context, s *stage) error {
	return s.measureEvent(ctx, "expiring", s.prepareExpiry)
}

// measureEvent measures a steady sender while something happens to a long queue.
func (s *stage) measureEvent(ctx context.Context, what string, prepare func(context.Context, *steady) (event, error)) error {
	var calm, troubled samples
	for range s.events {
		before, during, err := s.disturbOnce(ctx, prepare)
		if err != nil {
			return err
		}
		calm, troubled = append(calm, before), append(troubled, during)
	}
	s.report.add(slowdown(fmt.Sprintf("send beside %d messages %s", s.backlog, what), troubled, calm)...)
	s.report.add(s.costs(what, troubled)...)
	return nil
}

func (s *stage) disturbOnce(ctx context.Context, prepare func(context.Context, *steady) (event, error)) (calm, troubled Sample, err error) {
	steady, err := s.openSteady(ctx)
	if err != nil {
		return calm, troubled, err
	}
	defer func() { err = errors.Join(err, steady.Close()) }()
	e, err := prepare(ctx, steady)
	if err != nil {
		return calm, troubled, err
	}
	if calm, troubled, err = steady.disturb(ctx, e); err != nil {
		return calm, troubled, err
	}
	return calm, troubled, steady.finish(ctx)
}

// slowdown returns the rate and the latencies of a disturbed sender.
func slowdown(name string, troubled, calm samples) Report {
	report := troubled.rows(name, againstCalm, calm)[:p99Row+1]
	report[p99Row] = report[p99Row].atMost(maxSlowdown)
	return report
}

// costs returns what the event itself cost, for each message that it was about
// or that was sent meanwhile.
func (s *stage) costs(what string, troubled samples) Report {
	about := func(figure func(Sample) float64) float64 {
		return troubled.median(func(one Sample) float64 {
			one.Messages += s.backlog
			return figure(one)
		})
	}
	return Report{
		{Name: what, Value: troubled.median(func(one Sample) float64 { return float64(s.backlog) / one.Elapsed.Seconds() }), Unit: "msg/s"},
		{Name: what + ", written", Value: about(Sample.BytesPerMessage), Unit: "B/msg"},
		{Name: what + ", syncs", Value: about(Sample.SyncsPerMessage), Unit: "1/msg"},
	}
}

const longQueue = "/long"

// prepareDelete fills a queue that the event deletes.
func (s *stage) prepareDelete(ctx context.Context, d *steady) (event, error) {
	long, err := d.host.queue(ctx, longQueue, nil)
	if err != nil {
		return event{}, err
	}
	if err := fill(ctx, long, new(Ledger), s.backlog, nil); err != nil {
		return event{}, err
	}
	return event{happen: func(ctx context.Context) error {
		if err := d.broker.Unassign(ctx, namespace.MustParse(longQueue), broker.AnyVersion); err != nil {
			return err
		}
		return d.awaitEmptied(ctx, s.backlog)
	}}, nil
}

// How awaitEmptied knows that nothing is emptied any more.
const (
	quietStep    = 100 * time.Millisecond
	quietSteps   = 3
	quietOps     = 4 // of the writer in a step, beyond those of the sender
	emptyTimeout = 10 * time.Minute
)

var errNotEmptied = errors.New("the disk space of deleted messages does not become free")

// awaitEmptied returns when count messages were deleted, their space is free
// and the sweeper has nothing to do any more. Nothing but the sender's ops and
// the sweeper's reach the writer.
func (d *steady) awaitEmptied(ctx context.Context, count int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, emptyTimeout, errNotEmptied)
	defer cancel()
	enough := int64(count) * bodySize / 2 // the sender has used some of it again
	last := d.sweeperOps()
	for quiet := 0; quiet < quietSteps || d.broker.Info().Store.FreeBytes < enough; {
		if sleep(ctx, quietStep) != nil {
			return context.Cause(ctx)
		}
		now := d.sweeperOps()
		if quiet++; now-last > quietOps {
			quiet = 0
		}
		last = now
	}
	return nil
}

// sweeperOps returns the ops of the writer but those of the sender, to within
// a few that are under way.
func (d *steady) sweeperOps() int64 {
	info := d.broker.Info()
	return int64(info.Store.Ops) - int64(info.Totals.Sent)
}

// errLate says that messages would have begun to expire before all were sent.
var errLate = errors.New("filling the queue took longer than was to be expected")

// prepareExpiry fills a queue with messages that all expire at one instant.
func (s *stage) prepareExpiry(ctx context.Context, d *steady) (event, error) {
	long, err := d.host.queue(ctx, longQueue, nil)
	if err != nil {
		return event{}, err
	}
	takes, err := s.estimateFilling(ctx, d)
	if err != nil {
		return event{}, err
	}
	at := time.Now().Add(takes + 2*s.window)
	if err := fill(ctx, long, new(Ledger), s.backlog, func(m *message.Message) { m.TimeToLive = time.Until(at) }); err != nil {
		return event{}, err
	}
	if time.Until(at) < s.window {
		return event{}, errLate
	}
	return event{at, func(ctx context.Context) error { return d.awaitExpired(ctx, long, s.backlog) }}, nil
}

// estimateFilling returns how long filling takes at most: what a part of it
// takes, with a margin for files that grow and machines that have others to
// serve too.
func (s *stage) estimateFilling(ctx context.Context, d *steady) (time.Duration, error) {
	const part, margin, atLeast = 5, 3, 2 * time.Second
	sample, err := d.host.queue(ctx, "/sample", nil)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	err = fill(ctx, sample, new(Ledger), s.backlog/part, func(m *message.Message) { m.TimeToLive = time.Hour })
	return max(part*margin*time.Since(start), atLeast), err
}

// awaitExpired returns when no message is left in q.
func (d *steady) awaitExpired(ctx context.Context, q *queue.Queue, count int) error {
	for {
		c, err := q.Counts()
		switch {
		case err != nil:
			return err
		case c.Active == 0 && c.Expired != uint64(count):
			return fmt.Errorf("%w: %d messages expired, not %d", ErrLost, c.Expired, count)
		case c.Active == 0:
			return nil
		}
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

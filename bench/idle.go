package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jitney-mq/jitney/queue"
)

func measureIdle(ctx context.Context, s *stage) (err error) {
	dir, err := s.folder()
	if err != nil {
		return err
	}
	subject, err := openSend(ctx, dir, 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, subject.Close()) }()
	polls, err := openPolls(ctx, subject, s.polls)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, polls.Close()) }()
	if err := s.rest(ctx, subject.host); err != nil {
		return err
	}
	return s.wake(ctx, polls)
}

// rest measures the process while nothing happens. The connections' other
// ends are in it too, so that the broker uses less than is said.
func (s *stage) rest(ctx context.Context, h *host) error {
	runtime.GC()
	began, err := processorTime()
	if err != nil {
		return err
	}
	before := h.Written()
	if err := sleep(ctx, s.idle); err != nil {
		return err
	}
	now, err := processorTime()
	if err != nil {
		return err
	}
	written := h.Written().since(before)
	s.report.add(
		Row{Name: fmt.Sprintf("syncs with %d polls", s.polls), Value: float64(written.Syncs), Unit: "syncs"}.atMost(0),
		Row{Name: "written", Value: float64(written.Bytes), Unit: "B"}.atMost(0),
		Row{Name: "processor", Value: 100 * (now - began).Seconds() / s.idle.Seconds(), Unit: "% of a core"}.atMost(1),
	)
	return nil
}

// wake sends a message for each poll in one commit and measures until when
// each of them has come.
func (s *stage) wake(ctx context.Context, p *polls) error {
	latencies := make([]Histogram, len(p.conns))
	before := p.Written()
	start := time.Now()
	var group errgroup.Group
	group.Go(func() error { return p.sendAll(ctx) })
	group.Go(func() error {
		return p.together(ctx, func(i int) error {
			err := p.read(p.conns[i])
			latencies[i].Record(time.Since(start))
			return err
		})
	})
	if err := group.Wait(); err != nil {
		return err
	}
	sample := newSample(time.Since(start), latencies)
	sample.Written = p.Written().since(before)
	s.report.add(samples{sample}.rows("all polls answered by one batch", "", nil)...)
	return p.ledger.Check()
}

// polls are connections that wait for a message each.
type polls struct {
	*sendSubject
	conns
}

// openPolls returns when all of them are known to wait.
func openPolls(ctx context.Context, subject *sendSubject, count int) (*polls, error) {
	address, err := subject.listen()
	if err != nil {
		return nil, err
	}
	list, err := dialAll(ctx, address, count)
	if err != nil {
		return nil, err
	}
	p := &polls{subject, list}
	before := subject.broker.Info().Store.Ops
	request := requestHead("DELETE", "/bench/messages/head?timeout=300", "", 0)
	for _, c := range list {
		if _, err := c.Write(request); err != nil {
			return nil, errors.Join(err, list.Close())
		}
	}
	for subject.broker.Info().Store.Ops < before+uint64(count) { // each receiver is an op of the writer
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return nil, errors.Join(err, list.Close())
		}
	}
	return p, sleep(ctx, 200*time.Millisecond)
}

// Close closes the connections. The subject is closed by whoever opened it.
func (p *polls) Close() error { return p.conns.Close() }

func (p *polls) sendAll(ctx context.Context) error {
	batch := make([]queue.Outgoing, len(p.conns))
	for i, body := range newBodies(len(batch)) {
		p.ledger.Stamp(body)
		batch[i] = outgoing(body)
	}
	return send(ctx, p.queue, batch...)
}

func (p *polls) read(c *conn) error {
	answer, err := c.answer(http.StatusOK)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(answer.Body)
	p.ledger.See(body)
	return err
}

// sleep returns after d, or when ctx ends, with its error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

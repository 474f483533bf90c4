package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"time"

	"github.com/jitney-mq/jitney/queue"
)

const (
	backlogCallers = 64
	acknowledged   = 100 // messages sent to a broker that is then killed
	keepsRate      = 0.85
	againstEmpty   = "no backlog"
)

func measureBacklog(ctx context.Context, s *stage) (err error) {
	empty, err := s.openDepot(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, empty.close()) }()
	long, err := s.openDepot(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, long.close()) }()
	for _, step := range []func(context.Context, *depot) error{
		s.fillBacklog,
		s.compareTo(empty, "beside the backlog"),
		s.weighBacklog,
		s.killBesideBacklog,
		s.drainBacklog,
		s.compareTo(empty, "after the backlog"),
		s.checkBacklog,
	} {
		if err := step(ctx, long); err != nil {
			return err
		}
	}
	return empty.ledger.Check()
}

// A depot is a queue in a data folder that can be closed and opened again.
type depot struct {
	dir    string
	host   *host // nil while it is closed
	queue  *queue.Queue
	bodies [][]byte
	ledger Ledger
}

func (s *stage) openDepot(ctx context.Context) (*depot, error) {
	dir, err := s.folder()
	if err != nil {
		return nil, err
	}
	d := &depot{dir: dir, bodies: newBodies(backlogCallers)}
	return d, d.open(ctx)
}

func (d *depot) open(ctx context.Context) (err error) {
	if d.host, err = openHost(ctx, d.dir); err != nil {
		return err
	}
	if d.queue, err = d.host.queue(ctx, "/bench", nil); err != nil {
		return errors.Join(err, d.close())
	}
	return nil
}

func (d *depot) close() error {
	h := d.host
	if d.host = nil; h == nil {
		return nil
	}
	return h.Close()
}

// waiting returns how many messages there are to receive.
func (d *depot) waiting() (int, error) {
	c, err := d.queue.Counts()
	return int(c.Active), err
}

func (d *depot) send(ctx context.Context, caller int) error {
	return sendOne(ctx, d.queue, &d.ledger, d.bodies[caller])
}

func (d *depot) receive(ctx context.Context, _ int) error { return receiveOne(ctx, d.queue, &d.ledger) }

// run returns a contender that has all callers do count messages.
func (d *depot) run(count int, do func(context.Context, int) error) contender {
	return func(ctx context.Context) (Sample, error) {
		runtime.GC()
		before := d.host.Written()
		sample, err := Load{Callers: backlogCallers, Count: count, Do: do}.Run(ctx)
		sample.Written = d.host.Written().since(before)
		return sample, err
	}
}

func (s *stage) fillBacklog(ctx context.Context, d *depot) error {
	start := time.Now()
	if err := fill(ctx, d.queue, &d.ledger, s.backlog, nil); err != nil {
		return err
	}
	rate := float64(s.backlog) / time.Since(start).Seconds()
	s.report.add(Row{Name: fmt.Sprintf("%d messages sent, %d in a batch", s.backlog, fillBatch), Value: rate, Unit: "msg/s"})
	return d.expect(s.backlog)
}

// expect returns ErrLost if another number of messages waits.
func (d *depot) expect(count int) error {
	waiting, err := d.waiting()
	if err == nil && waiting != count {
		err = fmt.Errorf("%w: %d messages wait, not %d", ErrLost, waiting, count)
	}
	return err
}

// compareTo returns a step that measures one depot and empty in turn: first
// each sends some messages, then each receives as many, so that both are as
// long as before.
func (s *stage) compareTo(empty *depot, when string) func(context.Context, *depot) error {
	return func(ctx context.Context, d *depot) error {
		all, err := s.alternate(ctx,
			d.run(s.exchange, d.send), empty.run(s.exchange, empty.send),
			d.run(s.exchange, d.receive), empty.run(s.exchange, empty.receive))
		if err != nil {
			return err
		}
		s.report.add(all[0].withRate(keepsRate, "send "+when, againstEmpty, all[1])...)
		s.report.add(all[2].withRate(keepsRate, "receive and complete "+when, againstEmpty, all[3])...)
		return nil
	}
}

func (s *stage) weighBacklog(_ context.Context, d *depot) error {
	s.report.add(Row{Name: "live heap", Value: mebibytes(liveHeap()), Unit: "MiB"}.atMost(64))
	return d.expect(s.backlog)
}

// killBesideBacklog has a broker process that has acknowledged messages killed,
// and another one started on the folder that it left, several times.
func (s *stage) killBesideBacklog(ctx context.Context, d *depot) error {
	if err := d.close(); err != nil {
		return err
	}
	var ready, first []float64
	for range s.rounds {
		if err := s.sendAndKill(ctx, d); err != nil {
			return err
		}
		p, err := s.startProcess(ctx, d.dir)
		if err != nil {
			return err
		}
		took, err := p.receiveFirst(ctx, &d.ledger)
		p.kill()
		if err != nil {
			return err
		}
		ready, first = append(ready, p.readyAfter.Seconds()), append(first, took.Seconds())
	}
	s.report.add(
		Row{Name: "ready after kill -9", Value: median(ready), Unit: "s"}.atMost(3),
		Row{Name: "first message after kill -9", Value: median(first), Unit: "s"},
	)
	return nil
}

func (s *stage) sendAndKill(ctx context.Context, d *depot) error {
	p, err := s.startProcess(ctx, d.dir)
	if err != nil {
		return err
	}
	defer p.kill()
	posts, err := dialPosts(ctx, p.address, 1)
	if err != nil {
		return err
	}
	defer posts.Close()
	for range acknowledged {
		if err := posts.post(&d.ledger, 0); err != nil {
			return err
		}
	}
	return nil
}

// receiveFirst takes a message, and returns how long after the start of the
// process it came.
func (p *process) receiveFirst(ctx context.Context, l *Ledger) (time.Duration, error) {
	c, err := dial(ctx, p.address)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	_, body, err := c.call("DELETE", "/bench/messages/head?timeout=20", http.StatusOK)
	l.See(body)
	return time.Since(p.startedAt), err
}

// drainBacklog receives all that was ever acknowledged.
func (s *stage) drainBacklog(ctx context.Context, d *depot) error {
	if err := d.open(ctx); err != nil {
		return err
	}
	waiting := s.backlog + s.rounds*(acknowledged-1)
	if err := d.expect(waiting); err != nil {
		return err
	}
	start := time.Now()
	if err := drain(ctx, d.queue, &d.ledger); err != nil {
		return err
	}
	rate := float64(waiting) / time.Since(start).Seconds()
	s.report.add(Row{Name: fmt.Sprintf("%d messages received and deleted, %d at a time", waiting, queue.MaxCount), Value: rate, Unit: "msg/s"})
	return d.ledger.Check()
}

func (s *stage) checkBacklog(ctx context.Context, d *depot) error {
	if err := errors.Join(d.ledger.Check(), d.close()); err != nil {
		return err
	}
	return s.check(ctx, d.dir)
}

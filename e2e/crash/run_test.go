package crash_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jitney-mq/jitney/client"
)

// A run is a broker with everybody who uses it, from an empty folder until it
// is empty again.
type run struct {
	*recorder
	cast    cast
	seed    uint64
	random  *rand.Rand // of the kills
	broker  *broker
	client  *client.Client
	gate    *gate
	backlog atomic.Int64 // about how many messages are in the broker
	units   atomic.Int64
	turns   atomic.Int64 // of the broker: two for each kill, one before and one behind it

	kills   int
	early   int // of these while the broker was starting
	readied []time.Duration
	checks  int // of the folder
	findings
}

func newRun(program, dir string, seed uint64) (*run, error) {
	b, err := newBroker(program, dir)
	if err != nil {
		return nil, err
	}
	c, err := newClient(b.url())
	return &run{
		recorder: &recorder{begin: time.Now()},
		seed:     seed,
		random:   rand.New(rand.NewPCG(seed, 0)),
		broker:   b,
		client:   c,
		gate:     newGate(),
	}, err
}

// play kills the broker so many times while it is used, empties it, stops it
// and checks what it leaves behind.
func (r *run) play(ctx context.Context, kills int) error {
	defer r.client.Close()
	defer r.cast.close()
	defer r.broker.close()
	if err := r.begins(ctx); err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	var workers sync.WaitGroup
	for _, w := range r.cast.workers(working) {
		workers.Go(w.work)
	}
	err := r.crash(ctx, kills)
	stop()
	workers.Wait()
	if err != nil {
		return err
	}
	r.cast.calm(ctx)
	r.empty(ctx)
	return errors.Join(r.broker.stop(), r.checkFolder(r.drained > 0))
}

// begins starts the broker, at last, and makes the queues.
func (r *run) begins(ctx context.Context) error {
	for range newFolders {
		if err := r.killStarting(ctx); err != nil {
			return err
		}
	}
	if err := r.broker.start(); err != nil {
		return err
	}
	if err := r.broker.ready(ctx); err != nil {
		return err
	}
	if err := r.cast.build(ctx); err != nil {
		return err
	}
	r.gate.open()
	return nil
}

// When the broker is killed, and what is done besides.
const (
	minUp       = 5 * time.Millisecond // after it was ready
	maxUp       = 400 * time.Millisecond
	maxStarting = 40 * time.Millisecond // after it was started, if it is killed before it is ready
	startingOf  = 8                     // one in so many kills is followed by one of these
	newFolders  = 3                     // so many of these find an empty folder
	checkOf     = 10                    // one in so many kills has its folder checked
)

// crash kills and starts the broker again and again.
func (r *run) crash(ctx context.Context, kills int) error {
	for r.kills < kills {
		wait(ctx, r.between(minUp, maxUp))
		if err := r.kill(); err != nil {
			return err
		}
		if err := r.whileDown(ctx, kills); err != nil {
			return err
		}
		if err := r.restart(ctx); err != nil {
			return err
		}
	}
	wait(ctx, r.cast.aftermath())
	return ctx.Err()
}

// whileDown now and then checks the folder, and kills the broker again before
// it is up.
func (r *run) whileDown(ctx context.Context, kills int) error {
	if r.random.IntN(checkOf) == 0 {
		if err := r.checkFolder(false); err != nil {
			return err
		}
	}
	for r.random.IntN(startingOf) == 0 && r.kills < kills {
		if err := r.killStarting(ctx); err != nil {
			return err
		}
	}
	return nil
}

// killStarting starts the broker and kills it soon.
func (r *run) killStarting(ctx context.Context) error {
	if err := r.broker.start(); err != nil {
		return err
	}
	wait(ctx, r.between(0, maxStarting))
	r.early++
	return r.kill()
}

func (r *run) between(least, most time.Duration) time.Duration {
	return least + time.Duration(r.random.Int64N(int64(most-least)+1))
}

func (r *run) kill() error {
	r.gate.close()
	r.kills++
	c := call{start: r.now()}
	r.turns.Add(1)
	err := r.broker.kill()
	c.end = r.now()
	r.turns.Add(1)
	r.write(func(h *history) { h.kills = append(h.kills, c) })
	return errors.Join(err, r.cast.killed())
}

func (r *run) restart(ctx context.Context) error {
	started := time.Now()
	if err := r.broker.start(); err != nil {
		return err
	}
	if err := r.broker.ready(ctx); err != nil {
		return err
	}
	r.readied = append(r.readied, time.Since(started))
	r.gate.open()
	return nil
}

// checkFolder runs jitney check; empty: no message may be there.
func (r *run) checkFolder(empty bool) error {
	c, err := r.broker.check()
	if err != nil {
		return err
	}
	r.checks++
	if c.Problems > 0 || empty && c.Messages > 0 {
		r.findings.add(folderDamaged, "-", "%+v", c)
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

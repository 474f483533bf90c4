package crash_test

import (
	"context"
	"errors"
	"fmt"
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
	seed    uint64
	broker  *broker
	client  *client.Client
	gate    *gate
	backlog atomic.Int64 // about how many messages are in the broker
	units   atomic.Int64

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
	return &run{recorder: &recorder{begin: time.Now()}, seed: seed, broker: b, client: c, gate: newGate()}, err
}

// play kills the broker so many times while it is used, empties it, stops it
// and checks what it leaves behind.
func (r *run) play(ctx context.Context, kills int) error {
	defer r.client.Close()
	defer r.broker.close()
	if err := r.begins(ctx); err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	var workers sync.WaitGroup
	for _, w := range r.workers(working) {
		workers.Go(w.work)
	}
	err := r.crash(ctx, kills)
	stop()
	workers.Wait()
	if err != nil {
		return err
	}
	r.empty(ctx)
	return errors.Join(r.broker.stop(), r.checkFolder(r.drained > 0))
}

// begins starts the broker and makes the queues.
func (r *run) begins(ctx context.Context) error {
	if err := r.broker.start(); err != nil {
		return err
	}
	if err := r.broker.ready(ctx); err != nil {
		return err
	}
	for _, q := range queues() {
		if _, err := r.client.PutPolicy(ctx, q.name, q.policy(), ""); err != nil {
			return fmt.Errorf("make %s: %w", q, err)
		}
	}
	r.gate.open()
	return nil
}

// The broker is killed at an instant of this length after it was ready, or
// has been started.
const (
	minUp = 5 * time.Millisecond
	maxUp = 400 * time.Millisecond
	// maxStarting is for a kill while the broker is starting; one in so many is.
	maxStarting  = 40 * time.Millisecond
	startingOf   = 8
	checkOf      = 10 // so many kills have their folder checked
	afterTheLast = 500 * time.Millisecond
)

// crash kills and starts the broker again and again.
func (r *run) crash(ctx context.Context, kills int) error {
	random := rand.New(rand.NewPCG(r.seed, 0))
	for r.kills < kills {
		wait(ctx, minUp+time.Duration(random.Int64N(int64(maxUp-minUp))))
		if err := r.kill(); err != nil {
			return err
		}
		if random.IntN(checkOf) == 0 {
			if err := r.checkFolder(false); err != nil {
				return err
			}
		}
		for random.IntN(startingOf) == 0 && r.kills < kills {
			if err := r.broker.start(); err != nil {
				return err
			}
			wait(ctx, time.Duration(random.Int64N(int64(maxStarting))))
			if err := r.kill(); err != nil {
				return err
			}
			r.early++
		}
		if err := r.restart(ctx); err != nil {
			return err
		}
	}
	wait(ctx, afterTheLast)
	return ctx.Err()
}

func (r *run) kill() error {
	r.gate.close()
	r.kills++
	return r.broker.kill()
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

type working interface{ work() }

// workers are those who use the broker.
func (r *run) workers(ctx context.Context) []working {
	var all []working
	for i, t := range everybodySends() {
		w := r.worker(ctx, fmt.Sprintf("sender %d", i))
		all = append(all, &sender{worker: w, traffic: t})
	}
	for i, h := range everybodyReceives() {
		w := r.worker(ctx, fmt.Sprintf("consumer %d", i))
		all = append(all, &consumer{worker: w, at: h.at, habit: h.habit})
	}
	for i := range 2 {
		all = append(all, &deleter{r.worker(ctx, fmt.Sprintf("deleter %d", i)), fast})
	}
	return append(all, &redriver{r.worker(ctx, "redriver"), orders})
}

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
	random  *rand.Rand // of the kills
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
	r.vacate(ctx)
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
	for _, q := range queues() {
		if _, err := r.client.PutPolicy(ctx, q.name, q.policy(), ""); err != nil {
			return fmt.Errorf("make %s: %w", q, err)
		}
	}
	r.gate.open()
	return nil
}

// When the broker is killed, and what is done besides.
const (
	minUp        = 5 * time.Millisecond // after it was ready
	maxUp        = 400 * time.Millisecond
	maxStarting  = 40 * time.Millisecond // after it was started, if it is killed before it is ready
	startingOf   = 8                     // one in so many kills is followed by one of these
	newFolders   = 3                     // so many of these find an empty folder
	checkOf      = 10                    // one in so many kills has its folder checked
	afterTheLast = 500 * time.Millisecond
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
	wait(ctx, afterTheLast)
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

// rented are the names that tenants have.
func (r *run) rented() []string { return []string{"/rooms/one", "/rooms/two"} }

// vacate takes the role of names that may have been left with it.
func (r *run) vacate(ctx context.Context) {
	w := r.worker(ctx, "caretaker")
	for _, name := range r.rented() {
		w.call("unassign", func(ctx context.Context) error {
			return r.client.DeletePolicy(ctx, name)
		}, client.ErrNotFound)
	}
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
	for _, name := range r.rented() {
		all = append(all, &tenant{worker: r.worker(ctx, name), name: name})
	}
	return append(all, &redriver{r.worker(ctx, "redriver"), orders})
}

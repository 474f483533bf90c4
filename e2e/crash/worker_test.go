package crash_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/jitney-mq/jitney/client"
)

// A recorder writes a history down.
type recorder struct {
	begin time.Time

	mu sync.Mutex // guards history
	history
}

func (r *recorder) now() time.Duration { return time.Since(r.begin) }

// told is an instant that the broker has told.
func (r *recorder) told(at time.Time) time.Duration { return at.Sub(r.begin.Round(0)) }

func (r *recorder) write(fn func(h *history)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn(&r.history)
}

// A worker makes one call after the other, as long as the run lasts.
type worker struct {
	*run
	ctx    context.Context // ends with the run
	name   string
	random *rand.Rand
}

func (r *run) worker(ctx context.Context, name string) *worker {
	hash := fnv.New64a()
	hash.Write([]byte(name))
	return &worker{run: r, ctx: ctx, name: name, random: rand.New(rand.NewPCG(r.seed, hash.Sum64()))}
}

// next waits until the broker is up; false: the run is over.
func (w *worker) next() bool { return w.gate.pass(w.ctx) }

// pause waits for a while, or until the run is over.
func (w *worker) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-w.ctx.Done():
	}
}

// chance reports true in so many of a hundred cases.
func (w *worker) chance(percent int) bool { return w.random.IntN(100) < percent }

// between draws a span.
func (w *worker) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.random.Int64N(int64(most-least)+1))
}

// maxCall bounds a call: no broker that runs needs so long.
const maxCall = 60 * time.Second

// call makes a request, which is not given up when the run ends, and returns
// when and how it ended. A refusal that is not expected is a surprise.
func (w *worker) call(what string, request func(context.Context) error, expected ...error) call {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), maxCall)
	defer cancel()
	c := call{start: w.now()}
	err := request(ctx)
	c.end = w.now()
	c.outcome = outcomeOf(err)
	w.write(func(h *history) {
		h.calls++
		if isSurprise(err, expected) {
			h.surprises = append(h.surprises, fmt.Sprintf("%s, %s at %v: %v", w.name, what, c.end, err))
		}
	})
	return c
}

// isSurprise reports whether nobody should get err: not from a broker that is
// killed now and then, and when it runs, answers everybody in time.
func isSurprise(err error, expected []error) bool {
	if outcomeOf(err) == done || slices.ContainsFunc(expected, func(e error) bool { return errors.Is(err, e) }) {
		return false
	}
	return !errors.Is(err, client.ErrNoAnswer)
}

func outcomeOf(err error) outcome {
	if err == nil || errors.Is(err, client.ErrNoMessage) {
		return done
	}
	if _, answered := errors.AsType[*client.Error](err); answered {
		return refused
	}
	if failed, ok := errors.AsType[*net.OpError](err); ok && failed.Op == "dial" {
		return unreached
	}
	return unknown
}

func newClient(url string) (*client.Client, error) {
	return client.New(client.Options{URL: url, HTTPClient: &http.Client{Transport: &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		DisableCompression:    true,
		MaxIdleConnsPerHost:   64,
		ExpectContinueTimeout: time.Second,
	}}})
}

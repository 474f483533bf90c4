package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/push"
	"github.com/jitney-mq/jitney/router"
)

// loopback allows pushes to this machine.
func loopback() []push.Rule {
	r, err := push.ParseRule("127.0.0.1")
	if err != nil {
		panic(err) // it is an address
	}
	return []push.Rule{r}
}

// endpoints is how many there are; in troubled runs the first never answers, and
// the second one drips.
const (
	endpoints = 100
	troubled  = 2
)

func measurePush(ctx context.Context, s *stage) error {
	run := func(trouble bool) contender {
		return func(ctx context.Context) (Sample, error) { return s.push(ctx, trouble) }
	}
	all, err := s.alternate(ctx, run(true), run(false))
	if err != nil {
		return err
	}
	rows := all[0].rows(fmt.Sprintf("pushes to %d endpoints beside %d in trouble", endpoints-troubled, troubled), "undisturbed", all[1])
	rows[p99Row] = rows[p99Row].atMost(1.2)
	s.report.add(rows[rateRow : p99Row+1]...)
	return nil
}

// sinks are the endpoints, one server with a path for each.
type sinks struct {
	trouble bool
	done    chan struct{} // closed at the end

	mu        sync.Mutex // guards latencies and got
	latencies Histogram
	got       int
}

// ServeHTTP takes a push. Its body begins with the time at which it was sent.
func (k *sinks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	place, err := strconv.Atoi(r.URL.Path[1:])
	if err != nil {
		http.NotFound(w, r)
		return
	}
	if k.trouble && place < troubled {
		k.misbehave(w, place)
		return
	}
	var at [8]byte
	if _, err := r.Body.Read(at[:]); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if place < troubled {
		return // it is not counted in either run
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.latencies.Record(time.Since(time.Unix(0, int64(binary.BigEndian.Uint64(at[:])))))
	k.got++
}

// misbehave never answers, or answers a byte a second.
func (k *sinks) misbehave(w http.ResponseWriter, place int) {
	for {
		select {
		case <-k.done:
			return
		case <-time.After(time.Second):
		}
		if place == 1 {
			if _, err := w.Write([]byte{'.'}); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
		}
	}
}

// push runs a router with endpoints at a steady rate.
func (s *stage) push(ctx context.Context, trouble bool) (sample Sample, err error) {
	dir, err := s.folder()
	if err != nil {
		return sample, err
	}
	defer func() { err = errors.Join(err, s.clear(dir)) }()
	h, err := openHost(ctx, dir)
	if err != nil {
		return sample, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return sample, err
	}
	k := &sinks{trouble: trouble, done: make(chan struct{})}
	web := &http.Server{Handler: k, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = web.Serve(l) }) // it ends with Close
	defer serving.Wait()
	defer web.Close()
	defer close(k.done)
	list := make([]policy.Subscription, endpoints)
	for i := range list {
		list[i] = policy.NewSubscription()
		list[i].PushTo = fmt.Sprintf("http://%s/%d", l.Addr(), i)
		list[i].MaxInFlight = 10
	}
	r, _, err := h.newRouter(ctx, "/pushed", policy.NewRouter(), list)
	if err != nil {
		return sample, err
	}
	return k.drive(ctx, r, s.pushes, s.run)
}

// drive sends messages at a steady rate and waits until those that are not in
// trouble have them.
func (k *sinks) drive(ctx context.Context, r *router.Router, rate int, length time.Duration) (Sample, error) {
	began := time.Now()
	count := max(1, int(float64(rate)*length.Seconds()))
	for i := range count {
		if err := sleep(ctx, time.Until(began.Add(time.Duration(i)*time.Second/time.Duration(rate)))); err != nil {
			return Sample{}, err
		}
		body := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))
		if _, err := r.Send(ctx, outgoing(append(body, make([]byte, 1016)...))); err != nil {
			return Sample{}, err
		}
	}
	wanted := count * (endpoints - troubled)
	for ctx.Err() == nil {
		k.mu.Lock()
		got, latencies := k.got, k.latencies
		k.mu.Unlock()
		if got >= wanted {
			return Sample{Messages: got, Elapsed: time.Since(began), Latency: &latencies}, nil
		}
		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			return Sample{}, err
		}
	}
	return Sample{}, ctx.Err()
}

package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
)

// answers is a transport that answers by itself.
type answers func(*http.Request) (*http.Response, error)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

func answer(status int, document string) (*http.Response, error) {
	h := http.Header{"Content-Type": {problem.ContentType}}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(document))}, nil
}

var errDown = errors.New("the network is down")

const someLock = "/q/messages/5/7c9e6679-7425-40de-944b-e07fc1f90ae7"

// workerOf returns a worker whose locks last 30 seconds and whose requests
// answer gets.
func workerOf(t *testing.T, answer answers) *worker {
	t.Helper()
	c, err := client.New(client.Options{HTTPClient: &http.Client{Transport: answer}, Retry: client.Retry{Tries: 1}})
	if err != nil {
		t.Fatal(err)
	}
	w := &work{env: program(nil), parallel: 1, lockDuration: duration(30 * time.Second)}
	return newWorker(w, c, "/q", []string{"true"})
}

func someDelivery() *delivery {
	return &delivery{Received: &message.Received{Message: &message.Message{}, Lock: someLock}, held: time.Now()}
}

func TestRenewing(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		answer func(call int) (*http.Response, error)
		want   []int // seconds at which the lock was renewed
		lostAt int   // seconds; 0: it is not lost
	}{
		{"all is well", func(int) (*http.Response, error) { return answer(200, "{}") }, []int{10, 20, 30, 40, 50}, 0},
		{"somebody else has it", func(call int) (*http.Response, error) {
			if call == 2 {
				return answer(410, `{"reason":"expired"}`)
			}
			return answer(200, "{}")
		}, []int{10, 20}, 20},
		{"the queue is gone", func(int) (*http.Response, error) { return answer(404, "") }, []int{10}, 10},
		{"the command settled it", func(int) (*http.Response, error) { return answer(410, `{"reason":"settled"}`) }, []int{10}, 0},
		{"an outage that ends", func(call int) (*http.Response, error) {
			if call == 2 || call == 3 {
				return nil, errDown
			}
			return answer(200, "{}")
		}, []int{10, 20, 21, 22, 32, 42, 52}, 0},
		{"an outage that does not", func(call int) (*http.Response, error) {
			if call > 1 {
				return answer(503, "")
			}
			return answer(200, "{}")
		}, []int{10, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40}, 40},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				since := func() int { return int(time.Since(began) / time.Second) }
				var at []int
				w := workerOf(t, func(r *http.Request) (*http.Response, error) {
					if r.Method != http.MethodPost || r.URL.RequestURI() != someLock+"?lock-duration=30" {
						t.Errorf("%s %s", r.Method, r.URL)
					}
					at = append(at, since())
					return row.answer(len(at))
				})
				ctx, kill := context.WithCancelCause(t.Context())
				h := w.hold(someDelivery(), kill)
				lostAt := 0
				select {
				case <-ctx.Done():
					lostAt = since()
				case <-time.After(55 * time.Second):
				}
				h.end()
				if !slices.Equal(at, row.want) || lostAt != row.lostAt || lostAt > 0 && !errors.Is(context.Cause(ctx), errLockLost) {
					t.Errorf("renewed at %v, lost at %d, want %v, %d", at, lostAt, row.want, row.lostAt)
				}
			})
		})
	}
}

func TestSettlingThroughAnOutage(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name  string
		until time.Duration // the broker is out of reach
		then  func() (*http.Response, error)
		want  error
	}{
		{"that ends", 20 * time.Second, func() (*http.Response, error) { return answer(200, "{}") }, nil},
		{"in which an earlier try got through", 20 * time.Second, func() (*http.Response, error) { return answer(410, `{"reason":"settled"}`) }, nil},
		{"in which the lock was lost", 20 * time.Second, func() (*http.Response, error) { return answer(410, `{"reason":"expired"}`) }, client.ErrGone},
		{"that does not end", time.Hour, nil, errUntold},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				w := workerOf(t, func(*http.Request) (*http.Response, error) {
					if time.Since(began) < row.until {
						return nil, errDown
					}
					return row.then()
				})
				err := w.settle(someDelivery(), func(ctx context.Context) error { return w.client.Complete(ctx, someLock) })
				if !errors.Is(err, row.want) || (err == nil) != (row.want == nil) {
					t.Errorf("%v, want %v", err, row.want)
				}
				if took := time.Since(began); took > 30*time.Second {
					t.Errorf("it took %s, longer than the lock", took)
				}
			})
		})
	}
}

package queue_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
)

// staged is the size from which on a body is on disk before it is sent.
const staged = 256<<10 + 1

// A body is refused when it is longer than the limit, and nothing of it stays.
func TestReadBodyLimit(t *testing.T) {
	tests := []struct{ size, limit int64 }{
		{0, 0}, {1, 0}, {10, 10}, {11, 10}, {staged - 1, staged - 1}, {staged, staged - 1}, {staged, staged}, {staged + 1, staged},
		{1 << 20, 1 << 20}, {1<<20 + 1, 1 << 20}, {1 << 21, 1 << 20}, {4 * 64 << 10, 4 * 64 << 10}, {8 * 64 << 10, 8 * 64 << 10}, {8*64<<10 + 1, 8 * 64 << 10},
	}
	for _, test := range tests {
		t.Run("", func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				content := noise[:min(test.size, 1<<20)]
				r := io.LimitReader(io.MultiReader(bytes.NewReader(content), bytes.NewReader(noise)), test.size)
				small, large, err := h.set.ReadBody(t.Context(), iotest.HalfReader(r), test.limit)
				if test.size > test.limit {
					if !errors.Is(err, queue.ErrTooLarge) {
						t.Errorf("%d bytes: %v, want ErrTooLarge", test.size, err)
					}
					h.wantEmpty()
					return
				}
				if err != nil || (large != nil) != (test.size >= staged) {
					t.Fatalf("%d bytes: staged %t, %v", test.size, large != nil, err)
				}
				if large == nil {
					if !bytes.Equal(small, content) {
						t.Errorf("%d bytes came back as %d", test.size, len(small))
					}
					return
				}
				if large.Size() != test.size {
					t.Errorf("%d bytes are staged as %d", test.size, large.Size())
				}
				large.Discard()
				h.wantEmpty()
			})
		})
	}
}

// What a broken reader has given is removed again.
func TestReadBodyFails(t *testing.T) {
	broken := errors.New("broken")
	for _, size := range []int{0, 100, staged, 1 << 20} {
		t.Run("", func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				r := io.MultiReader(bytes.NewReader(noise[:size]), iotest.ErrReader(broken))
				_, _, err := h.set.ReadBody(t.Context(), r, 10<<20)
				if !errors.Is(err, queue.ErrBadBody) || !errors.Is(err, broken) {
					t.Errorf("after %d bytes: %v", size, err)
				}
				h.wantEmpty()
			})
		})
	}
}

// A client that goes while its body is read leaves nothing.
func TestReadBodyCancelled(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		ctx, cancel := context.WithCancel(t.Context())
		r, w := io.Pipe()
		took := after(func() {
			if _, _, err := h.set.ReadBody(ctx, r, 10<<20); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
		w.Write(noise)
		cancel()
		go func() {
			w.Write(noise)
			w.Close()
		}()
		took()
		r.Close()
		h.wantEmpty()
	})
}

// Bodies that were staged and never sent go away at the start, those that
// were sent stay.
func TestStagedBodiesAreSweptAtStart(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", nil)
		for range 3 {
			if _, _, err := h.set.ReadBody(t.Context(), bytes.NewReader(noise), 1<<20); err != nil {
				t.Fatal(err)
			}
		}
		h.sendLarge(q, staged)
		q = h.crash(q)
		synctest.Wait()
		if n := h.records("trash"); n != 0 {
			t.Errorf("%d records of trash are left", n)
		}
		h.one(q)
		q = h.crash(q)
		time.Sleep(time.Minute)
		h.receive(q, queue.ReceiveOptions{Mode: queue.ReceiveAndDelete})[0].Close()
		h.wantEmpty()
	})
}

// Nothing is left of a message when it is gone, however it goes.
func TestNothingIsLeft(t *testing.T) {
	ways := map[string]func(h *harness, q *queue.Queue){
		"complete": func(h *harness, q *queue.Queue) {
			for _, d := range h.receive(q, queue.ReceiveOptions{Count: 9}) {
				h.settle(q, d, queue.Complete)
			}
		},
		"receive and delete": func(h *harness, q *queue.Queue) {
			for _, d := range h.receive(q, queue.ReceiveOptions{Count: 9, Mode: queue.ReceiveAndDelete}) {
				d.Close()
				d.Close()
			}
		},
		"expire": func(*harness, *queue.Queue) { time.Sleep(time.Hour) },
		"cancel": func(h *harness, q *queue.Queue) {
			for seq := uint64(1); seq <= 4; seq++ {
				if err := q.Cancel(h.t.Context(), queue.Main, seq); err != nil {
					h.t.Error(err)
				}
			}
		},
		"delete": func(h *harness, _ *queue.Queue) { h.delete("/orders") },
		"displace": func(h *harness, q *queue.Queue) {
			h.change(q, func(p *policy.Queue) { p.MaxLength, p.Overflow, p.EnqueueTimeout = 4, policy.DiscardExisting, 0 })
			h.send(q, texts(4, 1)...)
			h.receive(q, queue.ReceiveOptions{Count: 9, Mode: queue.ReceiveAndDelete})
		},
		"reschedule and expire": func(h *harness, q *queue.Queue) {
			for _, d := range h.receive(q, queue.ReceiveOptions{Count: 9}) {
				h.trySettle(q, queue.Settlement{Lock: d.LockToken, Disposition: queue.Reschedule, Delay: time.Minute})
			}
			time.Sleep(2 * time.Hour)
		},
		"dead-letter, redrive and complete": func(h *harness, q *queue.Queue) {
			for _, d := range h.receive(q, queue.ReceiveOptions{Count: 9}) {
				h.settle(q, d, queue.DeadLetterIt)
			}
			q.Redrive(h.t.Context(), queue.DeadLetter, nil, 0)
			for _, d := range h.receive(q, queue.ReceiveOptions{Count: 9}) {
				h.settle(q, d, queue.Complete)
			}
		},
	}
	for name, do := range ways {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				q := h.queue("/orders", func(p *policy.Queue) { p.TimeToLive = time.Hour })
				h.send(q, text("small"))
				h.send(q, texts(1, 9000)...)
				h.sendLarge(q, staged)
				h.sendLarge(q, 1<<20) // more than an op deletes itself
				do(h, q)
				h.wantEmpty()
			})
		})
	}
}

// A refused or discarded batch leaves none of its staged bodies.
func TestNothingIsLeftOfARefusedBatch(t *testing.T) {
	for _, overflow := range []policy.Overflow{policy.RejectIncoming, policy.DiscardIncoming, policy.DiscardExisting} {
		t.Run("", func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				q := h.queue("/orders", func(p *policy.Queue) { p.MaxLength, p.Overflow = 100, overflow })
				h.send(q, text("locked"))
				d := h.one(q)
				_, outcome, err := q.Send(t.Context(), texts(100, 20<<10)...)
				if err == nil && outcome != queue.Discarded {
					t.Errorf("got %v, %v", outcome, err)
				}
				h.settle(q, d, queue.Complete)
				h.wantEmpty()
			})
		})
	}
}

// A large body is read piece by piece, by a receiver that may be slow, and
// stays as it is when its message goes meanwhile.
func TestWriteTo(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", nil)
		h.send(q, queue.Outgoing{Message: &message.Message{Body: noise[:9000]}})
		for _, mode := range []queue.Mode{queue.PeekLock, queue.ReceiveAndDelete} {
			d := h.receive(q, queue.ReceiveOptions{Mode: mode})[0]
			if d.Body != nil {
				t.Error("a large body was loaded before it was asked for")
			}
			var got bytes.Buffer
			if n, err := d.WriteTo(&got); n != 9000 || err != nil || !bytes.Equal(got.Bytes(), noise[:9000]) {
				t.Errorf("mode %d: %d bytes, %v", mode, n, err)
			}
			if mode == queue.PeekLock {
				h.settle(q, d, queue.Abandon)
				continue
			}
			d.Close()
			synctest.Wait()
			if _, err := d.WriteTo(&got); !errors.Is(err, queue.ErrNoMessage) {
				t.Errorf("after Close: %v", err)
			}
		}
		h.send(q, text("small"))
		var b strings.Builder
		if n, err := h.one(q).WriteTo(&b); n != 5 || err != nil || b.String() != "small" {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}

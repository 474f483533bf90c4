package queue_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
)

// [R1]: a receiver that waits is served at the very instant at which there is
// a message for it, whatever makes it so.
func TestReceiverWakes(t *testing.T) {
	type arrange = func(h *harness, q *queue.Queue) (then func())
	locked := func(what queue.Settlement) arrange {
		return func(h *harness, q *queue.Queue) func() {
			h.send(q, text("x"))
			s := what
			s.Lock = h.one(q).LockToken
			return func() {
				if err := h.trySettle(q, s); err != nil {
					h.t.Error(err)
				}
			}
		}
	}
	tests := []struct {
		name    string
		arrange arrange // then is run after 5 s
		want    time.Duration
	}{
		{"a message arrives", func(h *harness, q *queue.Queue) func() {
			return func() { h.send(q, text("x")) }
		}, 5 * time.Second},
		{"a scheduled message falls due", func(h *harness, q *queue.Queue) func() {
			m := text("x")
			m.ScheduledAt = time.Now().Add(7 * time.Second)
			h.send(q, m)
			return nil
		}, 7 * time.Second},
		{"a lock runs out", func(h *harness, q *queue.Queue) func() {
			h.send(q, text("x"))
			h.receive(q, queue.ReceiveOptions{LockFor: 9 * time.Second})
			return nil
		}, 9 * time.Second},
		{"a renewed lock runs out", func(h *harness, q *queue.Queue) func() {
			h.send(q, text("x"))
			d := h.receive(q, queue.ReceiveOptions{LockFor: 9 * time.Second})[0]
			return func() {
				if _, err := q.Renew(h.t.Context(), d.LockToken, 6*time.Second); err != nil {
					h.t.Error(err)
				}
			}
		}, 11 * time.Second},
		{"a lock of no whole microsecond runs out", func(h *harness, q *queue.Queue) func() {
			h.send(q, text("x"))
			h.receive(q, queue.ReceiveOptions{LockFor: 9*time.Second + 999})
			return nil
		}, 9 * time.Second},
		{"abandon", locked(queue.Settlement{Disposition: queue.Abandon}), 5 * time.Second},
		{"release", locked(queue.Settlement{Disposition: queue.Release}), 5 * time.Second},
		{"the delay of an abandon ends", locked(queue.Settlement{Disposition: queue.Abandon, Delay: 3 * time.Second}), 8 * time.Second},
		{"a rescheduled message falls due", locked(queue.Settlement{Disposition: queue.Reschedule, Delay: 4 * time.Second}), 9 * time.Second},
		{"redrive", func(h *harness, q *queue.Queue) func() {
			h.send(q, text("x"))
			h.settle(q, h.one(q), queue.DeadLetterIt)
			return func() { q.Redrive(h.t.Context(), queue.DeadLetter, nil, 0) }
		}, 5 * time.Second},
		{"a place is freed", func(h *harness, q *queue.Queue) func() {
			h.change(q, func(p *policy.Queue) { p.MaxLocked = 1 })
			h.send(q, text("first"), text("x"))
			d := h.one(q)
			return func() { h.settle(q, d, queue.Complete) }
		}, 5 * time.Second},
		{"more may be locked", func(h *harness, q *queue.Queue) func() {
			h.change(q, func(p *policy.Queue) { p.MaxLocked = 1 })
			h.send(q, text("first"), text("x"))
			h.one(q)
			return func() { h.change(q, func(p *policy.Queue) { p.MaxLocked = 2 }) }
		}, 5 * time.Second},
		{"another queue moves one on", func(h *harness, q *queue.Queue) func() {
			from := h.queue("/from", func(p *policy.Queue) { p.ForwardTo = "/orders" })
			return func() { h.send(from, text("x")) }
		}, 5 * time.Second},
		{"another queue dead-letters one", func(h *harness, q *queue.Queue) func() {
			from := h.queue("/from", func(p *policy.Queue) { p.DeadLetterTo, p.DeadLetterExpired = "/orders", true })
			m := text("x")
			m.TimeToLive = 6 * time.Second
			h.send(from, m)
			return nil
		}, 6 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				q := h.queue("/orders", nil)
				then := test.arrange(h, q)
				took := after(func() {
					if got := h.next(q, queue.MaxWait); got != "x" {
						t.Errorf("received %q", got)
					}
				})
				if then != nil {
					time.Sleep(5 * time.Second)
					then()
				}
				if d := took(); d != test.want {
					t.Errorf("served after %v, want %v", d, test.want)
				}
			})
		})
	}
}

// Receivers are served in the order in which they came, each to the full.
func TestReceiversAreFirstInFirstOut(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", nil)
		results := make([]chan string, 4)
		for i := range results {
			results[i] = make(chan string, 1)
			go func() { results[i] <- bodies(h.receive(q, queue.ReceiveOptions{Count: 2, Wait: time.Minute})) }()
			synctest.Wait()
		}
		h.send(q, text("a"), text("b"), text("c"))
		synctest.Wait()
		for i, want := range []string{"a,b", "c"} {
			if got := <-results[i]; got != want {
				t.Errorf("receiver %d got %q, want %q", i, got, want)
			}
		}
		h.send(q, text("d"))
		if got := <-results[2]; got != "d" {
			t.Errorf("the third receiver got %q, want d", got)
		}
		if got := <-results[3]; got != "" {
			t.Errorf("the fourth receiver got %q, want nothing", got)
		}
	})
}

// A commit that has no room left for deliveries leaves them to the next one,
// which follows at once.
func TestReceiversOfAFullCommit(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", nil)
		var waits []func() time.Duration
		for range 6 {
			waits = append(waits, after(func() {
				if got := h.receive(q, queue.ReceiveOptions{Wait: time.Minute}); len(got) != 1 {
					t.Errorf("received %d messages", len(got))
				}
			}))
		}
		release := h.hold()
		for range 6 { // together more than a commit should have
			go h.send(q, texts(1, 200<<10)...)
			synctest.Wait()
		}
		before := h.store.Stats().Commits
		release()
		for _, took := range waits {
			if d := took(); d != 0 {
				t.Errorf("served after %v", d)
			}
		}
		if n := h.store.Stats().Commits - before; n != 2 {
			t.Errorf("%d commits, want one for the sends and one for the deliveries", n)
		}
	})
}

// Promise 11: 20,000 receivers may wait at a queue, and one more is told to go.
func TestMostWaitingReceivers(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", nil)
		const most = 20_000
		done := make(chan error, most)
		for range most {
			go func() {
				_, err := q.Receive(t.Context(), queue.ReceiveOptions{Wait: time.Minute})
				done <- err
			}()
		}
		synctest.Wait()
		other := h.queue("/other", nil)
		h.send(other, text("a"))
		h.receive(other, queue.ReceiveOptions{LockFor: time.Second})
		h.stopSweeping()
		time.Sleep(2 * time.Second) // that lock is over, and nobody has noticed
		if _, err := q.Receive(t.Context(), queue.ReceiveOptions{Wait: time.Minute}); !errors.Is(err, queue.ErrOverloaded) {
			t.Errorf("got %v, want ErrOverloaded", err)
		}
		for range most {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
	})
}

// [R2]: nothing is locked for a receiver that is gone when its turn comes, and
// the next one is served in its place.
func TestReceiverIsGone(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", nil)
		ctx, cancel := context.WithCancel(t.Context())
		gone := after(func() {
			if _, err := q.Receive(ctx, queue.ReceiveOptions{Wait: time.Minute}); !errors.Is(err, context.Canceled) {
				t.Errorf("the one that is gone: %v", err)
			}
		})
		here := make(chan []*queue.Delivery, 1)
		go func() { here <- h.receive(q, queue.ReceiveOptions{Wait: time.Minute}) }()
		time.Sleep(3 * time.Second)
		cancel()
		if d := gone(); d != 3*time.Second {
			t.Errorf("a cancelled receiver returned after %v", d)
		}
		h.send(q, text("a"))
		if list := <-here; bodies(list) != "a" || list[0].DeliveryCount != 1 {
			t.Errorf("received %q, want a for the first time", bodies(list))
		}
	})
}

// [R2]: what was locked for a client that went meanwhile is released as if it had never been given.
func TestReceiverGoesWhenItIsServed(t *testing.T) {
	calls := map[string]func(ctx context.Context, q *queue.Queue) error{
		"receive": func(ctx context.Context, q *queue.Queue) error {
			_, err := q.Receive(ctx, queue.ReceiveOptions{Count: 2})
			return err
		},
		"lock": func(ctx context.Context, q *queue.Queue) error {
			_, err := q.Lock(ctx, queue.Main, 1, 0)
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				q := h.queue("/orders", func(p *policy.Queue) { p.MaxDeliveryCount = 1 })
				h.send(q, text("a"), text("b"))
				ctx, cancel := context.WithCancel(t.Context())
				release := h.hold()
				took := after(func() {
					if err := call(ctx, q); !errors.Is(err, context.Canceled) {
						t.Errorf("got %v, want it cancelled", err)
					}
				})
				h.later(func(tx *store.Tx) error { cancel(); return nil })
				release()
				took()
				list := h.receive(q, queue.ReceiveOptions{Count: 9})
				if bodies(list) != "a,b" || list[0].DeliveryCount != 1 {
					t.Errorf("received %q, want a,b for the first time", bodies(list))
				}
			})
		})
	}
}

// hold keeps the writer busy until release is called, so that the ops that
// come meanwhile share a commit.
func (h *harness) hold() (release func()) {
	until, done := make(chan struct{}), make(chan struct{})
	go func() {
		h.store.Update(context.Background(), func(*store.Tx) error { <-until; return nil })
		close(done)
	}()
	synctest.Wait()
	return func() {
		close(until)
		<-done
		synctest.Wait()
	}
}

// later runs an op without waiting for it.
func (h *harness) later(fn func(*store.Tx) error) {
	go h.store.Update(context.Background(), fn)
	synctest.Wait()
}

// A commit that is begun again, because an op of it failed late, does nothing
// twice: who was served in it waits again, who was let in is held again.
func TestCommitIsBegunAgain(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.reruns = 1
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxLength = 2 })
		other := h.queue("/other", nil)
		h.send(q, text("a"), text("b"))
		d := h.one(q)
		held := after(func() { h.send(q, text("c")) })
		var got, twice string
		waiting := after(func() { got = h.next(other, time.Minute) })
		release := h.hold()
		settled := after(func() { h.settle(q, d, queue.Complete) })
		sent := after(func() { h.send(other, text("x"), text("y")) })
		second := after(func() { twice = h.next(other, 0) })
		h.later(func(tx *store.Tx) error {
			tx.Put(queue.Tables[0], []byte("nobody sees this"), []byte("x"))
			return errors.New("too late")
		})
		release()
		for _, done := range []func() time.Duration{held, waiting, settled, sent, second} {
			if took := done(); took != 0 {
				t.Errorf("somebody waited for %v", took)
			}
		}
		if got != "x" || twice != "y" {
			t.Errorf("received %q and %q, want x and y", got, twice)
		}
		if got := bodies(h.browse(q, queue.Main)); got != "b,c" {
			t.Errorf("the queue has %q, want b,c", got)
		}
		want := queue.Totals{Sent: 5, Received: 3, Completed: 1, Locked: 2}
		if got := h.set.Totals(); got != want {
			t.Errorf("totals %+v, want %+v", got, want)
		}
	})
}

// Promise 11: a commit that the disk has no room for fails as a whole: everybody in
// it is told so, nothing of it is true, and who waited goes on waiting.
func TestCommitFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := openWith(t, store.Options{MaxSize: 8 << 20})
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxLength = 3 })
		other := h.queue("/other", nil)
		h.send(q, text("a"), text("b"), text("c"))
		list := h.receive(q, queue.ReceiveOptions{Count: 2})
		waiting := after(func() {
			if got := h.next(other, time.Minute); got != "y" {
				t.Errorf("who waited received %q, want y", got)
			}
		})
		held := after(func() { h.send(q, text("d")) })
		before, totals := h.counts(q), h.set.Totals()
		release := h.hold()
		var failed []func() time.Duration
		fails := func(name string, fn func() error) {
			failed = append(failed, after(func() {
				if err := fn(); !errors.Is(err, store.ErrNoSpace) {
					t.Errorf("%s: %v, want ErrNoSpace", name, err)
				}
			}))
		}
		fails("complete", func() error { _, err := q.Settle(t.Context(), queue.Settlement{Lock: list[0].LockToken}); return err })
		fails("abandon", func() error {
			_, err := q.Settle(t.Context(), queue.Settlement{Lock: list[1].LockToken, Disposition: queue.Abandon})
			return err
		})
		fails("send", func() error { _, _, err := other.Send(t.Context(), text("x")); return err })
		fails("receive", func() error { _, err := q.Receive(t.Context(), queue.ReceiveOptions{}); return err })
		fails("fill", func() error {
			return h.store.Update(t.Context(), func(tx *store.Tx) error {
				tx.Put(queue.Tables[0], []byte("too large"), make([]byte, 16<<20))
				return nil
			})
		})
		release()
		for _, took := range failed {
			took()
		}
		if got := h.counts(q); got != before {
			t.Errorf("counts %+v, want them unchanged: %+v", got, before)
		}
		if got := h.set.Totals(); got != totals {
			t.Errorf("totals %+v, want them unchanged: %+v", got, totals)
		}
		h.send(other, text("y"))
		waiting()
		h.settle(q, list[1], queue.Abandon)
		h.settle(q, list[0], queue.Complete)
		if took := held(); took != 0 {
			t.Errorf("who was held waited for %v", took)
		}
		if got := bodies(h.receive(q, queue.ReceiveOptions{Count: 9})); got != "b,c,d" {
			t.Errorf("received %q, want b,c,d", got)
		}
	})
}

// doomed is part of a commit: it holds that until it is told to go on, and
// then makes it fail.
type doomed struct{ goOn chan struct{} }

func (d doomed) Flush(tx *store.Tx) {
	<-d.goOn
	tx.Put(queue.Tables[0], []byte("too large"), make([]byte, 16<<20))
}
func (doomed) Committed()  {}
func (doomed) RolledBack() {}

// Who gives up while a commit serves it, and that commit fails, does not wait for ever.
func TestCommitFailsWhileSomebodyGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := openWith(t, store.Options{MaxSize: 8 << 20})
		q := h.queue("/orders", nil)
		full := h.queue("/full", func(p *policy.Queue) { p.MaxLength = 1 })
		h.send(full, text("a"))
		received := after(func() {
			if got := h.next(q, 5*time.Second); got != "" {
				t.Errorf("received %q", got)
			}
		})
		sent := after(func() {
			if _, _, err := full.Send(t.Context(), text("b")); !errors.Is(err, queue.ErrFull) {
				t.Errorf("send: %v", err)
			}
		})
		release := h.hold()
		commit := doomed{make(chan struct{})}
		go q.Send(t.Context(), text("c"))
		synctest.Wait()
		go full.Receive(t.Context(), queue.ReceiveOptions{Mode: queue.ReceiveAndDelete})
		synctest.Wait()
		h.later(func(tx *store.Tx) error {
			tx.Join(commit)
			return nil
		})
		go release()
		time.Sleep(20 * time.Second) // both have given up
		close(commit.goOn)
		if took := received(); took > 21*time.Second {
			t.Errorf("the receiver returned after %v", took)
		}
		if took := sent(); took > 21*time.Second {
			t.Errorf("the sender returned after %v", took)
		}
	})
}

// A lock whose end failed with its commit ends in the next one.
func TestCommitFailsInWhichALockEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := openWith(t, store.Options{MaxSize: 8 << 20})
		q := h.queue("/orders", nil)
		h.send(q, text("a"))
		h.one(q)
		took := after(func() {
			if got := h.next(q, time.Hour); got != "a" {
				t.Errorf("received %q", got)
			}
		})
		until, commit := make(chan struct{}), doomed{make(chan struct{})}
		h.later(func(tx *store.Tx) error { // a commit of its own
			<-until
			tx.Put(store.Quarantined, []byte("filler"), make([]byte, 1<<20))
			return nil
		})
		time.Sleep(time.Minute) // the sweeper waits for the writer
		h.later(func(tx *store.Tx) error { tx.Join(commit); return nil })
		close(commit.goOn)
		close(until)
		if d := took(); d != time.Minute {
			t.Errorf("served after %v, want a minute", d)
		}
	})
}

// MaxConcurrentReaders bounds the locks, not what is received and deleted nor
// dead letters.
func TestMaxConcurrentReaders(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxLocked = 2 })
		h.send(q, texts(5, 1)...)
		if got := h.receive(q, queue.ReceiveOptions{Count: 5}); len(got) != 2 {
			t.Fatalf("received %d, want 2", len(got))
		}
		if got := h.receive(q, queue.ReceiveOptions{}); len(got) != 0 {
			t.Errorf("received %d above the limit", len(got))
		}
		if got := h.receive(q, queue.ReceiveOptions{Mode: queue.ReceiveAndDelete}); len(got) != 1 {
			t.Errorf("received and deleted %d, want 1", len(got))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := h.receive(q, queue.ReceiveOptions{Count: 5}); len(got) != 2 || got[0].DeliveryCount != 2 {
			t.Errorf("received %d after the locks had ended, want the same 2", len(got))
		}
	})
}

// [R1]: at most 1,000 messages and 16 MiB come at once, but one always.
func TestReplyIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxMessageKilobytes = 102400 })
		for range 11 {
			h.send(q, texts(100, 1)...)
		}
		if got := h.receive(q, queue.ReceiveOptions{Count: 5000}); len(got) != 1000 {
			t.Errorf("received %d at once, want 1000", len(got))
		}
		h.receive(q, queue.ReceiveOptions{Count: 1000, Mode: queue.ReceiveAndDelete})
		for range 17 {
			h.send(q, texts(1, 1<<20)...)
		}
		if got := h.receive(q, queue.ReceiveOptions{Count: 1000}); len(got) != 16 {
			t.Errorf("received %d MiB at once, want 16", len(got))
		}
		h.one(q)
		h.sendLarge(q, 17<<20)
		h.send(q, text("x"))
		if got := h.receive(q, queue.ReceiveOptions{Count: 1000}); len(got) != 1 || got[0].Size != 17<<20 {
			t.Errorf("received %d, want the large one alone", len(got))
		}
	})
}

func (h *harness) sendLarge(q *queue.Queue, size int) {
	h.t.Helper()
	_, staged, err := h.set.ReadBody(h.t.Context(), strings.NewReader(strings.Repeat("x", size)), int64(size))
	if err != nil {
		h.t.Fatal(err)
	}
	h.send(q, queue.Outgoing{Message: &message.Message{}, Staged: staged})
}

// [R6]: what was received and deleted never comes again, also after a crash.
func TestReceiveAndDelete(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", nil)
		h.send(q, text("small"))
		h.sendLarge(q, 1<<20)
		got := h.receive(q, queue.ReceiveOptions{Count: 2, Mode: queue.ReceiveAndDelete})
		if len(got) != 2 || got[0].LockToken != "" || string(got[0].Body) != "small" {
			t.Fatalf("received %q", bodies(got))
		}
		q = h.crash(q)
		if c := h.counts(q); c != (queue.Counts{}) {
			t.Errorf("after a crash the counts are %+v", c)
		}
		h.wantEmpty()
	})
}

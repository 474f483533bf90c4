package queue_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
)

// [R5]: any spelling of a GUID is read, and a token holds over a crash.
func TestTokenSpellings(t *testing.T) {
	spellings := map[string]func(string) string{
		"as given":   func(s string) string { return s },
		"upper case": strings.ToUpper,
		"braces":     func(s string) string { return "{" + s + "}" },
		"URN":        func(s string) string { return "urn:uuid:" + s },
		"no hyphens": func(s string) string { return strings.ReplaceAll(s, "-", "") },
	}
	for name, spell := range spellings {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				q := h.queue("/orders", nil)
				h.send(q, text("a"))
				d := h.one(q)
				q = h.crash(q)
				if err := h.trySettle(q, queue.Settlement{Lock: spell(d.LockToken)}); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Promise 4, [R4]: a token that is not the message's lock is refused, whatever is
// done with it, and nothing changes.
func TestLostLocks(t *testing.T) {
	tests := []struct {
		name   string
		token  func(h *harness, q *queue.Queue) string // leaves one active message
		reason queue.Reason
	}{
		{"empty", func(*harness, *queue.Queue) string { return "" }, queue.Unknown},
		{"no GUID", func(*harness, *queue.Queue) string { return "../../x" }, queue.Unknown},
		{"nil GUID", func(*harness, *queue.Queue) string { return uuid.Nil.String() }, queue.Unknown},
		{"made up", func(*harness, *queue.Queue) string { return uuid.NewString() }, queue.Unknown},
		{"expired", func(h *harness, q *queue.Queue) string {
			d := h.one(q)
			time.Sleep(time.Minute)
			synctest.Wait()
			return d.LockToken
		}, queue.Expired},
		{"expired, and the message is with somebody else who gave it back", func(h *harness, q *queue.Queue) string {
			d := h.one(q)
			time.Sleep(time.Minute)
			synctest.Wait()
			h.settle(q, h.one(q), queue.Release)
			return d.LockToken
		}, queue.Expired},
		{"abandoned", func(h *harness, q *queue.Queue) string {
			d := h.one(q)
			h.settle(q, d, queue.Abandon)
			return d.LockToken
		}, queue.Settled},
		{"completed", func(h *harness, q *queue.Queue) string {
			h.send(q, text("b"))
			d := h.one(q)
			h.settle(q, d, queue.Complete)
			return d.LockToken
		}, queue.Settled},
		{"deferred", func(h *harness, q *queue.Queue) string {
			h.send(q, text("b"))
			d := h.one(q)
			h.settle(q, d, queue.Defer)
			return d.LockToken
		}, queue.Settled},
		{"dead-lettered", func(h *harness, q *queue.Queue) string {
			h.send(q, text("b"))
			d := h.one(q)
			h.settle(q, d, queue.DeadLetterIt)
			return d.LockToken
		}, queue.Settled},
		{"expired for the last time", func(h *harness, q *queue.Queue) string {
			h.change(q, func(p *policy.Queue) { p.MaxDeliveryCount = 1 })
			h.send(q, text("b"))
			d := h.one(q)
			time.Sleep(time.Minute)
			synctest.Wait()
			return d.LockToken
		}, queue.Expired},
		{"redriven", func(h *harness, q *queue.Queue) string {
			h.settle(q, h.one(q), queue.DeadLetterIt)
			d := h.receive(q, queue.ReceiveOptions{Sub: queue.DeadLetter})[0]
			h.settle(q, d, queue.Abandon)
			q.Redrive(h.t.Context(), queue.DeadLetter, nil, 0)
			return d.LockToken
		}, queue.Settled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				q := h.queue("/orders", nil)
				h.send(q, text("a"))
				token := test.token(h, q)
				for range 2 {
					h.wantRefused(q, token, test.reason)
					q = h.crash(q)
				}
			})
		})
	}
}

// wantRefused demands that nothing can be done with a token.
func (h *harness) wantRefused(q *queue.Queue, token string, reason queue.Reason) {
	h.t.Helper()
	want := h.counts(q)
	for _, what := range []queue.Disposition{queue.Complete, queue.Abandon, queue.Release, queue.Defer, queue.DeadLetterIt, queue.Reschedule} {
		wantLost(h.t, h.trySettle(q, queue.Settlement{Lock: token, Disposition: what}), reason)
	}
	_, err := q.Renew(h.t.Context(), token, time.Hour)
	wantLost(h.t, err, reason)
	if got := h.counts(q); got != want {
		h.t.Errorf("counts %+v, want them unchanged: %+v", got, want)
	}
}

// [R5]: the token of another queue's message is none, although there is one
// of the same number here, and it is locked.
func TestTokenOfAnotherQueue(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		a, b := h.queue("/a", nil), h.queue("/b", nil)
		h.send(a, text("a"))
		h.send(b, text("b"))
		ofA, ofB := h.one(a), h.one(b)
		if err := h.trySettle(b, queue.Settlement{Lock: ofA.LockToken}); !errors.Is(err, queue.ErrLockLost) {
			t.Errorf("got %v", err)
		}
		h.settle(a, ofA, queue.Complete)
		h.settle(b, ofB, queue.Complete)
	})
}

// Promise 4: of two who think that they have a message only the one whose lock is in force has it.
func TestOneLockAtATime(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", nil)
		h.send(q, text("a"))
		first := h.one(q)
		if got := h.receive(q, queue.ReceiveOptions{Count: 9}); len(got) != 0 {
			t.Fatalf("received %q, which is locked", bodies(got))
		}
		if _, err := q.Lock(t.Context(), queue.Main, 1, 0); !errors.Is(err, queue.ErrLocked) {
			t.Errorf("lock: %v, want ErrLocked", err)
		}
		if err := q.Cancel(t.Context(), queue.Main, 1); !errors.Is(err, queue.ErrLocked) {
			t.Errorf("cancel: %v, want ErrLocked", err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		second := h.one(q)
		if second.DeliveryCount != 2 || second.LockToken == first.LockToken {
			t.Errorf("delivery %d with the same token: %t", second.DeliveryCount, second.LockToken == first.LockToken)
		}
		wantLost(t, h.trySettle(q, queue.Settlement{Lock: first.LockToken}), queue.Expired)
		h.settle(q, second, queue.Complete)
	})
}

// Promise 3, [R9]: what was settled stays so over a crash.
func TestSettlementsHoldOverACrash(t *testing.T) {
	tests := map[queue.Disposition]queue.Counts{
		queue.Complete:     {},
		queue.Abandon:      {Active: 1, Bytes: 1},
		queue.Release:      {Active: 1, Bytes: 1},
		queue.Defer:        {Deferred: 1, Bytes: 1},
		queue.DeadLetterIt: {DeadLetter: 1, Bytes: 1},
		queue.Reschedule:   {Scheduled: 1, Bytes: 1},
	}
	for what, want := range tests {
		t.Run("", func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				q := h.queue("/orders", nil)
				h.send(q, text("a"))
				s := queue.Settlement{Lock: h.one(q).LockToken, Disposition: what}
				if what == queue.Reschedule {
					s.At = time.Now().Add(time.Hour)
				}
				if err := h.trySettle(q, s); err != nil {
					t.Fatal(err)
				}
				q = h.crash(q)
				got := h.counts(q)
				got.OldestAt = time.Time{}
				if got != want {
					t.Errorf("disposition %d: counts %+v, want %+v", what, got, want)
				}
				if err := h.trySettle(q, queue.Settlement{Lock: s.Lock}); !errors.Is(err, queue.ErrLockLost) {
					t.Errorf("disposition %d: settled twice: %v", what, err)
				}
			})
		})
	}
}

// [R3]: many settlements are one commit, each with a result of its own.
func TestSettleMany(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", nil)
		h.send(q, text("a"), text("b"), text("c"))
		list := h.receive(q, queue.ReceiveOptions{Count: 3})
		before := h.store.Stats().Commits
		results, err := q.Settle(t.Context(),
			queue.Settlement{Lock: list[0].LockToken},
			queue.Settlement{Lock: "none"},
			queue.Settlement{Lock: list[1].LockToken, Disposition: queue.Defer},
			queue.Settlement{Lock: list[0].LockToken},
			queue.Settlement{Lock: list[2].LockToken, Disposition: queue.DeadLetterIt})
		if err != nil {
			t.Fatal(err)
		}
		if results[0] != nil || results[2] != nil || results[4] != nil {
			t.Errorf("results %v", results)
		}
		wantLost(t, results[1], queue.Unknown)
		wantLost(t, results[3], queue.Settled)
		if n := h.store.Stats().Commits - before; n != 1 {
			t.Errorf("%d commits, want 1", n)
		}
	})
}

// [R3]: a renewal counts from now on, also when it makes the lock shorter, and holds over a crash.
func TestRenew(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", nil)
		h.send(q, text("a"))
		d := h.one(q)
		for _, length := range []time.Duration{time.Hour, 0, 5 * time.Second} {
			time.Sleep(4 * time.Second)
			until, err := q.Renew(t.Context(), d.LockToken, length)
			if length == 0 {
				length = time.Minute
			}
			if err != nil || !until.Equal(time.Now().Add(length)) {
				t.Fatalf("renewed for %v until %v, %v", length, until, err)
			}
			if shown := h.browse(q, queue.Main)[0].LockedUntil; !shown.Equal(until) {
				t.Errorf("locked until %v, want %v", shown, until)
			}
		}
		q = h.crash(q)
		time.Sleep(5*time.Second - time.Microsecond)
		synctest.Wait()
		if c := h.counts(q); c.Locked != 1 {
			t.Errorf("counts %+v a microsecond before the end", c)
		}
		time.Sleep(time.Microsecond)
		synctest.Wait()
		if c := h.counts(q); c.Active != 1 {
			t.Errorf("counts %+v at the end", c)
		}
	})
}

// [R3]: dead-lettering by hand keeps the reason given, within a limit that
// cuts no character in two.
func TestDeadLetterReason(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", nil)
		for _, reason := range []string{"", "Because", strings.Repeat("x", 4096), strings.Repeat("x", 4097), strings.Repeat("ß", 3000),
			"x" + strings.Repeat("ß", 3000), strings.Repeat("\x80", 5000)} {
			h.send(q, text("a"))
			s := queue.Settlement{Lock: h.one(q).LockToken, Disposition: queue.DeadLetterIt, Reason: reason, Description: reason}
			if err := h.trySettle(q, s); err != nil {
				t.Fatal(err)
			}
			d := h.receive(q, queue.ReceiveOptions{Sub: queue.DeadLetter, Mode: queue.ReceiveAndDelete})[0]
			got := d.DeadLetterReason
			if reason == "" || !utf8.ValidString(reason) { // [R8]: every dead letter has one
				if got == "" || d.DeadLetterDescription != "" {
					t.Errorf("without a reason it has %q, %q", got, d.DeadLetterDescription)
				}
				continue
			}
			if !strings.HasPrefix(reason, got) || len(got) > 4096 || !utf8.ValidString(got) || len(got) < min(len(reason), 4095) {
				t.Errorf("a reason of %d bytes came back as %d bytes", len(reason), len(got))
			}
			if d.DeadLetterDescription != got || d.DeadLetterSource != "/orders" {
				t.Errorf("description of %d bytes, source %q", len(d.DeadLetterDescription), d.DeadLetterSource)
			}
		}
	})
}

// [R11]: what waits can be removed by its number, what is locked cannot.
func TestCancel(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", nil)
		later := text("scheduled")
		later.ScheduledAt = time.Now().Add(time.Hour)
		h.send(q, text("dead"), text("deferred"), text("active"), later)
		h.settle(q, h.one(q), queue.DeadLetterIt)
		h.settle(q, h.one(q), queue.Defer)
		if err := q.Cancel(t.Context(), queue.Main, 1); !errors.Is(err, queue.ErrNoMessage) {
			t.Errorf("a dead letter, looked for in the queue: %v", err)
		}
		for _, seq := range []uint64{0, 5, 1 << 40} {
			if err := q.Cancel(t.Context(), queue.Main, seq); !errors.Is(err, queue.ErrNoMessage) {
				t.Errorf("number %d: %v", seq, err)
			}
		}
		for seq := uint64(2); seq <= 4; seq++ {
			if err := q.Cancel(t.Context(), queue.Main, seq); err != nil {
				t.Errorf("number %d: %v", seq, err)
			}
			if err := q.Cancel(t.Context(), queue.Main, seq); !errors.Is(err, queue.ErrNoMessage) {
				t.Errorf("number %d for the second time: %v", seq, err)
			}
		}
		if err := q.Cancel(t.Context(), queue.DeadLetter, 1); err != nil {
			t.Errorf("the dead letter: %v", err)
		}
		time.Sleep(2 * time.Hour)
		h.wantEmpty()
	})
}

// [R1]: one message is locked by its number, a deferred one is deferred again
// when it is given back, and counts its deliveries.
func TestLockByNumber(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxDeliveryCount = 4 })
		h.send(q, text("a"), text("b"))
		h.settle(q, h.one(q), queue.Defer)
		if got := bodies(h.receive(q, queue.ReceiveOptions{Count: 9})); got != "b" {
			t.Fatalf("received %q: a deferred message is received by its number only", got)
		}
		for _, give := range []queue.Disposition{queue.Abandon, queue.Release} {
			d, err := q.Lock(t.Context(), queue.Main, 1, 0)
			if err != nil || d.State != "Deferred" || d.LockedUntil != time.Now().Add(time.Minute).UTC() {
				t.Fatalf("locked %+v, %v", d, err)
			}
			h.settle(q, d, give)
			if got := h.browse(q, queue.Main)[0].State; got != "Deferred" {
				t.Errorf("given back it is %s", got)
			}
		}
		if _, err := q.Lock(t.Context(), queue.Main, 1, time.Second); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		d, err := q.Lock(t.Context(), queue.Main, 1, 0)
		if err != nil || d.DeliveryCount != 4 {
			t.Fatalf("locked %+v, %v, want delivery 4", d, err)
		}
		h.settle(q, d, queue.Abandon)
		if c := h.counts(q); c.DeadLetter != 1 {
			t.Errorf("counts %+v, want a dead letter", c)
		}
	})
}

// [R4]: a locked message stays its receiver's when its time to live is over.
func TestLockedMessageDoesNotExpire(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.TimeToLive = 10 * time.Second })
		h.send(q, text("a"), text("b"), text("c"))
		list := h.receive(q, queue.ReceiveOptions{Count: 3})
		time.Sleep(30 * time.Second)
		if _, err := q.Lock(t.Context(), queue.Main, 1, 0); !errors.Is(err, queue.ErrLocked) {
			t.Errorf("lock: %v, want ErrLocked", err)
		}
		h.settle(q, list[0], queue.Complete)
		h.settle(q, list[1], queue.Abandon)
		h.settle(q, list[2], queue.Defer)
		if c := h.counts(q); c != (queue.Counts{Expired: 2}) {
			t.Errorf("counts %+v, want the two that were given back expired", c)
		}
	})
}

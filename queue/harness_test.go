package queue_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
	"go.uber.org/goleak"
)

// steps is the average number of operations of one check of the model.
const steps = 60

// TestMain fails if a goroutine is left over. The folders of the tests stand
// in memory where the system has a place for that: what is lost with the power
// is the concern of the tests of store.
func TestMain(m *testing.M) {
	flag.Parse()
	setDefault("rapid.steps", fmt.Sprint(steps))
	if _, err := os.Stat("/dev/shm"); err == nil && os.Getenv("TMPDIR") == "" {
		os.Setenv("TMPDIR", "/dev/shm")
	}
	goleak.VerifyTestMain(m)
}

// setDefault sets a flag unless the command line did.
func setDefault(name, value string) {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if !given {
		flag.Set(name, value)
	}
}

// tb is what *testing.T and *rapid.T have in common.
type tb interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Cleanup(fn func())
	Context() context.Context
}

// harness is a set of queues on a real store in a folder of its own, with a
// sweeper as the broker has one. Tests run it in a bubble of virtual time.
type harness struct {
	t         tb
	dir       string
	options   store.Options
	store     *store.Store
	set       *queue.Set
	unchecked bool   // the end of the test finds nothing wrong
	reruns    uint64 // of commits that the test provokes

	mu    sync.Mutex // guards named, which the writer reads
	named map[string]*queue.Queue

	wake chan struct{}
	stop context.CancelFunc
	done chan struct{} // closed when the sweeper has ended
}

// bubble runs fn with a harness in virtual time.
func bubble(t *testing.T, fn func(t *testing.T, h *harness)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { fn(t, open(t)) })
}

func open(t tb) *harness { return openWith(t, store.Options{}) }

// openWith is open with some of the store's options.
func openWith(t tb, opts store.Options) *harness {
	t.Helper()
	dir := folder(t)
	h := &harness{t: t, dir: dir, options: opts, named: map[string]*queue.Queue{}}
	h.start()
	h.startSweeping()
	t.Cleanup(func() {
		h.stopSweeping()
		if !h.unchecked {
			h.check()
		}
		h.close()
	})
	return h
}

// memory is a folder whose syncs cost nothing. What is tested here is what a
// store holds after it was closed; what it holds after a crash is tested in
// package store and in e2e/crash.
const memory = "/dev/shm"

// folder makes a data folder that goes away with the test.
func folder(t tb) string {
	t.Helper()
	dir, err := os.MkdirTemp(memory, "queue")
	if err != nil {
		dir, err = os.MkdirTemp("", "queue")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (h *harness) storeOptions() store.Options {
	o := h.options
	o.Tables = queue.Tables
	o.GrowBy = 1 << 20
	if o.MaxSize == 0 {
		o.MaxSize = 1 << 30
	}
	if o.MinFree == 0 {
		o.MinFree = -1
	}
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	o.OnDue = func(time.Time) { h.signal() }
	return o
}

func (h *harness) start() {
	h.t.Helper()
	h.wake = make(chan struct{}, 1)
	var err error
	if h.store, err = store.Open(h.dir, h.storeOptions()); err != nil {
		h.t.Fatal(err)
	}
	h.set, err = queue.Open(context.Background(), h.store, queue.Options{
		Resolve: h.target,
		Wake:    func(time.Time) { h.signal() },
		Logger:  slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// startSweeping is for when all queues are known: what is due in one that is
// not is taken for what a deleted one has left.
func (h *harness) startSweeping() {
	var ctx context.Context
	ctx, h.stop = context.WithCancel(context.Background())
	h.done = make(chan struct{})
	go h.sweep(ctx)
}

func (h *harness) signal() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// resolve is what the broker does with a name in a policy.
func (h *harness) target(name string) (queue.Target, error) {
	q, err := h.resolve(name)
	return queue.Target{Queue: q}, err
}

func (h *harness) resolve(name string) (*queue.Queue, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if q := h.named[name]; q != nil {
		return q, nil
	}
	return nil, queue.ErrGone
}

// sweep does what the broker's sweeper does.
func (h *harness) sweep(ctx context.Context) {
	defer close(h.done)
	for ctx.Err() == nil {
		if more, err := h.set.Sweep(ctx); more && err == nil {
			continue
		}
		h.sleep(ctx)
	}
}

// sleep returns when something is due or somebody has called.
func (h *harness) sleep(ctx context.Context) {
	var alarm <-chan time.Time
	at, ok := h.store.NextDue(queue.DueClasses...)
	if lock, locked := h.set.NextLock(); locked && (!ok || lock.Before(at)) {
		at, ok = lock, true
	}
	if ok {
		timer := time.NewTimer(time.Until(at))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-alarm:
	case <-h.wake:
	case <-ctx.Done():
	}
}

// stopSweeping ends the sweeper: from here on nothing happens by itself.
func (h *harness) stopSweeping() {
	h.stop()
	<-h.done
}

func (h *harness) close() {
	h.set.Close()
	h.stopSweeping()
	if err := h.store.Close(); err != nil {
		h.t.Error(err)
	}
}

// check finds whatever does not fit together in the store, and whether a
// commit had to be run twice. Nothing else is to happen meanwhile.
func (h *harness) check() {
	h.t.Helper()
	for _, problem := range h.problems() {
		h.t.Error("check: " + problem)
	}
	if n := h.store.Stats().Reruns; n != h.reruns {
		h.t.Errorf("%d commits were run twice, want %d", n, h.reruns)
	}
}

func (h *harness) problems() (list []string) {
	report := func(problem string) { list = append(list, problem) }
	if _, err := h.store.Check(report); err != nil {
		report(err.Error())
	}
	if _, _, err := queue.Check(h.store, report); err != nil {
		report(err.Error())
	}
	return list
}

// queue makes a queue with the default policy as edit changes it.
func (h *harness) queue(name string, edit func(*policy.Queue)) *queue.Queue {
	h.t.Helper()
	p := policy.NewQueue()
	if edit != nil {
		edit(&p)
	}
	return h.create(name, &p)
}

func (h *harness) create(name string, p *policy.Queue) *queue.Queue {
	h.t.Helper()
	var q *queue.Queue
	h.update(func(tx *store.Tx) error {
		q = h.set.Create(tx, name, p)
		return nil
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.named[name] = q
	return q
}

// delete ends a queue; its name leads nowhere from then on.
func (h *harness) delete(name string) {
	h.t.Helper()
	h.mu.Lock()
	q := h.named[name]
	delete(h.named, name)
	h.mu.Unlock()
	h.update(q.Delete)
}

// change gives q another policy, as edit changes it.
func (h *harness) change(q *queue.Queue, edit func(*policy.Queue)) {
	h.t.Helper()
	p := *q.Policy()
	edit(&p)
	h.update(func(tx *store.Tx) error { return q.Change(tx, &p) })
}

func (h *harness) update(fn func(*store.Tx) error) {
	h.t.Helper()
	if err := h.store.Update(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

// reopen closes the store, opens it again and returns q as it is then.
func (h *harness) reopen(q *queue.Queue) *queue.Queue {
	h.t.Helper()
	h.close()
	return h.again(q)
}

// again opens the closed folder.
func (h *harness) again(q *queue.Queue) *queue.Queue {
	h.t.Helper()
	h.start()
	defer h.startSweeping()
	h.mu.Lock()
	defer h.mu.Unlock()
	names := slices.SortedFunc(maps.Keys(h.named), func(a, b string) int { return cmp.Compare(h.named[a].ID(), h.named[b].ID()) })
	for _, name := range names {
		old := h.named[name]
		p := *old.Policy()
		h.named[name] = h.set.Load(old.ID(), name, &p)
		if old == q {
			q = h.named[name]
		}
	}
	return q
}

func (h *harness) send(q *queue.Queue, messages ...queue.Outgoing) []uint64 {
	h.t.Helper()
	numbers, outcome, err := q.Send(h.t.Context(), messages...)
	if err != nil || outcome != queue.Stored {
		h.t.Fatalf("send: %v, %v", outcome, err)
	}
	return numbers
}

func (h *harness) receive(q *queue.Queue, opts queue.ReceiveOptions) []*queue.Delivery {
	h.t.Helper()
	list, err := q.Receive(h.t.Context(), opts)
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// one receives exactly one message.
func (h *harness) one(q *queue.Queue) *queue.Delivery {
	h.t.Helper()
	list := h.receive(q, queue.ReceiveOptions{})
	if len(list) != 1 {
		h.t.Fatalf("received %q, want one message", bodies(list))
	}
	return list[0]
}

// next receives a message, waiting for it, and returns its body.
func (h *harness) next(q *queue.Queue, wait time.Duration) string {
	h.t.Helper()
	return bodies(h.receive(q, queue.ReceiveOptions{Wait: wait}))
}

func (h *harness) settle(q *queue.Queue, d *queue.Delivery, what queue.Disposition) {
	h.t.Helper()
	if err := h.trySettle(q, queue.Settlement{Lock: d.LockToken, Disposition: what}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *harness) trySettle(q *queue.Queue, s queue.Settlement) error {
	h.t.Helper()
	results, err := q.Settle(h.t.Context(), s)
	if err != nil {
		h.t.Fatal(err)
	}
	return results[0]
}

func (h *harness) counts(q *queue.Queue) queue.Counts {
	h.t.Helper()
	c, err := q.Counts()
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// browse returns everything in a sub-queue.
func (h *harness) browse(q *queue.Queue, sub queue.SubQueue) []*queue.Delivery {
	h.t.Helper()
	page, err := q.Browse(queue.BrowseOptions{Sub: sub})
	if err != nil {
		h.t.Fatal(err)
	}
	return page.Messages
}

// crash has everything in memory lost: the folder as it is now is copied, and
// the copy opened. It returns q as it is then.
func (h *harness) crash(q *queue.Queue) *queue.Queue {
	h.t.Helper()
	synctest.Wait()
	content := h.save()
	h.close()
	h.restore(content)
	return h.again(q)
}

// save returns the file as it is, restore makes it so again.
func (h *harness) save() []byte {
	h.t.Helper()
	content, err := os.ReadFile(filepath.Join(h.dir, store.FileName))
	if err != nil {
		h.t.Fatal(err)
	}
	return content
}

func (h *harness) restore(content []byte) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, store.FileName), content, 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// after runs fn in a goroutine and returns how long that took, once asked.
func after(fn func()) func() time.Duration {
	start := time.Now()
	took := make(chan time.Duration, 1)
	go func() {
		fn()
		took <- time.Since(start)
	}()
	synctest.Wait()
	return func() time.Duration { return <-took }
}

// records counts what is in a table.
func (h *harness) records(t store.Table) (n int) {
	h.t.Helper()
	err := h.store.View(func(r *store.Reader) error {
		for range r.Scan(t, nil, nil) {
			n++
		}
		return nil
	})
	if err != nil {
		h.t.Error(err)
	}
	return n
}

// wantEmpty demands that nothing is left of any message, once it is quiet.
func (h *harness) wantEmpty() {
	h.t.Helper()
	synctest.Wait()
	for _, t := range append([]store.Table{"due"}, queue.Tables...) {
		if n := h.records(t); n != 0 && t != "counts" {
			h.t.Errorf("table %s has %d records, want none", t, n)
		}
	}
}

// text is a message that is told by its body.
func text(body string) queue.Outgoing {
	return queue.Outgoing{Message: &message.Message{Body: []byte(body)}}
}

// bodies returns the bodies of deliveries, joined by commas.
func bodies(list []*queue.Delivery) string {
	parts := make([]string, len(list))
	for i, d := range list {
		parts[i] = string(d.Body)
	}
	return strings.Join(parts, ",")
}

// wantLost demands that err is a lost lock for a reason.
func wantLost(t tb, err error, reason queue.Reason) {
	t.Helper()
	var lost *queue.LockError
	if !errors.As(err, &lost) || lost.Reason != reason || !errors.Is(err, queue.ErrLockLost) {
		t.Errorf("got %v, want a lock that is lost: %s", err, reason)
	}
}

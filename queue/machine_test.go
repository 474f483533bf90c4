package queue_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/queue"
	"pgregory.net/rapid"
)

// checks is how many random histories of about 60 steps a run of the tests
// tries, raceChecks with the race detector; JITNEY_EVIDENCE=30m goes on for so
// long.
const (
	checks     = 2000
	raceChecks = 200
)

// Promises 2 to 6, [R1] [R3] [R4] [R6] [R7] [R8] [R9] [R11] [Q4]:
// whatever is done to some queues, in whatever order, over however many
// restarts, they are as the model says.
func TestModel(t *testing.T) {
	t.Parallel()
	const lanes = 2 // as many as CI has processors
	n, until := effort(t)
	setDefault("rapid.checks", strconv.Itoa(n/lanes))
	for lane := range lanes {
		t.Run(strconv.Itoa(lane), func(t *testing.T) {
			t.Parallel()
			for again := true; again; again = time.Now().Before(until) {
				rapid.Check(t, history)
			}
		})
	}
}

// effort returns how many histories to try, and until when to do so again and again.
func effort(t *testing.T) (n int, until time.Time) {
	if text := os.Getenv("JITNEY_EVIDENCE"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		until = time.Now().Add(d)
	}
	if raceEnabled {
		return raceChecks, until
	}
	return checks, until
}

// FuzzModel takes its choices from the fuzzer's bytes. Runs of it differ in what
// they cover, so there is nothing to gain from -fuzzminimizetime.
func FuzzModel(f *testing.F) {
	for _, seed := range []string{"", "jitney", strings.Repeat("\x07\x01\x33\x80", 200), strings.Repeat("\xff\x00\xfe\x10", 400)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(rapid.MakeFuzz(history))
}

func history(t *rapid.T) {
	rapid.SyncTest(t, func(t *rapid.T) {
		m := &machine{
			harness: open(t),
			model:   &model{clock: time.Now(), queues: map[string]*modelQueue{}},
		}
		for _, name := range names {
			m.make(t, name)
		}
		t.Repeat(m.actions())
		m.check()
		m.unchecked = true // what a cleanup finds is lost
	})
}

// machine drives the real queues and the model with the same calls.
type machine struct {
	*harness
	model  *model
	queues []*pair
	calls  []*call
	locks  []*modelLock // all that were ever given
	sent   int
}

// pair is a queue and its model.
type pair struct {
	*modelQueue
	real *queue.Queue
}

func (p *pair) GoString() string { return fmt.Sprintf("%s %+v", p.name, p.policy) }

func (e *modelMessage) GoString() string { return e.id }

func (l *modelLock) GoString() string { return "lock of " + l.message.id }

func (c *call) GoString() string { return c.what }

// call is one that may wait.
type call struct {
	what   string
	pair   *pair
	cancel context.CancelFunc
	ended  chan struct{} // closed when the rest stands
	at     time.Time
	err    error

	sender  *modelSender
	numbers []uint64
	outcome queue.Outcome

	receiver   *modelReceiver
	deliveries []*queue.Delivery
}

func (c *call) done() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

var names = []string{"/a", "/b", "/c"}

// actions are the steps; what stands here twice is drawn twice as often.
func (m *machine) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"":                 func(*rapid.T) { m.compare() },
		"send":             m.drawSend,
		"send again":       m.drawSend,
		"wait":             m.drawWait,
		"receive":          m.drawReceive,
		"receive again":    m.drawReceive,
		"lock":             m.drawLock,
		"settle":           m.drawSettle,
		"settle again":     m.drawSettle,
		"renew":            m.drawRenew,
		"cancel a message": m.drawCancel,
		"cancel a call":    m.drawEnd,
		"redrive":          m.drawRedrive,
		"browse":           m.drawBrowse,
		"change":           m.drawChange,
		"remake":           m.drawRemake,
		"advance":          m.drawAdvance,
		"advance again":    m.drawAdvance,
		"reopen":           m.drawReopen,
	}
}

// tick lets a microsecond pass, so that no two steps have the same instant,
// and everything happen that is due by then.
func (m *machine) tick() { m.sleep(time.Microsecond) }

func (m *machine) sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
	m.model.advance(time.Now())
}

func (m *machine) make(t *rapid.T, name string) {
	p := drawPolicy(t)
	q := m.create(name, &p)
	m.queues = append(m.queues, &pair{m.model.create(name, q.ID(), p), q})
}

// draw chooses a queue that is there or the one that was deleted last, the
// first one twice as often: there more comes together.
func (m *machine) draw(t *rapid.T) *pair {
	var some []*pair
	for _, p := range slices.Backward(m.queues) {
		if !p.gone || len(some) == 0 || !some[len(some)-1].gone {
			some = append(some, p)
		}
	}
	if first := some[len(some)-1]; !first.gone {
		some = append(some, first, first)
	}
	return rapid.SampledFrom(some).Draw(t, "queue")
}

func (m *machine) pairOf(q *modelQueue) *pair {
	i := slices.IndexFunc(m.queues, func(p *pair) bool { return p.modelQueue == q })
	return m.queues[i]
}

// start runs fn, which may wait, as a call.
func (m *machine) start(c *call, fn func(ctx context.Context)) {
	var ctx context.Context
	ctx, c.cancel = context.WithCancel(context.Background())
	c.ended = make(chan struct{})
	m.calls = append(m.calls, c)
	go func() {
		defer close(c.ended)
		fn(ctx)
		c.at = time.Now()
	}()
	synctest.Wait()
}

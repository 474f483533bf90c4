package queue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
	"pgregory.net/rapid"
)

// The steps of the machine: each draws what it does, does it to the real
// queues and to the model, and compares what they answered.

func (m *machine) drawSend(t *rapid.T) {
	p := m.draw(t)
	n := rapid.SampledFrom([]int{1, 1, 1, 2, 3, 0, 9}).Draw(t, "messages")
	s := &modelSender{}
	for range n {
		s.messages = append(s.messages, m.drawMessage(t))
	}
	m.tick()
	c := &call{what: "send to " + p.name, pair: p, sender: s}
	m.start(c, func(ctx context.Context) {
		outgoing := make([]queue.Outgoing, n)
		for i, e := range s.messages {
			outgoing[i] = m.outgoing(e)
		}
		c.numbers, c.outcome, c.err = p.real.Send(ctx, outgoing...)
		for _, o := range outgoing {
			if c.err != nil && o.Staged != nil {
				o.Staged.Discard()
			}
		}
	})
	m.model.send(p.modelQueue, s)
}

// sizes are those at the limits of whatever depends on a body's size; large
// ones are rare, because they take long.
var sizes = []int64{9, 0, 1024, 1025, 2048, 2049, 9000, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 300_000, 600_000}

func (m *machine) drawMessage(t *rapid.T) *modelMessage {
	m.sent++
	e := &modelMessage{
		id:         "message " + strconv.Itoa(m.sent),
		size:       rapid.SampledFrom(sizes).Draw(t, "size"),
		timeToLive: rapid.SampledFrom([]time.Duration{0, 0, 0, 2 * time.Second, time.Minute}).Draw(t, "time to live"),
	}
	if delay := rapid.SampledFrom([]time.Duration{0, 0, 0, time.Second, 5 * time.Second, time.Hour}).Draw(t, "delay"); delay > 0 {
		e.visibleAt = m.model.now().Add(delay)
	}
	return e
}

// noise is what all bodies are cut from.
var noise = func() []byte {
	b := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{}).Read(b)
	return b
}()

// body is what the message of an id and a size has; it is not to be changed.
func body(id string, size int64) []byte {
	at := crc32.ChecksumIEEE([]byte(id)) % (256 << 10)
	return noise[at:][:size]
}

func (m *machine) outgoing(e *modelMessage) queue.Outgoing {
	o := queue.Outgoing{Message: &message.Message{ID: e.id, Label: "label of " + e.id, TimeToLive: e.timeToLive, ScheduledAt: e.visibleAt}}
	o.Properties.Set("Size", message.Int64(e.size))
	content := body(e.id, e.size)
	if e.size <= 256<<10 {
		o.Body = content
		return o
	}
	_, staged, err := m.set.ReadBody(context.Background(), bytes.NewReader(content), 1<<20)
	if err != nil {
		m.t.Errorf("reading a body: %v", err)
	}
	o.Staged = staged
	return o
}

func (m *machine) drawWait(t *rapid.T) {
	p := m.draw(t)
	m.tick()
	c := &call{what: "wait for room in " + p.name, pair: p, sender: &modelSender{}}
	m.start(c, func(ctx context.Context) { c.outcome, c.err = p.real.Wait(ctx) })
	m.model.wait(p.modelQueue, c.sender)
}

var lengths = []time.Duration{0, time.Second, 5 * time.Second, time.Hour}

func (m *machine) drawReceive(t *rapid.T) {
	p := m.draw(t)
	opts := queue.ReceiveOptions{
		Sub:     drawSub(t),
		Mode:    rapid.SampledFrom([]queue.Mode{queue.PeekLock, queue.PeekLock, queue.ReceiveAndDelete}).Draw(t, "mode"),
		Count:   rapid.SampledFrom([]int{1, 1, 2, 5, 100}).Draw(t, "count"),
		Wait:    rapid.SampledFrom([]time.Duration{0, 0, time.Second, 30 * time.Second}).Draw(t, "wait"),
		LockFor: rapid.SampledFrom(lengths).Draw(t, "lock for"),
	}
	if opts.Wait > 0 {
		opts.Wait += 500 // nanoseconds: never together with anything else
	}
	m.tick()
	c := &call{what: "receive from " + p.name, pair: p, receiver: &modelReceiver{ReceiveOptions: opts}}
	m.start(c, func(ctx context.Context) {
		c.deliveries, c.err = p.real.Receive(ctx, opts)
		for _, d := range c.deliveries {
			if err := d.Load(); err != nil {
				m.t.Errorf("loading a body: %v", err)
			}
			d.Close()
		}
	})
	m.model.receive(p.modelQueue, c.receiver)
}

func drawSub(t *rapid.T) queue.SubQueue {
	return rapid.SampledFrom([]queue.SubQueue{queue.Main, queue.Main, queue.Main, queue.DeadLetter, queue.Transfer}).Draw(t, "sub-queue")
}

// drawSeq chooses a sequence number, mostly of a message that is there.
func (m *machine) drawSeq(t *rapid.T, p *pair) (queue.SubQueue, uint64) {
	sub := drawSub(t)
	numbers := []uint64{0, 1, p.next, p.next + 1}
	for _, e := range p.in(sub) {
		numbers = append(numbers, e.seq, e.seq)
	}
	slices.Reverse(numbers)
	return sub, rapid.SampledFrom(numbers).Draw(t, "sequence number")
}

// drawDeferred chooses a deferred message, if there is one.
func (m *machine) drawDeferred(t *rapid.T) (p *pair, sub queue.SubQueue, seq uint64) {
	var list []*modelMessage
	for _, p := range m.queues {
		for sub := range queue.SubQueue(3) {
			list = append(list, p.in(sub, deferred)...)
		}
	}
	if len(list) == 0 {
		return nil, 0, 0
	}
	e := rapid.SampledFrom(list).Draw(t, "deferred message")
	return m.pairOf(e.queue), e.sub, e.seq
}

func (m *machine) drawLock(t *rapid.T) {
	p, sub, seq := m.drawDeferred(t)
	if p == nil || rapid.IntRange(0, 3).Draw(t, "deferred") == 0 {
		p = m.draw(t)
		sub, seq = m.drawSeq(t, p)
	}
	lockFor := rapid.SampledFrom(lengths).Draw(t, "lock for")
	m.tick()
	d, err := p.real.Lock(t.Context(), sub, seq, lockFor)
	want, wantErr := m.model.lockOne(p.modelQueue, sub, seq, lockFor)
	if !errors.Is(err, wantErr) {
		t.Fatalf("lock %d of %s: %v, want %v", seq, p.name, err, wantErr)
	}
	if err == nil {
		if err := d.Load(); err != nil {
			t.Fatal(err)
		}
		m.recognise("lock", d, want)
	}
}

// drawToken chooses a token: of a lock in force, of one that is over, of
// another queue, or none at all. The lock is nil if it never was one.
func (m *machine) drawToken(t *rapid.T) (*pair, string, *modelLock) {
	var inForce []*modelLock
	for _, l := range m.locks {
		if m.model.inForce(l.queue, l) {
			inForce = append(inForce, l)
		}
	}
	kind := rapid.IntRange(0, 9).Draw(t, "kind of token")
	switch {
	case kind < 7 && len(inForce) > 0:
		l := rapid.SampledFrom(inForce).Draw(t, "lock")
		return m.pairOf(l.queue), l.token, l
	case kind < 8 && len(m.locks) > 0:
		l := rapid.SampledFrom(m.locks).Draw(t, "old lock")
		return m.pairOf(l.queue), l.token, l
	case kind < 9 && len(m.locks) > 0:
		l := rapid.SampledFrom(m.locks).Draw(t, "any lock")
		return m.draw(t), l.token, l
	}
	garbage := []string{"", "x", uuid.Nil.String(), uuid.Max.String(), "6ba7b810-9dad-11d1-80b4-00c04fd430c8", strings.Repeat("0", 1000)}
	return m.draw(t), rapid.SampledFrom(garbage).Draw(t, "garbage"), nil
}

func (m *machine) drawSettle(t *rapid.T) {
	p, token, l := m.drawToken(t)
	list := []queue.Settlement{drawSettlement(t, m.model.now(), token)}
	locks := []*modelLock{l}
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "more") {
		_, token, l := m.drawToken(t)
		list, locks = append(list, drawSettlement(t, m.model.now(), token)), append(locks, l)
	}
	m.tick()
	results, err := p.real.Settle(t.Context(), list...)
	held := make([]bool, len(list))
	wantErr := m.model.update(p.modelQueue, func() error {
		for i := range list {
			held[i] = m.model.settle(p.modelQueue, locks[i], list[i])
		}
		return nil
	})
	if !errors.Is(err, wantErr) {
		t.Fatalf("settle in %s: %v, want %v", p.name, err, wantErr)
	}
	for i := range list {
		if err == nil {
			m.judge(t, p, results[i], held[i], locks[i])
		}
	}
}

// judge compares the result of a call that needed a lock.
func (m *machine) judge(t *rapid.T, p *pair, err error, held bool, l *modelLock) {
	if held {
		if err != nil {
			t.Fatalf("%s: a lock in force: %v", p.name, err)
		}
		return
	}
	reasons := []queue.Reason{queue.Unknown}
	if l != nil {
		reasons = m.model.reasons(p.modelQueue, l)
	}
	var lost *queue.LockError
	if !errors.As(err, &lost) || !slices.Contains(reasons, lost.Reason) {
		t.Fatalf("%s: a lock that is over: %v, want one of %v", p.name, err, reasons)
	}
}

func drawSettlement(t *rapid.T, now time.Time, token string) queue.Settlement {
	s := queue.Settlement{
		Lock: token,
		Disposition: rapid.SampledFrom([]queue.Disposition{queue.Complete, queue.Abandon, queue.Abandon, queue.Release,
			queue.Defer, queue.Defer, queue.DeadLetterIt, queue.Reschedule}).Draw(t, "disposition"),
		Delay: rapid.SampledFrom([]time.Duration{0, 0, 3 * time.Second, time.Minute}).Draw(t, "delay"),
	}
	switch s.Disposition {
	case queue.DeadLetterIt:
		s.Reason, s.Description = "Because", rapid.SampledFrom([]string{"it is so", "of this"}).Draw(t, "description")
	case queue.Reschedule:
		if rapid.Bool().Draw(t, "at") {
			s.At = now.Add(rapid.SampledFrom([]time.Duration{-time.Second, 4 * time.Second}).Draw(t, "from now"))
		}
	}
	return s
}

func (m *machine) drawRenew(t *rapid.T) {
	p, token, l := m.drawToken(t)
	lockFor := rapid.SampledFrom(lengths).Draw(t, "lock for")
	m.tick()
	until, err := p.real.Renew(t.Context(), token, lockFor)
	held := m.model.inForce(p.modelQueue, l)
	if wantErr := m.model.update(p.modelQueue, func() error { return nil }); wantErr != nil {
		if !errors.Is(err, wantErr) {
			t.Fatalf("renew in %s: %v, want %v", p.name, err, wantErr)
		}
		return
	}
	m.judge(t, p, err, held, l)
	if !held {
		return
	}
	if lockFor == 0 {
		lockFor = p.policy.LockDuration
	}
	if l.until = m.model.now().Add(lockFor); !until.Equal(l.until) {
		t.Fatalf("renewed until %v, want %v", until, l.until)
	}
}

func (m *machine) drawCancel(t *rapid.T) {
	p := m.draw(t)
	sub, seq := m.drawSeq(t, p)
	m.tick()
	err := p.real.Cancel(t.Context(), sub, seq)
	if wantErr := m.model.cancel(p.modelQueue, sub, seq); !errors.Is(err, wantErr) {
		t.Fatalf("cancel %d of %s: %v, want %v", seq, p.name, err, wantErr)
	}
}

// drawEnd ends the context of a call that waits.
func (m *machine) drawEnd(t *rapid.T) {
	m.tick()
	m.settleCalls()
	if len(m.calls) == 0 {
		t.Skip("nobody waits")
	}
	c := rapid.SampledFrom(m.calls).Draw(t, "call")
	c.cancel()
	if c.sender != nil {
		m.model.abandonSender(c.pair.modelQueue, c.sender)
	} else {
		m.model.abandonReceiver(c.pair.modelQueue, c.receiver)
	}
}

func (m *machine) drawRedrive(t *rapid.T) {
	p, to := m.draw(t), m.draw(t)
	if rapid.Bool().Draw(t, "own") {
		to = p
	}
	sub := rapid.SampledFrom([]queue.SubQueue{queue.DeadLetter, queue.Transfer}).Draw(t, "sub-queue")
	count := rapid.SampledFrom([]int{0, 1, 3}).Draw(t, "count")
	m.tick()
	n, err := p.real.Redrive(t.Context(), sub, to.real, count)
	want, wantErr := m.model.redrive(p.modelQueue, sub, to.modelQueue, count)
	if n != want || !errors.Is(err, wantErr) {
		t.Fatalf("redrive from %s to %s: %d, %v, want %d, %v", p.name, to.name, n, err, want, wantErr)
	}
}

func (m *machine) drawChange(t *rapid.T) {
	p := m.draw(t)
	next := drawPolicy(t)
	if p.gone {
		t.Skip("it is gone")
	}
	m.tick()
	m.update(func(tx *store.Tx) error { return p.real.Change(tx, &next) })
	m.model.change(p.modelQueue, next)
}

// drawRemake deletes a queue and makes another of its name, or one of the two.
func (m *machine) drawRemake(t *rapid.T) {
	name := rapid.SampledFrom(names).Draw(t, "name")
	again := rapid.Bool().Draw(t, "again")
	m.tick()
	if q := m.model.queues[name]; q != nil {
		m.harness.delete(name)
		m.model.delete(q)
		if !again {
			return
		}
	}
	m.make(t, name)
}

func (m *machine) drawAdvance(t *rapid.T) {
	spans := []time.Duration{time.Second, time.Millisecond, 5 * time.Second, time.Minute, 10 * time.Minute, 2 * time.Hour}
	d := rapid.SampledFrom(spans).Draw(t, "advance")
	if at, then := m.model.nextEvent(); then != nil && rapid.IntRange(0, 2).Draw(t, "to the next event") > 0 {
		d = max(0, time.Until(at))
	}
	if ns := time.Now().Add(d).Nanosecond() % 1000; ns != 0 {
		d += time.Duration(1000 - ns) // steps are taken in whole microseconds
	}
	m.sleep(d)
}

// drawReopen closes everything and opens it again, or what was on disk before
// it was closed, as after a crash.
func (m *machine) drawReopen(t *rapid.T) {
	crash := rapid.Bool().Draw(t, "crash")
	m.tick()
	content := m.save()
	m.set.Close()
	synctest.Wait()
	m.model.stop()
	m.settleCalls()
	m.close()
	if crash {
		m.restore(content)
	}
	m.again(nil)
	synctest.Wait()
	m.model.start()
	for _, p := range m.queues {
		if p.real = m.set.Get(p.id); p.gone {
			p.real, p.full = m.set.Load(p.id, p.name, &p.policy), false // what is deleted stays so
		}
	}
	m.check()
}

func drawPolicy(t *rapid.T) policy.Queue {
	p := policy.NewQueue()
	if rapid.IntRange(0, 2).Draw(t, "plain") == 0 {
		return p
	}
	p.LockDuration = rapid.SampledFrom([]time.Duration{time.Minute, time.Second, 5 * time.Second}).Draw(t, "LockDuration")
	p.MaxDeliveryCount = rapid.SampledFrom([]int{10, 3, 2, 1}).Draw(t, "MaxDeliveryCount")
	p.TimeToLive = rapid.SampledFrom([]time.Duration{0, 0, 0, 3 * time.Second, time.Minute}).Draw(t, "DefaultMessageTimeToLive")
	p.DeadLetterExpired = rapid.Bool().Draw(t, "DeadLetteringOnMessageExpiration")
	p.MaxMessageKilobytes = rapid.SampledFrom([]int{1024, 1024, 1024, 1}).Draw(t, "MaxMessageSizeInKilobytes")
	p.MaxLength = rapid.SampledFrom([]int64{0, 0, 8, 3, 1}).Draw(t, "MaxQueueLength")
	p.MaxMegabytes = rapid.SampledFrom([]int64{0, 0, 0, 1}).Draw(t, "MaxSizeInMegabytes")
	p.EnqueueTimeout = rapid.SampledFrom([]time.Duration{10*time.Second + 250, 2*time.Second + 250, 0}).Draw(t, "EnqueueTimeout")
	p.Overflow = rapid.SampledFrom([]policy.Overflow{policy.RejectIncoming, policy.DiscardIncoming, policy.DiscardExisting}).Draw(t, "Overflow")
	p.MaxLocked = rapid.SampledFrom([]int{0, 0, 0, 1, 3}).Draw(t, "MaxConcurrentReaders")
	p.Status = rapid.SampledFrom([]policy.Status{0, 0, 0, 0, 0, 0, policy.Disabled, policy.SendDisabled, policy.ReceiveDisabled}).Draw(t, "Status")
	p.DeadLetterTo = rapid.SampledFrom([]string{"", "", "", "/a", "/b", "/c", "/nowhere"}).Draw(t, "PoisonMessageDrop")
	p.ForwardTo = rapid.SampledFrom([]string{"", "", "", "", "", "/a", "/b", "/c", "/nowhere"}).Draw(t, "ForwardTo")
	return p
}

// describe is a message as an error shows it.
func (s sighting) String() string {
	return fmt.Sprintf("%s, %d bytes, number %d, sub-queue %d, state %d, sent %v, %d deliveries, dead %q %q %q",
		s.id, s.size, s.seq, s.sub, s.state, s.sentAt, s.deliveries, s.reason, s.description, s.source)
}

package crash_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
)

// maxBacklog is how many messages may be in the broker before senders pause.
const maxBacklog = 4000

// Traffic is what a sender sends: each is asked anew for each message.
type traffic struct {
	to    *place
	shape func(w *worker) shape
	size  func(w *worker) int
	delay func(w *worker) time.Duration // until a message is to be seen; nil: none
	life  func(w *worker) time.Duration // of a message, in whole milliseconds; nil: as the queue's
}

// A sender sends to one queue, one request after the other. What may or may
// not have arrived it sends again, as somebody would whose broker does not
// detect duplicates.
type sender struct {
	*worker
	traffic
	turn   int
	jobs   int
	repeat []label // of what was sent without an answer
}

func (s *sender) work() {
	for s.next() {
		if s.backlog.Load() > maxBacklog {
			s.pause(5 * time.Millisecond)
			continue
		}
		switch u := (unit{int(s.units.Add(1)), s.shape(s.worker)}); u.shape {
		case single:
			s.sendOne(u)
		case batch:
			s.sendBatch(u, 2+s.random.IntN(30))
		case stream:
			s.sendStream(u, 1+s.random.IntN(300))
		}
	}
}

// newLabel names the next message: something new, or what had no answer.
func (s *sender) newLabel() label {
	if n := len(s.repeat); n > 0 {
		l := s.repeat[0]
		l.try++
		s.repeat = s.repeat[1:]
		return l
	}
	s.jobs++
	l := label{job: s.name + " " + strconv.Itoa(s.jobs), try: 1, size: s.size(s.worker)}
	if s.life != nil {
		l.life = s.life(s.worker)
	}
	return l
}

// prepare makes the next message of a unit.
func (s *sender) prepare(u unit) (*attempt, *message.Message) {
	l := s.newLabel()
	m := newMessage(l)
	s.turn++
	a := &attempt{id: m.ID, job: l.job, to: s.to, sender: s.name, turn: s.turn, unit: u, life: l.life, marked: isMarked(m)}
	if s.delay != nil {
		m.ScheduledAt = time.Now().Add(s.delay(s.worker)).Truncate(time.Microsecond)
		a.visible = s.told(m.ScheduledAt)
	}
	return a, m
}

// count compares what a router says it has put on disk with what it should [Q1].
func (s *sender) count(sent client.Sent, err error, list ...*attempt) {
	want := 0
	for _, a := range list {
		want += a.subscriptions()
	}
	if err == nil && s.to.router && sent.Deliveries != want {
		s.write(func(h *history) {
			h.surprises = append(h.surprises, fmt.Sprintf("%s: %d deliveries, want %d", s.name, sent.Deliveries, want))
		})
	}
}

// finish writes attempts down.
func (s *sender) finish(list ...*attempt) {
	s.write(func(h *history) {
		for _, a := range list {
			h.attempts = append(h.attempts, *a)
		}
	})
	for _, a := range list {
		if !a.maySucceed() {
			continue
		}
		s.backlog.Add(int64(len(branches(a.to))))
		if a.outcome == unknown {
			l, _ := parseLabel(a.id)
			s.repeat = append(s.repeat, l)
		}
	}
}

// largeBody is where bodies begin to be streamed.
const largeBody = 64 << 10

func (s *sender) sendOne(u unit) {
	a, m := s.prepare(u)
	a.call = s.call("send", func(ctx context.Context) error {
		var sent client.Sent
		var err error
		if body := m.Body; len(body) < largeBody {
			sent, err = s.client.Send(ctx, s.to.name, m)
		} else {
			sent, err = s.client.SendBody(ctx, s.to.name, m, bytes.NewReader(body))
		}
		a.number = sent.SequenceNumber
		s.count(sent, err, a)
		return err
	})
	s.finish(a)
}

func (s *sender) sendBatch(u unit, count int) {
	attempts, messages := make([]*attempt, count), make([]*message.Message, count)
	for i := range count {
		attempts[i], messages[i] = s.prepare(u)
	}
	var first int64
	c := s.call("batch", func(ctx context.Context) error {
		sent, err := s.client.SendBatch(ctx, s.to.name, messages)
		first = sent.SequenceNumber
		s.count(sent, err, attempts...)
		return err
	})
	for i, a := range attempts {
		a.call = c
		if first > 0 {
			a.number = first + int64(i)
		}
	}
	s.finish(attempts...)
}

func (s *sender) sendStream(u unit, count int) {
	var attempts []*attempt
	var committed client.Committed
	c := s.call("stream", func(ctx context.Context) (err error) {
		committed, err = s.client.SendStream(ctx, s.to.name, s.trickle(u, count, &attempts), nil)
		return err
	})
	for i, a := range attempts {
		a.call = c
		if int64(i) < committed.Count {
			a.outcome = done
		}
	}
	s.finish(attempts...)
}

// trickle yields messages with short breaks, so that a stream lives long
// enough to be killed.
func (s *sender) trickle(u unit, count int, attempts *[]*attempt) iter.Seq2[*message.Message, error] {
	return func(yield func(*message.Message, error) bool) {
		for i := range count {
			if i%50 == 49 {
				s.pause(s.between(time.Millisecond, 20*time.Millisecond))
			}
			a, m := s.prepare(u)
			*attempts = append(*attempts, a)
			if !yield(m, nil) {
				return
			}
		}
	}
}

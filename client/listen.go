package client

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jitney-mq/jitney/message"
)

// ListenOptions say how to listen. The zero value is fine for most.
type ListenOptions struct {
	Credit   int           // messages that are on their way or wait for the loop, 1 to 1,000; 0: 100. Without effect at a router that sends to all
	MaxDelay time.Duration // between two tries to connect; 0: 30 s

	// Lost, unless it is nil, is called when there is no connection, with the
	// reason and the pause before the next try.
	Lost func(why error, pause time.Duration)

	// Open, unless it is nil, is called when there is a connection.
	Open func()
}

func (o ListenOptions) withDefaults() ListenOptions {
	if o.Credit == 0 {
		o.Credit = 100
	}
	if o.MaxDelay == 0 {
		o.MaxDelay = 30 * time.Second
	}
	return o
}

// A Listener gets messages as they come, over connections that it makes anew
// when they break.
type Listener struct {
	client *Client
	name   string
	opts   ListenOptions

	mu     sync.Mutex // guards socket
	socket *Socket    // nil while there is none
}

// Listen returns a Listener at a queue, a subscription, one of their
// dead-letter queues or a router. It does not connect before Messages does.
func (c *Client) Listen(name string, o ListenOptions) *Listener {
	return &Listener{client: c, name: name, opts: o.withDefaults()}
}

// Messages ranges over the messages as they come. It ends with an error when
// ctx ends, or when the broker says that there is nothing to listen to, such as
// ErrNotFound; other errors are overcome, and Lost is told.
//
// Messages of a router that sends to all are missed while there is no
// connection. All others are locked, and to be settled: by the Listener, or by
// the Client's methods. What is not settled when the loop or a connection ends
// is delivered again. The loop body can settle a message while others come.
func (l *Listener) Messages(ctx context.Context) iter.Seq2[*message.Received, error] {
	return func(yield func(*message.Received, error) bool) {
		for failures := 0; ; failures++ {
			err := l.connect(ctx)
			if err == nil {
				failures = 0
				if err = l.receive(ctx, func(m *message.Received) bool { return yield(m, nil) }); err == nil {
					return // the loop has ended
				}
			}
			if ctx.Err() != nil || isFinal(err) {
				yield(nil, err)
				return
			}
			if l.wait(ctx, failures, err) != nil {
				yield(nil, context.Cause(ctx))
				return
			}
		}
	}
}

// isFinal reports whether another try would end in the same way.
func isFinal(err error) bool {
	_, refused := errors.AsType[*Error](err)
	return refused && !errors.Is(err, ErrBusy)
}

func (l *Listener) connect(ctx context.Context) error {
	s, err := l.client.Dial(ctx, l.name)
	if err != nil {
		return err
	}
	if err := s.Credit(l.opts.Credit); err != nil {
		return err
	}
	l.use(s)
	if l.opts.Open != nil {
		l.opts.Open()
	}
	return nil
}

func (l *Listener) use(s *Socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.socket = s
}

// receive yields messages until the connection ends; nil: the caller wants no
// more. Credit is given for each that has been worked on, several at a time.
func (l *Listener) receive(ctx context.Context, yield func(*message.Received) bool) error {
	s := l.current()
	defer s.Close()
	defer l.use(nil)
	used := 0
	for {
		m, err := s.Next(ctx)
		if err != nil {
			return err
		}
		if m.Lock != "" && s.Err() != nil {
			return s.Err() // the lock has ended with the connection
		}
		if !yield(m) {
			return nil
		}
		if m.Lock == "" {
			continue
		}
		if used++; used > l.opts.Credit/2 {
			if err := s.Credit(used); err != nil {
				return err
			}
			used = 0
		}
	}
}

func (l *Listener) current() *Socket {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.socket
}

// Settle ends locks over the connection, as [Client.Settle] does. Without one
// it is ErrNoAnswer: the locks have ended with it.
func (l *Listener) Settle(ctx context.Context, settlements ...Settlement) ([]error, error) {
	if s := l.current(); s != nil {
		return s.Settle(ctx, settlements...)
	}
	return nil, ErrNoAnswer
}

// wait pauses before the next try: anything up to a bound that doubles, so that
// those who lost their connection together do not come back together.
func (l *Listener) wait(ctx context.Context, failures int, why error) error {
	bound := min(firstDelay<<min(failures, 16), l.opts.MaxDelay)
	delay := rand.N(bound + 1)
	if l.opts.Lost != nil {
		l.opts.Lost(why, delay)
	}
	return pause(ctx, delay)
}

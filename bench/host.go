package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/push"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/server"
)

// A host is a broker in this process.
type host struct {
	broker  *broker.Broker
	stop    context.CancelFunc // ends the serving; nil: there is none
	serving sync.WaitGroup
	err     error // of the serving; read after it
}

// openHost opens a data folder.
func openHost(ctx context.Context, dir string) (*host, error) {
	b, err := broker.Open(ctx, broker.Options{
		Dir: dir, Logger: slog.New(slog.DiscardHandler), Push: push.Options{Allow: loopback()},
	})
	if err != nil {
		return nil, err
	}
	return &host{broker: b}, nil
}

// listen has the broker answer at the address that it returns.
func (h *host) listen() (address string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	ctx, stop := context.WithCancel(context.Background())
	h.stop = stop
	s := server.New(h.broker, server.Options{Logger: slog.New(slog.DiscardHandler)})
	h.serving.Go(func() { h.err = s.Serve(ctx, l) })
	return l.Addr().String(), nil
}

// Close ends the serving and closes the folder.
func (h *host) Close() error {
	if h.stop != nil {
		h.stop()
		h.serving.Wait()
	}
	return errors.Join(h.err, h.broker.Close())
}

// Written returns what the store has written since it was opened.
func (h *host) Written() Written {
	s := h.broker.Info().Store
	return Written{Bytes: s.PageBytes, Syncs: s.Syncs}
}

// queue returns the queue of a name, which gets the role if it has none.
func (h *host) queue(ctx context.Context, name string, edit func(*policy.Queue)) (*queue.Queue, error) {
	n, err := namespace.Parse(name)
	if err != nil {
		return nil, err
	}
	p := policy.NewQueue()
	if edit != nil {
		edit(&p)
	}
	e, _, err := h.broker.Assign(ctx, n, p)
	if err != nil {
		return nil, err
	}
	return h.broker.Queue(e)
}

// outgoing returns a message without properties.
func outgoing(body []byte) queue.Outgoing {
	return queue.Outgoing{Message: &message.Message{Body: body}}
}

// sendOne sends the next message of a ledger in a caller's body.
func sendOne(ctx context.Context, q *queue.Queue, l *Ledger, body []byte) error {
	l.Stamp(body)
	return send(ctx, q, outgoing(body))
}

// errDiscarded says that a queue without limits discarded a message.
var errDiscarded = errors.New("the queue has discarded a message")

func send(ctx context.Context, q *queue.Queue, messages ...queue.Outgoing) error {
	_, outcome, err := q.Send(ctx, messages...)
	if err == nil && outcome != queue.Stored {
		err = errDiscarded
	}
	return err
}

// Limits of filling and emptying queues, which are not measured.
const (
	fillers   = 2
	fillBatch = 500 // messages
)

// fill sends count messages, many in a commit, each as edit leaves it.
func fill(ctx context.Context, q *queue.Queue, l *Ledger, count int, edit func(*message.Message)) error {
	if count%fillBatch != 0 {
		return errors.New("the count is not one of whole batches")
	}
	bodies := newBodies(fillers * fillBatch)
	batches := Load{Callers: fillers, Count: count / fillBatch, Do: func(ctx context.Context, caller int) error {
		batch := make([]queue.Outgoing, fillBatch)
		for i := range batch {
			body := bodies[caller*fillBatch+i]
			l.Stamp(body)
			batch[i] = outgoing(body)
			if edit != nil {
				edit(batch[i].Message)
			}
		}
		return send(ctx, q, batch...)
	}}
	_, err := batches.Run(ctx)
	return err
}

// maxProblems bounds what is said of a damaged folder.
const maxProblems = 5

// lockWait is how long a receiver waits for a message that is there or
// under way.
const lockWait = 20 * time.Second

// receiveOne peek-locks a message and completes it.
func receiveOne(ctx context.Context, q *queue.Queue, l *Ledger) error {
	list, err := q.Receive(ctx, queue.ReceiveOptions{Wait: lockWait})
	if err != nil {
		return err
	}
	for _, d := range list {
		results, err := q.Settle(ctx, queue.Settlement{Lock: d.LockToken})
		if err := errors.Join(err, errors.Join(results...)); err != nil {
			return err
		}
		l.See(d.Body)
	}
	if len(list) == 0 {
		return ErrLost
	}
	return nil
}

// drain receives and deletes all that is in a queue.
func drain(ctx context.Context, q *queue.Queue, l *Ledger) error {
	for {
		list, err := q.Receive(ctx, queue.ReceiveOptions{Mode: queue.ReceiveAndDelete, Count: queue.MaxCount})
		if err != nil || len(list) == 0 {
			return err
		}
		for _, d := range list {
			if err := d.Load(); err != nil {
				return err
			}
			l.See(d.Body)
			d.Close()
		}
	}
}

// ErrUnsound says that a data folder does not agree with itself.
var ErrUnsound = errors.New("the data folder is damaged")

// check returns ErrUnsound, with what is wrong, if a folder that is closed is not sound.
func (s *stage) check(ctx context.Context, dir string) error {
	var problems []string
	_, err := broker.Check(ctx, dir, func(problem string) {
		if len(problems) < maxProblems {
			problems = append(problems, problem)
		}
	})
	if err == nil && len(problems) > 0 {
		err = fmt.Errorf("%w: %s", ErrUnsound, strings.Join(problems, "; "))
	}
	return err
}

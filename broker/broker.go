// Package broker is the whole of Jitney without a socket: it opens the parts,
// gives names their roles, and has done what is due.
package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/push"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/relay"
	"github.com/jitney-mq/jitney/router"
	"github.com/jitney-mq/jitney/store"
)

// Options says how a broker is opened. The zero value of a field is its default.
type Options struct {
	Dir     string       // the data folder; it is made if it is not there
	MaxSize int64        // see store.Options
	MinFree int64        // see store.Options
	GrowBy  int          // see store.Options
	Push    push.Options // how endpoints are reached
	Logger  *slog.Logger // default slog.Default()
}

// A Broker is an open namespace. Its methods may be called from any goroutine.
type Broker struct {
	store   *store.Store
	names   *namespace.Registry
	queues  *queue.Set
	routers *router.Set
	push    *push.Client
	relay   *relay.Hub
	sweeper *sweeper
	log     *slog.Logger
	started time.Time

	closeOnce sync.Once
	closeErr  error
}

// Open opens the data folder. It returns when every name and message of it
// can be used.
func Open(ctx context.Context, opts Options) (*Broker, error) {
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	b := &Broker{log: opts.Logger, sweeper: newSweeper(), started: time.Now()}
	if opts.Push.Logger == nil {
		opts.Push.Logger = opts.Logger
	}
	var err error
	if b.push, err = push.New(opts.Push); err != nil {
		return nil, err
	}
	b.store, err = store.Open(opts.Dir, store.Options{
		Tables:  tables(),
		MaxSize: opts.MaxSize,
		MinFree: opts.MinFree,
		GrowBy:  opts.GrowBy,
		Logger:  opts.Logger,
		OnDue:   b.sweeper.wake,
	})
	if err != nil {
		return nil, err
	}
	if err := b.load(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", opts.Dir, err), b.store.Close())
	}
	b.sweeper.start(b.sweep, b.nextDue)
	return b, nil
}

// load reads the names and makes their primitives known.
func (b *Broker) load(ctx context.Context) error {
	var err error
	if b.names, err = namespace.OpenRegistry(ctx, b.store); err != nil {
		return err
	}
	b.relay = relay.New(relay.Options{Policy: b.connectionPoint, Opened: b.pointOpened, Logger: b.log})
	b.queues, err = queue.Open(ctx, b.store, queue.Options{
		Resolve: b.resolve,
		Wake:    b.sweeper.wake,
		Logger:  b.log,
	})
	if err != nil {
		return err
	}
	b.routers = router.New(router.Options{
		Store: b.store, Queues: b.queues, Push: b.push, Relay: b.relayTo, Listens: b.listens, Draw: rand.IntN, Find: b.findRouter, End: b.endNamed,
	})
	if err := b.loadRoles(); err != nil {
		return err
	}
	return b.routers.Start()
}

// loadRoles makes the primitives of all names known: routers first, for
// subscriptions are at them.
func (b *Broker) loadRoles() error {
	all := b.names.All()
	for _, e := range all {
		switch p := e.Policy.(type) {
		case policy.Queue:
			b.queues.Load(queue.ID(e.Number), e.Name.String(), &p)
		case policy.Router:
			b.routers.Load(queue.ID(e.Number), e.Name.String(), &p)
		}
	}
	at := map[*router.Router][]*router.Subscription{}
	for _, e := range all {
		if p, is := e.Policy.(policy.Subscription); is {
			r, s, err := b.loadSubscription(e, &p)
			if err != nil {
				return fmt.Errorf("subscription %s: %w", e.Name, err)
			}
			at[r] = append(at[r], s)
		}
	}
	for r, list := range at {
		r.Add(list...)
	}
	return nil
}

func (b *Broker) loadSubscription(e *namespace.Entry, p *policy.Subscription) (*router.Router, *router.Subscription, error) {
	at := b.names.Get(routerName(e.Name))
	if at == nil {
		return nil, nil, ErrNoRole
	}
	r, err := b.routerOf(at)
	if err != nil {
		return nil, nil, err
	}
	moved := *p
	if to := b.entryNamed(p.ForwardTo); to != nil {
		moved = pushingTo(to, moved)
	}
	kept := r.Policy().Keep(moved)
	q := b.queues.Load(queue.ID(e.Number), e.Name.String(), &kept)
	s, err := router.NewSubscription(e.Name.String(), q, &moved)
	return r, s, err
}

// Close ends waiting receivers and held senders, and then the store: what is
// under way is finished, nothing new is taken.
func (b *Broker) Close() error {
	b.closeOnce.Do(func() {
		b.queues.Close()
		b.routers.Close()
		b.relay.Close()
		b.sweeper.stop()
		b.closeErr = b.store.Close()
	})
	return b.closeErr
}

// Drain answers everybody who waits, and lets the rest go on: the first step
// of a shutdown.
func (b *Broker) Drain() {
	b.queues.Close()
	b.relay.Drain()
}

// Failure is closed when the store has failed: the process should end. Failed
// says why.
func (b *Broker) Failure() <-chan struct{} { return b.store.Failure() }

// Failed returns nil while the broker can acknowledge anything.
func (b *Broker) Failed() error { return b.store.Failed() }

// Ready returns nil if messages can be sent, or why not.
func (b *Broker) Ready(ctx context.Context) error {
	return b.store.Update(ctx, func(tx *store.Tx) error { return tx.Room() })
}

// Queue returns the queue of an entry: of a router, the one that it pushes from.
// ErrWrongRole, queue.ErrGone.
func (b *Broker) Queue(e *namespace.Entry) (*queue.Queue, error) {
	if e.Number == 0 {
		return nil, ErrWrongRole
	}
	q := b.queues.Get(queue.ID(e.Number))
	if q == nil {
		return nil, queue.ErrGone
	}
	return q, nil
}

// Router returns the router of an entry: ErrWrongRole, queue.ErrGone.
func (b *Broker) Router(e *namespace.Entry) (*router.Router, error) { return b.routerOf(e) }

// QueueNamed is Queue for a name: ErrNoRole too.
func (b *Broker) QueueNamed(n namespace.Name) (*queue.Queue, error) {
	e := b.names.Get(n)
	if e == nil {
		return nil, ErrNoRole
	}
	return b.Queue(e)
}

// resolve returns what a policy that gives a name moves messages to; the
// writer calls it.
func (b *Broker) resolve(name string) (queue.Target, error) {
	n, err := namespace.Parse(name)
	if err != nil {
		return queue.Target{}, err
	}
	e := b.names.Get(n)
	if e == nil {
		return queue.Target{}, ErrNoRole
	}
	if r, err := b.routerOf(e); err == nil {
		return queue.Target{Route: r.Route}, nil
	}
	q, err := b.Queue(e)
	return queue.Target{Queue: q}, err
}

// findRouter returns the router that a policy names, nil if it is none.
func (b *Broker) findRouter(name string) *router.Router {
	if e := b.entryNamed(name); e != nil {
		r, _ := b.routerOf(e)
		return r
	}
	return nil
}

// entryNamed returns the entry that a policy names, nil if there is none.
func (b *Broker) entryNamed(name string) *namespace.Entry {
	n, err := namespace.Parse(name)
	if err != nil {
		return nil
	}
	return b.names.Get(n)
}

// Subscription returns the subscription of an entry, nil if there is none.
func (b *Broker) Subscription(e *namespace.Entry) *router.Subscription {
	if at := b.names.Get(routerName(e.Name)); at != nil {
		if r, err := b.routerOf(at); err == nil {
			return r.Subscription(queue.ID(e.Number))
		}
	}
	return nil
}

// ReadBody reads a body of at most limit bytes; see queue.Set.
func (b *Broker) ReadBody(ctx context.Context, r io.Reader, limit int64) ([]byte, *queue.Staged, error) {
	return b.queues.ReadBody(ctx, r, limit)
}

// Info is what the broker says of itself.
type Info struct {
	StartedAt time.Time
	Names     int
	Store     store.Stats
	Totals    queue.Totals
	Routers   router.Totals
	Relay     relay.Totals
}

// Info returns the figures of the moment.
func (b *Broker) Info() Info {
	return Info{
		StartedAt: b.started,
		Names:     b.names.Len(),
		Store:     b.store.Stats(),
		Totals:    b.queues.Totals(),
		Routers:   b.routers.Totals(),
		Relay:     b.relay.Totals(),
	}
}

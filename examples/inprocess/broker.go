// Package inprocess runs a broker inside a Go program: on a folder that is
// thrown away, at addresses of this machine. The examples have theirs in this
// way, and so may tests.
package inprocess

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/push"
	"github.com/jitney-mq/jitney/server"
)

// FreePort is an address of this machine with whichever port is free.
const FreePort = "127.0.0.1:0"

// Options say what a broker is to be like. The zero value is fine for most.
type Options struct {
	Listen      string       // the address that it listens at; empty: FreePort
	RelayListen string       // the address at which it relays and does nothing else; empty: there is none
	PushAllow   []string     // targets on this machine that it may push to, see push.ParseRule
	Origins     []string     // the origins of web pages that may use it
	Logger      *slog.Logger // nil: slog.Default()
}

func (o Options) withDefaults() Options {
	if o.Listen == "" {
		o.Listen = FreePort
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// A Broker runs in this process.
type Broker struct {
	URL      string
	RelayURL string // of the listener that only relays; empty: there is none

	dir     string
	broker  *broker.Broker
	server  *server.Server
	serving context.Context
	end     context.CancelFunc
	served  sync.WaitGroup
	closed  func() error

	mu  sync.Mutex // guards err
	err error      // of serving
}

// Open starts a broker that runs until it is closed. ctx bounds the opening
// only.
func Open(ctx context.Context, o Options) (*Broker, error) {
	o = o.withDefaults()
	dir, err := os.MkdirTemp("", "jitney-inprocess-")
	if err != nil {
		return nil, err
	}
	b := &Broker{dir: dir}
	b.serving, b.end = context.WithCancel(context.WithoutCancel(ctx))
	b.closed = sync.OnceValue(b.close)
	if err := b.open(ctx, o); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Close ends the server, then the broker under it, and removes its data.
func (b *Broker) Close() error { return b.closed() }

func (b *Broker) open(ctx context.Context, o Options) error {
	pushes, err := pushOptions(o.PushAllow)
	if err != nil {
		return err
	}
	b.broker, err = broker.Open(ctx, broker.Options{Dir: b.dir, Logger: o.Logger, Push: pushes})
	if err != nil {
		return err
	}
	b.server = server.New(b.broker, server.Options{Logger: o.Logger, Origins: o.Origins})
	if b.URL, err = b.listen(o.Listen, b.server.Serve); err != nil || o.RelayListen == "" {
		return err
	}
	b.RelayURL, err = b.listen(o.RelayListen, b.server.ServeRelay)
	return err
}

// pushOptions allows targets.
func pushOptions(targets []string) (o push.Options, err error) {
	for _, text := range targets {
		rule, err := push.ParseRule(text)
		if err != nil {
			return o, err
		}
		o.Allow = append(o.Allow, rule)
	}
	return o, nil
}

// listen has connections to an address served, and returns its URL.
func (b *Broker) listen(address string, serve func(context.Context, net.Listener) error) (url string, err error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	b.served.Go(func() { b.note(serve(b.serving, l)) })
	return "http://" + l.Addr().String(), nil
}

func (b *Broker) note(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = errors.Join(b.err, err)
}

func (b *Broker) close() error {
	b.end()
	b.served.Wait()
	if b.broker != nil {
		b.note(b.broker.Close())
	}
	return errors.Join(b.err, os.RemoveAll(b.dir))
}

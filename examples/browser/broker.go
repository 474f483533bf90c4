package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/server"
)

// ownBroker is a broker in this process. Its data is thrown away.
type ownBroker struct {
	url    string
	dir    string
	broker *broker.Broker
	end    context.CancelFunc
	served chan error
}

// startBroker starts a broker that pages of an origin may use.
func startBroker(origin string) (*ownBroker, error) {
	dir, err := os.MkdirTemp("", "jitney-browser-")
	if err != nil {
		return nil, err
	}
	b, err := broker.Open(context.Background(), broker.Options{Dir: dir, Logger: slog.Default()})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, b.Close(), os.RemoveAll(dir))
	}
	ctx, end := context.WithCancel(context.Background())
	o := &ownBroker{"http://" + listener.Addr().String(), dir, b, end, make(chan error, 1)}
	go func() { o.served <- server.New(b, server.Options{Origins: []string{origin}}).Serve(ctx, listener) }()
	return o, nil
}

// stop ends the server, then the broker under it.
func (o *ownBroker) stop() error {
	o.end()
	return errors.Join(<-o.served, o.broker.Close(), os.RemoveAll(o.dir))
}

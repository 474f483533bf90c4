package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/examples/inprocess"
)

// A bus is a broker, and a client of it.
type bus struct {
	broker *inprocess.Broker
	client *client.Client
}

func openBus(ctx context.Context, listen, relay string) (*bus, error) {
	b, err := inprocess.Open(ctx, inprocess.Options{
		Listen: listen, RelayListen: relay, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	c, err := client.New(client.Options{URL: b.URL})
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return &bus{b, c}, nil
}

func (b *bus) close() error {
	b.client.Close()
	return b.broker.Close()
}

// origin returns the URL of a connection point that has a host of its own: that
// of /chat is http://chat.localhost:port.
func (b *bus) origin(point string) (string, error) {
	u, err := url.Parse(b.broker.RelayURL)
	if err != nil {
		return "", err
	}
	u.Host = point[1:] + ".localhost:" + u.Port()
	return u.String(), nil
}

// serve has the chat and the workers stay until ctx ends.
func (b *bus) serve(ctx context.Context, out io.Writer) (err error) {
	chat, err := b.listen(ctx, chatPoint, newChat().handler())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, chat.stop()) }()
	workers, err := b.hire(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, workers.stop()) }()
	origin, err := b.origin(chatPoint)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "open %s/ in two windows\n", origin)
	fmt.Fprintf(out, "or send a job: curl -d 'paint it' %s%s\n", b.broker.URL, jobsName)
	<-ctx.Done()
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/policy"
)

// A listening is a listener at a connection point, at work.
type listening struct {
	end   context.CancelFunc
	ended chan error
}

// listen makes a name a connection point, if it is none, and has h work on what
// is relayed. It returns when the broker relays to it.
func (b *bus) listen(ctx context.Context, name string, h client.RelayHandler) (*listening, error) {
	if _, err := b.client.PutPolicy(ctx, name, policy.NewConnectionPoint(), ""); err != nil {
		return nil, err
	}
	serving, end := context.WithCancel(context.WithoutCancel(ctx))
	l := &listening{end, make(chan error, 1)}
	listener := b.client.ListenRelay(name, client.RelayOptions{})
	go func() { l.ended <- listener.Serve(serving, h) }()
	if err := l.untilReached(ctx, b.broker.URL+name); err != nil {
		return nil, errors.Join(err, l.stop())
	}
	return l, nil
}

// stop closes the control channel, and returns when nothing is worked on any
// more. What is not answered by then never will be.
func (l *listening) stop() error {
	l.end()
	if err := <-l.ended; !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// untilReached asks the listener for anything until it answers: it is not known
// before to whoever opens the control channel when the broker has begun to use it.
func (l *listening) untilReached(ctx context.Context, url string) error {
	for range 500 {
		status, err := statusOf(ctx, url)
		if err != nil || status != http.StatusBadGateway {
			return err
		}
		select {
		case err := <-l.ended:
			l.ended <- err
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("nobody listens at %s", url)
}

// statusOf returns the status that a URL is answered with.
func statusOf(ctx context.Context, url string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// Command webhooks shows messages that are pushed to a web server: how it
// consents, how it verifies who calls, what happens when it fails, and how what
// it could not take is pushed again.
//
//	go run ./examples/webhooks
//
// Broker and web server are both in this process.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http/httptest"
	"os"
	"time"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/examples/inprocess"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// The names of the example.
const (
	router = "/examples/payments"
	id     = "shop"
)

func run(ctx context.Context, out io.Writer) (err error) {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	shop := &receiver{out: out, secret: secret}
	web := httptest.NewServer(shop)
	defer web.Close()
	b, err := inprocess.Open(ctx, inprocess.Options{
		PushAllow: []string{web.Listener.Addr().String()}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	c, err := client.New(client.Options{URL: b.URL})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := subscribe(ctx, c, web.URL+"/hook", secret); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s pushes to the shop\n", router)
	return tell(ctx, out, c, shop)
}

// subscribe makes a router and a subscription that is pushed. Only failed
// payments are of interest.
func subscribe(ctx context.Context, c *client.Client, url string, secret []byte) error {
	r := policy.NewRouter()
	r.PushRetries = 1
	if _, err := c.PutPolicy(ctx, router, r, ""); err != nil {
		return err
	}
	s := policy.NewSubscription()
	s.PushTo = url
	s.Secret = "whsec_" + base64.StdEncoding.EncodeToString(secret)
	s.Rules = []policy.Rule{{Name: "failed", SQL: "sys.Label = 'failed'"}}
	_, err := c.Subscribe(ctx, router, id, s)
	return err
}

// tell sends payments, and waits for what becomes of them.
func tell(ctx context.Context, out io.Writer, c *client.Client, shop *receiver) error {
	for _, p := range []struct{ id, label string }{{"payment-1", "failed"}, {"payment-2", "made"}, {"payment-3", "failed"}} {
		fmt.Fprintf(out, "sending %s: %s\n", p.id, p.label)
		if _, err := c.Send(ctx, router, &message.Message{ID: p.id, Label: p.label, Body: []byte("12.50")}); err != nil {
			return err
		}
		if p.label == "failed" {
			shop.wait(p.id)
		}
	}
	// The shop closes for a while: what it refuses too often becomes a dead letter.
	shop.setClosed(true)
	if _, err := c.Send(ctx, router, &message.Message{ID: "payment-4", Label: "failed", Body: []byte("7.00")}); err != nil {
		return err
	}
	subscription := router + "/subscriptions/" + id
	dead, err := deadLetter(ctx, c, subscription)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is a dead letter: %s\n", dead.ID, dead.DeadLetterReason)
	shop.setClosed(false)
	fmt.Fprintln(out, "the shop is open again; what it refused is pushed anew")
	_, err = c.Redrive(ctx, subscription, client.RedriveOptions{})
	if err != nil {
		return err
	}
	shop.wait("payment-4")
	return nil
}

// deadLetter waits for a dead letter and returns it. It stays where it is.
func deadLetter(ctx context.Context, c *client.Client, queue string) (*message.Received, error) {
	for ctx.Err() == nil {
		for m, err := range c.Browse(ctx, queue+"/$DeadLetterQueue", client.BrowseOptions{}) {
			return m, err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return nil, ctx.Err()
}

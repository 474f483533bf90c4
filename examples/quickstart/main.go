// Command quickstart shows the Go package client: a name becomes a queue, a
// message is sent, peek-locked, abandoned, peek-locked again and completed.
//
//	go run ./examples/quickstart [-url http://127.0.0.1:5300]
//
// Without -url it talks to a broker that it runs itself, in this process.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/examples/inprocess"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
)

func main() {
	url := flag.String("url", "", "the `URL` of a broker; empty: one in this process")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *url); err != nil {
		log.Fatal(err)
	}
}

// run shows everything with the broker at url, or with one of its own.
func run(ctx context.Context, out io.Writer, url string) (err error) {
	if url == "" {
		b, err := inprocess.Open(ctx, inprocess.Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.Close()) }()
		url = b.URL
	}
	c, err := client.New(client.Options{URL: url})
	if err != nil {
		return err
	}
	defer c.Close()
	return show(ctx, out, c)
}

// queue is a name that nobody has created: no name has to be.
const queue = "/examples/quickstart"

func show(ctx context.Context, out io.Writer, c *client.Client) error {
	// A policy makes the name a queue.
	p := policy.NewQueue()
	p.LockDuration = 30 * time.Second
	if _, err := c.PutPolicy(ctx, queue, p, ""); err != nil {
		return err
	}
	defer c.DeletePolicy(ctx, queue)
	fmt.Fprintf(out, "%s is a queue\n", queue)

	// When Send returns, the message is on disk.
	order := &message.Message{Label: "new", ContentType: "text/plain", Body: []byte("two coffees")}
	order.Properties.Set("table", message.Int64(7))
	sent, err := c.Send(ctx, queue, order)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "sent message %d\n", sent.SequenceNumber)

	// A receiver gets it under a lock, and nobody else does.
	got, err := receive(ctx, c)
	if err != nil {
		return err
	}
	table, _ := got.Properties.Get("table")
	fmt.Fprintf(out, "delivery %d: %s for table %d\n", got.DeliveryCount, got.Body, table.Int64())
	if _, err := receive(ctx, c); errors.Is(err, client.ErrNoMessage) {
		fmt.Fprintln(out, "another receiver: no message")
	}

	// It could not do it after all: the message comes back at once.
	if err := c.Abandon(ctx, got.Lock, 0); err != nil {
		return err
	}
	if got, err = receive(ctx, c); err != nil {
		return err
	}
	fmt.Fprintf(out, "delivery %d: %s\n", got.DeliveryCount, got.Body)

	// Now it is done, and leaves the queue. The lock was good for that once.
	if err := c.Complete(ctx, got.Lock); err != nil {
		return err
	}
	if err := c.Complete(ctx, got.Lock); errors.Is(err, client.ErrGone) {
		fmt.Fprintln(out, "completed, and once more:", err)
	}
	return nil
}

// receive peek-locks the next message, if one is there.
func receive(ctx context.Context, c *client.Client) (*message.Received, error) {
	messages, err := c.Receive(ctx, queue, client.ReceiveOptions{})
	if err != nil {
		return nil, err
	}
	return messages[0], nil
}

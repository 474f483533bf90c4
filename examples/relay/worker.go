package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/jitney-mq/jitney/client"
)

// The workers.
const (
	pulling = "the worker that pulls"
	relayed = "the worker behind the relay"
)

// A worker does jobs, and writes down what it has done.
type worker struct {
	name string
	log  *logbook
}

// do does a job. What it was delivered for the second time it does again.
func (w *worker) do(job string, body []byte, deliveries int) {
	sum := sha256.Sum256(body)
	for range 20_000 {
		sum = sha256.Sum256(sum[:])
	}
	w.log.write(job, done{w.name, deliveries})
}

// pull takes jobs from the subscription that is a queue, until ctx ends.
func (w *worker) pull(ctx context.Context, c *client.Client) error {
	for ctx.Err() == nil {
		list, err := c.Receive(ctx, pulledName, client.ReceiveOptions{Wait: 10 * time.Second})
		if errors.Is(err, client.ErrNoMessage) {
			continue
		}
		if err != nil {
			break
		}
		for _, m := range list {
			w.do(m.ID, m.Body, m.DeliveryCount)
			if err := c.Complete(ctx, m.Lock); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
	return nil
}

// ServeHTTP is what is behind the relay: a POST is a job, which 200 says is done.
// Anything else is asked how many there were.
func (w *worker) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		fmt.Fprintf(out, "%s has done %d jobs\n", w.name, w.log.count(w.name))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(out, r.Body, 1<<20))
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	var p struct {
		MessageID     string `json:"MessageId"`
		DeliveryCount int
	}
	if err := json.Unmarshal([]byte(r.Header.Get("BrokerProperties")), &p); err != nil {
		http.Error(out, fmt.Sprintf("BrokerProperties: %v", err), http.StatusBadRequest)
		return
	}
	w.do(p.MessageID, body, p.DeliveryCount)
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
)

// The names of the topology.
const (
	jobs    = "/jobs"    // sends each job to all
	audit   = "/audit"   // keeps each until the audit service has it
	workers = "/workers" // sends each job to one worker
	pulled  = "/workers/subscriptions/pulled"
)

// A step makes a part of the topology: a POST of a policy.
type step struct{ name, id, document string }

// topology is the whole, for workers whose endpoints have these URLs.
func topology(urls ...string) []step {
	steps := []step{
		{jobs, "", `{"RouterPolicy":{"MessageDistribution":"All"}}`},
		{audit, "", `{"links":[{"rel":"subscription","href":"/jobs"}],"QueuePolicy":{"LockDuration":"PT5S","MaxConcurrentReaders":1}}`},
		{workers, "", `{"links":[{"rel":"subscription","href":"/jobs"}],"RouterPolicy":{"MessageDistribution":"One","PushDeliveryTimeout":"PT5S"}}`},
		{workers + "/subscriptions", "pulled", `{"SubscriptionPolicy":{"LockDuration":"PT5S"}}`},
	}
	for i, url := range urls {
		steps = append(steps, step{workers + "/subscriptions", fmt.Sprintf("pushed-%d", i+1),
			fmt.Sprintf(`{"links":[{"rel":"alternate","href":%q}],"SubscriptionPolicy":{"MaxInFlight":4}}`, url)})
	}
	return steps
}

// build posts every step, as curl would.
func build(ctx context.Context, broker string, steps []step) error {
	for _, s := range steps {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, broker+s.name, bytes.NewReader([]byte(s.document)))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/vnd.jitney.policy+json")
		if s.id != "" {
			r.Header.Set("Slug", s.id)
		}
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		text, _ := io.ReadAll(io.LimitReader(reply.Body, 1<<16)) // only to say what went wrong
		reply.Body.Close()
		if reply.StatusCode != http.StatusCreated {
			return fmt.Errorf("POST %s: %s %s", s.name, reply.Status, text)
		}
	}
	return nil
}

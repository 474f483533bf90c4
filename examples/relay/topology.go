package main

import (
	"context"

	"github.com/jitney-mq/jitney/policy"
)

// The names of the topology.
const (
	jobsName    = "/jobs"    // sends each job to all
	auditName   = "/audit"   // keeps each
	workersName = "/workers" // sends each job to one worker
	workerPoint = "/worker"  // where one of them listens
	pulledName  = workersName + "/subscriptions/pulled"
)

// build makes the topology.
func (b *bus) build(ctx context.Context) error {
	for _, step := range []struct{ name, document string }{
		{jobsName, `{"RouterPolicy":{"MessageDistribution":"All"}}`},
		{auditName, `{"QueuePolicy":{},"links":[{"rel":"subscription","href":"/jobs"}]}`},
		{workersName, `{"RouterPolicy":{"MessageDistribution":"One"},"links":[{"rel":"subscription","href":"/jobs"}]}`},
		{workerPoint, `{"ConnectionPointPolicy":{}}`},
	} {
		if _, err := b.client.PutPolicyDocument(ctx, step.name, policy.MediaType, []byte(step.document), ""); err != nil {
			return err
		}
	}
	pulled, relayed := policy.NewSubscription(), policy.NewSubscription()
	relayed.ForwardTo = workerPoint // in a document: "links":[{"rel":"alternate","href":"/worker"}]
	if _, err := b.client.Subscribe(ctx, workersName, "pulled", pulled); err != nil {
		return err
	}
	_, err := b.client.Subscribe(ctx, workersName, "relayed", relayed)
	return err
}

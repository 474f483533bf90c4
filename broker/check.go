package broker

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/router"
	"github.com/jitney-mq/jitney/store"
)

// Checked is what Check has looked at.
type Checked struct {
	Records  uint64 `json:"records"`
	Messages uint64 `json:"messages"`
	Names    int    `json:"names"`
	Problems int    `json:"problems"`
}

// Check reads a data folder that no broker has open, compares everything in it
// with everything else, and calls report for whatever does not fit. It changes
// nothing. The error says why it could not look.
func Check(ctx context.Context, dir string, report func(problem string)) (Checked, error) {
	var c Checked
	if _, err := os.Stat(filepath.Join(dir, store.FileName)); err != nil {
		return c, fmt.Errorf("%s is not a data folder: %w", dir, err)
	}
	s, err := store.Open(dir, store.Options{Tables: tables(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return c, err
	}
	defer s.Close()
	count := func(problem string) {
		c.Problems++
		report(problem)
	}
	if c.Records, err = s.Check(count); err != nil {
		return c, err
	}
	var queues map[queue.ID]bool
	if c.Messages, queues, err = queue.Check(s, count); err != nil {
		return c, err
	}
	names, err := namespace.OpenRegistry(ctx, s)
	if err != nil {
		count(err.Error())
		return c, nil
	}
	c.Names = names.Len()
	compareNames(names, queues, count)
	return c, nil
}

// compareNames checks that each queue has one name and each queue's name a queue.
func compareNames(names *namespace.Registry, queues map[queue.ID]bool, report func(string)) {
	for _, e := range names.All() {
		if e.Number == 0 {
			continue
		}
		id := queue.ID(e.Number)
		if !queues[id] {
			report(fmt.Sprintf("%s is queue %d, which is not there", e.Name, id))
		}
		delete(queues, id)
	}
	for id := range queues {
		report(fmt.Sprintf("queue %d has no name", id))
	}
}

func tables() []store.Table {
	return slices.Concat(namespace.Tables, queue.Tables, router.Tables, []store.Table{followersTable})
}

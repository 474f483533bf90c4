package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/jitney-mq/jitney/namespace"
)

const (
	assigners = 64 // callers that assign policies
	// maxGrowth is what a thousand times as many names may cost. Their table
	// does not fit into the processor's caches any more; looking through it,
	// or through a tree on disk, would cost ten times and more.
	maxGrowth = 3
)

func measureNames(ctx context.Context, s *stage) (err error) {
	few, err := s.openNamespace(ctx, s.fewNames)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, few.Close()) }()
	many, err := s.openNamespace(ctx, s.names)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, many.Close()) }()
	s.report.add(
		Row{Name: fmt.Sprintf("%d policies assigned", s.names), Value: many.rate, Unit: "names/s"},
		Row{Name: fmt.Sprintf("live heap with %d names", s.names), Value: mebibytes(liveHeap()), Unit: "MiB"})
	if err := s.compareResolving(few, many); err != nil {
		return err
	}
	return s.restart(ctx, many)
}

// A namespaceHost is a broker with many names.
type namespaceHost struct {
	*host
	dir   string
	names []string
	paths []namespace.Path // where messages to them are sent
	rate  float64          // of assigning policies
}

// openNamespace makes count names queues, in random order.
func (s *stage) openNamespace(ctx context.Context, count int) (*namespaceHost, error) {
	dir, err := s.folder()
	if err != nil {
		return nil, err
	}
	h, err := openHost(ctx, dir)
	if err != nil {
		return nil, err
	}
	n := &namespaceHost{host: h, dir: dir}
	for _, i := range rand.Perm(count) {
		n.names = append(n.names, fmt.Sprintf("/factory-%d/line-%d/orders-%d", i%10, i%1000, i))
	}
	if err := n.assign(ctx); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return n, nil
}

// assign gives the names their roles.
func (n *namespaceHost) assign(ctx context.Context) error {
	for _, name := range n.names {
		path, err := namespace.ParsePath(name + "/messages")
		if err != nil {
			return err
		}
		n.paths = append(n.paths, path)
	}
	var next atomic.Int64
	sample, err := Load{Callers: assigners, Count: len(n.names), Do: func(ctx context.Context, _ int) error {
		_, err := n.queue(ctx, n.names[next.Add(1)-1], nil)
		return err
	}}.Run(ctx)
	n.rate = sample.Rate()
	return err
}

var errUnresolved = errors.New("a path does not lead to its name")

// resolve finds what a path leads to some times, and returns how long one
// takes, in nanoseconds.
func (n *namespaceHost) resolve(times int) (float64, error) {
	repeats := times / len(n.paths)
	start := time.Now()
	for range repeats {
		for i := range n.paths {
			if e, rest := n.broker.Resolve(n.paths[i]); e == nil || len(rest) != 1 {
				return 0, errUnresolved
			}
		}
	}
	return float64(time.Since(start).Nanoseconds()) / float64(repeats*len(n.paths)), nil
}

func (s *stage) compareResolving(few, many *namespaceHost) error {
	var ofFew, ofMany []float64
	for range s.rounds {
		a, err := few.resolve(s.resolves)
		if err != nil {
			return err
		}
		b, err := many.resolve(s.resolves)
		if err != nil {
			return err
		}
		ofFew, ofMany = append(ofFew, a), append(ofMany, b)
	}
	s.report.add(Row{Name: fmt.Sprintf("resolve one of %d names", s.names), Value: median(ofMany), Unit: "ns"}.
		against(fmt.Sprintf("one of %d", s.fewNames), median(ofFew)).atMost(maxGrowth))
	return nil
}

// restart measures how long a broker takes to open a folder with many names.
func (s *stage) restart(ctx context.Context, n *namespaceHost) error {
	var took []float64
	for range s.rounds {
		if err := n.Close(); err != nil {
			return err
		}
		start := time.Now()
		h, err := openHost(ctx, n.dir)
		if err != nil {
			return err
		}
		took = append(took, time.Since(start).Seconds())
		n.host = h
	}
	if found := n.broker.Info().Names; found != s.names {
		return fmt.Errorf("%w: %d names, not %d", ErrLost, found, s.names)
	}
	s.report.add(Row{Name: fmt.Sprintf("start with %d names", s.names), Value: median(took), Unit: "s"}.atMost(5))
	return nil
}

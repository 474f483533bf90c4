package crash_test

import (
	"context"
	"sync"
)

// A gate is open while the broker is up.
type gate struct {
	mu   sync.Mutex // guards way
	way  chan struct{}
	shut bool
}

func newGate() *gate { return &gate{way: make(chan struct{}), shut: true} }

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		close(g.way)
		g.shut = false
	}
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut {
		g.way, g.shut = make(chan struct{}), true
	}
}

// pass waits until the gate is open; false: ctx has ended.
func (g *gate) pass(ctx context.Context) bool {
	g.mu.Lock()
	way := g.way
	g.mu.Unlock()
	select {
	case <-ctx.Done():
		return false
	case <-way:
		return ctx.Err() == nil
	}
}

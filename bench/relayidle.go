package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/policy"
)

const (
	listenersAtPoint = 25  // as many as a connection point has by default
	maxRelayMemory   = 150 // MiB above what an idle broker has
	// idlePings is how many times a scenario's idle time listeners are watched, so
	// that each is pinged meanwhile.
	idlePings = 3
)

// measureRelayListeners has many listeners wait at a broker of their own, which has
// done nothing before.
func (s *stage) measureRelayListeners(ctx context.Context) (err error) {
	broker, err := s.startBroker(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.Close()) }()
	idle, err := measureResident(broker)
	if err != nil {
		return err
	}
	waiting, err := s.listenMany(ctx, broker.address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, waiting.Close()) }()
	before, err := measureResident(broker)
	if err != nil {
		return err
	}
	if err := sleep(ctx, idlePings*s.idle); err != nil {
		return err
	}
	after, err := broker.figures("")
	if err != nil {
		return err
	}
	used := time.Duration(after.Processor - before.Processor)
	s.report.add(
		Row{Name: fmt.Sprintf("resident memory of %d listeners", s.relayListeners), Value: mebibytes(before.resident) - mebibytes(idle.resident), Unit: "MiB"}.atMost(maxRelayMemory),
		Row{Name: "live heap of them", Value: mebibytes(before.LiveHeap) - mebibytes(idle.LiveHeap), Unit: "MiB"}.atMost(maxRelayMemory),
		Row{Name: "syncs while they wait", Value: float64(after.Syncs - before.Syncs), Unit: "syncs"}.atMost(0),
		Row{Name: "processor of the broker while they wait", Value: 100 * used.Seconds() / (idlePings * s.idle).Seconds(), Unit: "% of a core"}.atMost(1),
	)
	return nil
}

type residentFigures struct {
	partFigures
	resident uint64 // bytes, before a collection
}

func measureResident(p *partProcess) (f residentFigures, err error) {
	f.resident = residentMemory(p.pid())
	f.partFigures, err = p.figures(collectFirst)
	return f, err
}

// manyListeners are listeners that wait for what does not come.
type manyListeners struct {
	client *client.Client
	cancel context.CancelFunc
	group  *errgroup.Group
}

// listenMany returns when all of them listen.
func (s *stage) listenMany(ctx context.Context, address string) (*manyListeners, error) {
	c, err := client.New(client.Options{URL: "http://" + address})
	if err != nil {
		return nil, err
	}
	m := &manyListeners{client: c}
	ctx, m.cancel = context.WithCancel(ctx)
	m.group, ctx = errgroup.WithContext(ctx)
	for first := 0; first < s.relayListeners; first += listenersAtPoint {
		name := fmt.Sprintf("%s/%d", answerPoint, first/listenersAtPoint)
		if err := m.listenAt(ctx, name, min(listenersAtPoint, s.relayListeners-first)); err != nil {
			return nil, errors.Join(err, m.Close())
		}
	}
	return m, nil
}

// listenAt returns when that many listen at a new connection point.
func (m *manyListeners) listenAt(ctx context.Context, name string, count int) error {
	if _, err := m.client.PutPolicy(ctx, name, policy.NewConnectionPoint(), ""); err != nil {
		return err
	}
	opened := make(chan struct{}, count)
	for range count {
		open := sync.OnceFunc(func() { opened <- struct{}{} })
		l := m.client.ListenRelay(name, client.RelayOptions{Open: open, Logger: slog.New(slog.DiscardHandler)})
		m.group.Go(func() error { return l.Serve(ctx, client.RelayHandler{}) })
	}
	for range count {
		select {
		case <-opened:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// Close has all of them go.
func (m *manyListeners) Close() error {
	defer m.client.Close()
	m.cancel()
	if err := m.group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

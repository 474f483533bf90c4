package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/jitney-mq/jitney/queue"
)

// againstBare is what the broker is compared with where there is a bare limit.
const againstBare = "bare bbolt"

func measureSend(ctx context.Context, s *stage) error {
	for _, callers := range []int{1, 64, 256} {
		ours, bare, err := s.compare(ctx, callers, OpenSend, OpenBare)
		if err != nil {
			return err
		}
		s.report.add(ours.withRate(0.6, callersName(callers), againstBare, bare)...)
	}
	return nil
}

func callersName(callers int) string {
	if callers == 1 {
		return "1 caller"
	}
	return fmt.Sprintf("%d callers", callers)
}

// sendSubject has callers send to one queue.
type sendSubject struct {
	*host
	queue  *queue.Queue
	bodies [][]byte
	ledger Ledger
}

// OpenSend opens a broker whose callers send, in this process.
func OpenSend(ctx context.Context, dir string, callers int) (Subject, error) {
	s, err := openSend(ctx, dir, callers)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func openSend(ctx context.Context, dir string, callers int) (*sendSubject, error) {
	h, err := openHost(ctx, dir)
	if err != nil {
		return nil, err
	}
	q, err := h.queue(ctx, "/bench", nil)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return &sendSubject{host: h, queue: q, bodies: newBodies(callers)}, nil
}

// Do sends a message.
func (s *sendSubject) Do(ctx context.Context, caller int) error {
	return sendOne(ctx, s.queue, &s.ledger, s.bodies[caller])
}

// Check receives everything.
func (s *sendSubject) Check(ctx context.Context) error {
	return errors.Join(drain(ctx, s.queue, &s.ledger), s.ledger.Check())
}

package bench

import (
	"context"
	"fmt"
)

func measureEndToEnd(ctx context.Context, s *stage) error {
	for _, load := range []struct {
		callers int
		target  float64
	}{{1, 0.33}, {64, 0.45}, {256, 0.35}} {
		ours, bare, err := s.compare(ctx, load.callers, OpenEndToEnd, OpenBare)
		if err != nil {
			return err
		}
		s.report.add(ours.withRate(load.target, callersName(load.callers), againstBare, bare)...)
	}
	for _, callers := range []int{1, 64, 256} {
		apart, err := s.alternate(ctx, func(ctx context.Context) (Sample, error) { return s.measureApart(ctx, callers) })
		if err != nil {
			return err
		}
		s.report.add(apart[0].rows(apartName(callers), "", nil)...)
	}
	return nil
}

func apartName(callers int) string {
	if callers == 1 {
		return "a sender beside a receiver"
	}
	return fmt.Sprintf("%d senders beside %d receivers", callers, callers)
}

// endToEndSubject has each caller send, peek-lock and complete, one after the other.
type endToEndSubject struct{ *sendSubject }

// OpenEndToEnd opens a broker whose callers do everything, in this process.
func OpenEndToEnd(ctx context.Context, dir string, callers int) (Subject, error) {
	s, err := openSend(ctx, dir, callers)
	if err != nil {
		return nil, err
	}
	return endToEndSubject{s}, nil
}

// Do sends a message, and receives and completes one: of this caller or of another one.
func (s endToEndSubject) Do(ctx context.Context, caller int) error {
	if err := s.sendSubject.Do(ctx, caller); err != nil {
		return err
	}
	return receiveOne(ctx, s.queue, &s.ledger)
}

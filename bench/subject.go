package bench

import (
	"context"
	"errors"
	"runtime"
)

// A Subject is what a load is put on: the broker, or a bare limit.
type Subject interface {
	// Do puts one message through. Callers are numbered from 0; each has one
	// message under way at a time.
	Do(ctx context.Context, caller int) error
	// Written returns what has been written so far.
	Written() Written
	// Check returns an error if not all that Do was called for has happened,
	// and exactly once. It may use the messages up.
	Check(ctx context.Context) error
	// Close gives everything up.
	Close() error
}

// An Opener makes a subject that keeps its data in a folder.
type Opener func(ctx context.Context, dir string, callers int) (Subject, error)

// measure puts callers on a new subject, for one run.
func (s *stage) measure(ctx context.Context, open Opener, callers int) (sample Sample, err error) {
	dir, err := s.folder()
	if err != nil {
		return Sample{}, err
	}
	defer func() { err = errors.Join(err, s.clear(dir)) }()
	subject, err := open(ctx, dir, callers)
	if err != nil {
		return Sample{}, err
	}
	defer func() { err = errors.Join(err, subject.Close()) }()
	if sample, err = s.drive(ctx, subject, callers); err != nil {
		return sample, err
	}
	return sample, subject.Check(ctx)
}

// drive puts callers on a subject, first to warm it up.
func (s *stage) drive(ctx context.Context, subject Subject, callers int) (Sample, error) {
	load := Load{Callers: callers, For: s.warmUp, Do: subject.Do}
	if _, err := load.Run(ctx); err != nil {
		return Sample{}, err
	}
	load.For = s.run
	runtime.GC()
	before := subject.Written()
	sample, err := load.Run(ctx)
	sample.Written = subject.Written().since(before)
	return sample, err
}

// A contender is one side of a comparison: each call is a run.
type contender func(context.Context) (Sample, error)

// alternate has the contenders run in turn, A B A B A B, so that what happens
// to the machine in the meantime happens to all of them, and returns the
// samples of each.
func (s *stage) alternate(ctx context.Context, contenders ...contender) ([]samples, error) {
	all := make([]samples, len(contenders))
	for range s.rounds {
		for i, run := range contenders {
			sample, err := run(ctx)
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], sample)
		}
	}
	return all, nil
}

// compare measures two subjects in turn.
func (s *stage) compare(ctx context.Context, callers int, ours, bare Opener) (of, base samples, err error) {
	side := func(open Opener) contender {
		return func(ctx context.Context) (Sample, error) { return s.measure(ctx, open, callers) }
	}
	all, err := s.alternate(ctx, side(ours), side(bare))
	if err != nil {
		return nil, nil, err
	}
	return all[0], all[1], nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
)

// A jobStory is what becomes of a number of jobs.
type jobStory struct {
	*bus
	out  io.Writer
	jobs int

	crew   *crew
	before int // jobs that the worker behind the relay had done when it came back
}

func (s *jobStory) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// tell is the whole of it.
func (s *jobStory) tell(ctx context.Context) (err error) {
	if s.crew, err = s.hire(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.crew.stop()) }()
	s.say("6. %s sends each job to %s and to %s, which gives it to one of two workers:", jobsName, auditName, workersName)
	s.say("   one pulls from %s, one listens at %s.", pulledName, workerPoint)
	if err := s.send(ctx); err != nil {
		return err
	}
	if err := s.untilDone(ctx); err != nil {
		return err
	}
	return s.check(ctx)
}

// send sends the jobs, one after the other. In the middle the worker behind the
// relay is away.
func (s *jobStory) send(ctx context.Context) error {
	for n := range s.jobs {
		switch n {
		case s.jobs / 3:
			s.say("7. The worker behind the relay goes away, after %d jobs were sent.", n)
			if err := s.crew.goAway(); err != nil {
				return err
			}
		case 2 * s.jobs / 3:
			s.say("8. It comes back, after %d.", n)
			s.before = s.crew.log.count(relayed)
			if err := s.crew.comeBack(ctx); err != nil {
				return err
			}
		}
		job := fmt.Sprintf("job-%d", n)
		if _, err := s.client.Send(ctx, jobsName, &message.Message{ID: job, Body: []byte(job)}); err != nil {
			return err
		}
	}
	return nil
}

// doneTimeout bounds how long the last jobs take. The router tries a worker that
// was away again after a pause, which grows while it is away.
const doneTimeout = 2 * time.Minute

// untilDone waits until nothing is left to do.
func (s *jobStory) untilDone(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, doneTimeout)
	defer cancel()
	for {
		left := int64(0)
		for _, name := range []string{workersName, pulledName} {
			counts, err := s.client.Counts(ctx, name)
			if err != nil {
				return err
			}
			if counts.DeadLetter > 0 {
				return fmt.Errorf("%s has %d dead letters", name, counts.DeadLetter)
			}
			left += counts.Active + counts.Locked + counts.Scheduled
		}
		if left == 0 {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%d jobs are left: %w", left, ctx.Err())
		}
	}
}

// check compares what was done with what the audit queue has.
func (s *jobStory) check(ctx context.Context) error {
	var jobs []string
	for m, err := range s.client.Browse(ctx, auditName, client.BrowseOptions{}) {
		if err != nil {
			return err
		}
		jobs = append(jobs, m.ID)
	}
	if len(jobs) != s.jobs {
		return fmt.Errorf("%s has %d jobs of %d", auditName, len(jobs), s.jobs)
	}
	repeats, err := s.crew.log.check(jobs)
	if err != nil {
		return err
	}
	log := s.crew.log
	if log.count(pulling) == 0 || s.before == 0 || log.count(relayed) == s.before {
		return errors.New("one of the workers had nothing to do")
	}
	s.say("9. All %d jobs that %s has were done, none is missing:", len(jobs), auditName)
	s.say("   %d by the one that pulls, %d by the one behind the relay; %d of them twice, which came twice.",
		log.count(pulling), log.count(relayed), repeats)
	return nil
}

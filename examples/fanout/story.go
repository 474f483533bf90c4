package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
)

// story is a run of the example, told as it goes.
type story struct {
	out      io.Writer
	programs string // the folder of the programs; empty: they are built
	jobs     int

	dir      string
	url      string // the broker's
	broker   *process
	services map[string]*process
	again    map[int]bool // jobs that were sent once more, for nobody knew whether they had arrived
}

// The services, in the order in which they are told of.
var serviceNames = []string{"audit", "pushed-1", "pushed-2", "socket", "pulled"}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

func (s *story) logbook(service string) string { return filepath.Join(s.dir, service+".log") }

// tell is the whole of it.
func (s *story) tell(ctx context.Context) (err error) {
	dir, remove, err := folder()
	if err != nil {
		return err
	}
	defer remove()
	s.dir, s.services, s.again = dir, map[string]*process{}, map[int]bool{}
	if s.programs == "" {
		s.programs = dir
		if err := programs(dir).build(ctx); err != nil {
			return err
		}
	}
	defer s.killAll()
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := s.send(ctx); err != nil {
		return err
	}
	if err := s.untilDone(ctx); err != nil {
		return err
	}
	if err := s.end(); err != nil {
		return err
	}
	return s.check()
}

// begin starts the broker, makes the topology and starts the services.
func (s *story) begin(ctx context.Context) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	s.url = "http://" + address
	if err := s.startBroker(ctx); err != nil {
		return err
	}
	s.say("1. A broker runs at %s.", s.url)
	endpoints := make([]string, 2)
	for i := range endpoints {
		if endpoints[i], err = freeAddress(); err != nil {
			return err
		}
	}
	if err := build(ctx, s.url, topology("http://"+endpoints[0]+"/", "http://"+endpoints[1]+"/")); err != nil {
		return err
	}
	s.say("2. %s sends each job to %s and to %s; %s gives it to one of the workers.", jobs, audit, workers, workers)
	for _, start := range [][]string{
		{"audit", "audit"}, {"pushed-1", "pushed", "-addr", endpoints[0]}, {"pushed-2", "pushed", "-addr", endpoints[1]},
		{"socket", "socket"}, {"pulled", "pull"},
	} {
		if err := s.startService(start[0], start[1:]); err != nil {
			return err
		}
	}
	s.say("3. An audit service and four workers run: two get jobs pushed, one has a WebSocket, one receives.")
	return nil
}

func (s *story) startBroker(ctx context.Context) (err error) {
	s.broker, err = programs(s.programs).start("the broker", "jitney", "serve", "--insecure",
		"--dir", filepath.Join(s.dir, "data"), "--listen", s.url[len("http://"):], "--push-allow", "127.0.0.1")
	if err != nil {
		return err
	}
	return untilReady(ctx, s.url, s.broker)
}

func (s *story) startService(name string, args []string) error {
	args = append(args, "-url", s.url, "-log", s.logbook(name))
	x, err := programs(s.programs).start(name, "fanout", args...)
	if err == nil {
		s.services[name] = x
	}
	return err
}

// send sends the jobs, one after the other, and kills a worker and the broker on
// the way. A job of which nobody knows whether it has arrived is sent again.
func (s *story) send(ctx context.Context) error {
	c, err := client.New(client.Options{URL: s.url})
	if err != nil {
		return err
	}
	defer c.Close()
	began := time.Now()
	restarted := make(chan error, 1)
	for n := range s.jobs {
		switch n {
		case s.jobs / 3:
			if err := s.services["pushed-1"].kill(); err != nil {
				return err
			}
			s.say("4. SIGKILL for a worker that jobs are pushed to, after %d jobs.", n)
		case 2 * s.jobs / 3:
			s.say("5. SIGKILL for the broker, after %d jobs; it is started again on the same folder.", n)
			go func() { restarted <- s.restart(ctx) }()
		}
		if err := s.sendOne(ctx, c, n); err != nil {
			return err
		}
	}
	if err := <-restarted; err != nil {
		return err
	}
	s.say("6. %d jobs were sent in %.1fs, %d of them again.", s.jobs, time.Since(began).Seconds(), len(s.again))
	return nil
}

func (s *story) sendOne(ctx context.Context, c *client.Client, n int) error {
	for {
		m := &message.Message{ID: jobID(n), ContentType: "text/plain", Body: []byte("job " + strconv.Itoa(n))}
		_, err := c.Send(ctx, jobs, m)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		if refused, answered := errors.AsType[*client.Error](err); answered {
			return refused
		}
		s.again[n] = true
		pause(ctx, 20*time.Millisecond)
	}
}

// restart kills the broker, whatever it is doing, and starts it again.
func (s *story) restart(ctx context.Context) error {
	if err := s.broker.kill(); err != nil {
		return err
	}
	return s.startBroker(ctx)
}

// untilDone waits until nothing is left to do.
func (s *story) untilDone(ctx context.Context) error {
	c, err := client.New(client.Options{URL: s.url})
	if err != nil {
		return err
	}
	defer c.Close()
	for ctx.Err() == nil {
		left := int64(0)
		for _, queue := range []string{audit, workers, pulled} {
			counts, err := c.Counts(ctx, queue)
			if err != nil {
				return err
			}
			left += counts.Active + counts.Locked + counts.Scheduled
			if counts.DeadLetter > 0 {
				return fmt.Errorf("%s has %d dead letters", queue, counts.DeadLetter)
			}
		}
		if left == 0 {
			s.say("7. Every job is done.")
			return nil
		}
		pause(ctx, 100*time.Millisecond)
	}
	return ctx.Err()
}

// end ends the services, and then the broker.
func (s *story) end() error {
	var errs []error
	for _, name := range serviceNames {
		errs = append(errs, s.services[name].stop())
	}
	return errors.Join(append(errs, s.broker.stop())...)
}

// killAll is for when something failed before: the error says what.
func (s *story) killAll() {
	for _, x := range s.services {
		if !x.dead {
			_ = x.kill()
		}
	}
	if s.broker != nil && !s.broker.dead {
		_ = s.broker.kill()
	}
}

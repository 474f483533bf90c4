package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/examples/worker/record"
)

const (
	queueName    = "/files"
	workerCount  = 3
	victim       = 1 // the place of the worker that is killed
	lockDuration = 8 * time.Second
)

// story is a run of the example, told as it goes.
type story struct {
	out      io.Writer
	programs string // the folder of the programs; empty: they are built
	dir      string // where everything is made
	most     int    // files at most; 0: all

	source string        // the folder of the files
	files  []record.File // the data set
}

// say prints a line, numbers with commas.
func (s *story) say(format string, args ...any) {
	message.NewPrinter(language.English).Fprintf(s.out, format+"\n", args...)
}

func (s *story) dataSet() string { return filepath.Join(s.dir, "files.txt") }
func (s *story) data() string    { return filepath.Join(s.dir, "data") }
func (s *story) findings(i int) string {
	return filepath.Join(s.dir, fmt.Sprintf("findings-%d.txt", i+1))
}
func (s *story) seconds(t time.Time) string { return fmt.Sprintf("%.1fs", time.Since(t).Seconds()) }

// tell is the whole of it.
func (s *story) tell(ctx context.Context) error {
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "jitney-worker-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		s.dir = dir
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	b, err := startBroker(programs(s.programs), s.data())
	if err != nil {
		return err
	}
	s.say("2. A broker runs at %s.", b.url)
	if err := errors.Join(s.work(ctx, b), b.stop()); err != nil {
		return err
	}
	checked, err := b.run(ctx, "check", s.data())
	if err != nil {
		return err
	}
	s.say("7. The broker has ended; jitney check says: %s.", checked)
	return s.check()
}

// prepare makes the program and the data set.
func (s *story) prepare(ctx context.Context) (err error) {
	if s.programs == "" {
		s.programs = s.dir
		if err := programs(s.programs).build(ctx); err != nil {
			return err
		}
	}
	if err := s.readFiles(); err != nil {
		return err
	}
	s.say("1. The data set: %d files of the Go standard library, each a line with hash, size and path.", len(s.files))
	return writeFiles(s.dataSet(), s.files)
}

func (s *story) readFiles() (err error) {
	if s.source, err = sourceFolder(); err != nil {
		return err
	}
	s.files, err = readFiles(s.source, s.most)
	return err
}

// work sends the data set, starts the workers, kills one, and returns when
// nothing is left to do.
func (s *story) work(ctx context.Context, b *broker) error {
	if _, err := b.run(ctx, "policy", "put", queueName); err != nil {
		return err
	}
	began := time.Now()
	sent, err := b.run(ctx, "send", queueName, "--lines", s.dataSet())
	if err != nil {
		return err
	}
	if sent != fmt.Sprint(len(s.files)) {
		return fmt.Errorf("%s of %d lines were sent", sent, len(s.files))
	}
	s.say("3. jitney send --lines: %d messages are on disk after %s.", len(s.files), s.seconds(began))
	workers, err := s.startWorkers(b)
	defer func() {
		for _, w := range workers {
			if w.cmd.ProcessState == nil {
				_ = w.kill() // only if something failed before: the error says what
			}
		}
	}()
	if err != nil {
		return err
	}
	return s.watch(ctx, b, workers)
}

func (s *story) startWorkers(b *broker) (workers []*worker, err error) {
	for i := range workerCount {
		w, err := b.startWorker(s.source, s.findings(i))
		if err != nil {
			return workers, err
		}
		workers = append(workers, w)
	}
	s.say("4. %d jitney work processes compete for them, each with 2 commands at a time.", workerCount)
	return workers, nil
}

// watch kills a worker on the way and waits for the others.
func (s *story) watch(ctx context.Context, b *broker, workers []*worker) error {
	began := time.Now()
	enough := len(s.files) / (2 * workerCount)
	err := until(ctx, 5*time.Millisecond, func() (bool, error) { return countLines(workers[victim].findings) >= enough, nil })
	if err != nil {
		return err
	}
	if err := workers[victim].kill(); err != nil {
		return err
	}
	s.say("5. SIGKILL for worker %d, after about %d findings. What it has locked is locked for up to %s.",
		victim+1, enough, lockDuration)
	if err := s.untilDone(ctx, b); err != nil {
		return err
	}
	for i, w := range workers {
		if err := w.stop(); err != nil {
			return fmt.Errorf("worker %d: %w", i+1, err)
		}
	}
	s.say("6. All messages are settled after %s.", s.seconds(began))
	return nil
}

// untilDone waits until the queue is empty. A dead letter is an error: every
// file is there to be read.
func (s *story) untilDone(ctx context.Context, b *broker) error {
	c, err := client.New(client.Options{URL: b.url})
	if err != nil {
		return err
	}
	defer c.Close()
	return until(ctx, 100*time.Millisecond, func() (bool, error) {
		counts, err := c.Counts(ctx, queueName)
		if err == nil && counts.DeadLetter > 0 {
			err = errors.New("a message became a dead letter")
		}
		return counts.Active+counts.Locked+counts.Scheduled == 0, err
	})
}

// until asks again and again until the answer is yes.
func until(ctx context.Context, every time.Duration, done func() (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// countLines returns how many lines a file has that may not be there yet.
func countLines(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	return bytes.Count(text, []byte("\n"))
}

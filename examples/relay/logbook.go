package main

import (
	"fmt"
	"sync"
)

// done says that a worker has done a job, and of which delivery.
type done struct {
	worker     string
	deliveries int
}

// A logbook is what was done, by job. Its methods may be called from any
// goroutine.
type logbook struct {
	mu    sync.Mutex // guards lines
	lines map[string][]done
}

func newLogbook() *logbook { return &logbook{lines: map[string][]done{}} }

func (l *logbook) write(job string, d done) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines[job] = append(l.lines[job], d)
}

// count returns how many jobs a worker has done, counting again what it did again.
func (l *logbook) count(worker string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, list := range l.lines {
		for _, d := range list {
			if d.worker == worker {
				n++
			}
		}
	}
	return n
}

// check wants each of the jobs to have been done, and no other. What was done
// more than once has to have been delivered more than once; repeats says how
// many were.
func (l *logbook) check(jobs []string) (repeats int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, job := range jobs {
		switch list := l.lines[job]; {
		case len(list) == 0:
			return 0, fmt.Errorf("%s was not done", job)
		case len(list) > 1 && !wasRepeated(list):
			return 0, fmt.Errorf("%s was done %d times, and delivered once", job, len(list))
		case len(list) > 1:
			repeats++
		}
	}
	if len(l.lines) != len(jobs) {
		return 0, fmt.Errorf("%d jobs were done, where there were %d", len(l.lines), len(jobs))
	}
	return repeats, nil
}

// wasRepeated reports whether one of the deliveries was not the first.
func wasRepeated(list []done) bool {
	for _, d := range list {
		if d.deliveries > 1 {
			return true
		}
	}
	return false
}

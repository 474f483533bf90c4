package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/jitney-mq/jitney/message"
)

// A job is a number; its message's id says which.
func jobID(n int) string { return "job-" + strconv.Itoa(n) }

// number is the number of a job by its id, -1 if it is none.
func number(id string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(id, "job-"))
	if err != nil {
		return -1
	}
	return n
}

// done is a line of a logbook: what a service has done with a message.
type done struct {
	job        int
	sequence   int64 // the number that its queue gave the message
	deliveries int
}

func (d done) String() string { return fmt.Sprintf("%d %d %d", d.job, d.sequence, d.deliveries) }

func newDone(m *message.Received) done {
	return done{number(m.ID), m.SequenceNumber, m.DeliveryCount}
}

// A logbook is a file of lines that are on disk when they are written.
type logbook struct{ file *os.File }

func openLogbook(path string) (*logbook, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return &logbook{f}, err
}

// write appends lines and syncs them.
func (l *logbook) write(list ...done) error {
	var b strings.Builder
	for _, d := range list {
		fmt.Fprintln(&b, d)
	}
	if _, err := l.file.WriteString(b.String()); err != nil {
		return err
	}
	return l.file.Sync()
}

// readLogbook reads the whole lines of a logbook: a process that was killed can
// have left a part of one, which it has told nobody about.
func readLogbook(path string) (list []done, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var d done
		if _, err := fmt.Sscan(lines.Text(), &d.job, &d.sequence, &d.deliveries); err == nil {
			list = append(list, d)
		}
	}
	return list, nil
}

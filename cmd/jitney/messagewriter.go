package main

import (
	"bufio"
	"fmt"
	"io"

	"github.com/jitney-mq/jitney/message"
)

// messageWriter shows messages one after the other.
type messageWriter interface {
	add(m *message.Received) error // may hold it back until flush
	flush() error
	end() error
}

// newWriter returns the writer for the output that was asked for.
func (r *receive) newWriter() messageWriter {
	if r.output != "" {
		columns := []column[*message.Received]{numberColumn, idColumn, labelColumn, deliveriesColumn, bodyColumn}
		if r.settling == settleNothing {
			columns = append(columns, lockColumn)
		}
		return newLister(r.stdout, r.output, messageJSON, columns...)
	}
	b := &bodyWriter{w: bufio.NewWriter(r.stdout), lineEnds: r.follow || r.count > 1 || isTerminal(r.stdout)}
	if r.mode == peekLock && r.settling == settleNothing {
		b.locks = r.stderr
	}
	return b
}

// bodyWriter shows the bodies only.
type bodyWriter struct {
	w        *bufio.Writer
	lineEnds bool      // whether each body ends with a line end
	locks    io.Writer // where the locks are told; nil: nowhere
}

func (b *bodyWriter) add(m *message.Received) error {
	if _, err := b.w.Write(m.Body); err != nil {
		return err
	}
	if b.locks != nil {
		fmt.Fprintf(b.locks, "jitney: message %d is locked until %s: %s\n", m.SequenceNumber, instant(m.LockedUntil), oneLine(m.Lock))
	}
	if n := len(m.Body); b.lineEnds && (n == 0 || m.Body[n-1] != '\n') {
		return b.w.WriteByte('\n')
	}
	return nil
}

func (b *bodyWriter) flush() error { return b.w.Flush() }
func (b *bodyWriter) end() error   { return b.w.Flush() }

// messageError says which message an error is about.
func messageError(m *message.Received, err error) error {
	return fmt.Errorf("message %d: %w", m.SequenceNumber, err)
}

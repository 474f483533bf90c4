package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
)

func measureStream(ctx context.Context, s *stage) error {
	all, err := s.alternate(ctx,
		func(ctx context.Context) (Sample, error) { return s.measureLines(ctx, 1) },
		func(ctx context.Context) (Sample, error) { return s.measureLines(ctx, 4) },
		func(ctx context.Context) (Sample, error) { return s.measure(ctx, OpenSend, 256) })
	if err != nil {
		return err
	}
	const against = "256 callers in process"
	s.report.add(all[0].withRate(0.5, "1 connection", against, all[2])...)
	s.report.add(all[1].withRate(0.5, "4 connections", against, all[2])...)
	return nil
}

// measureLines streams messages over some connections at a time. A message's
// latency is from the write that has it to the line that says it is on disk,
// and so is mostly the time that it spends in the buffers of a connection that
// is kept full.
func (s *stage) measureLines(ctx context.Context, connections int) (sample Sample, err error) {
	dir, err := s.folder()
	if err != nil {
		return Sample{}, err
	}
	defer func() { err = errors.Join(err, s.clear(dir)) }()
	subject, err := openSend(ctx, dir, 0)
	if err != nil {
		return Sample{}, err
	}
	defer func() { err = errors.Join(err, subject.Close()) }()
	address, err := subject.listen()
	if err != nil {
		return Sample{}, err
	}
	if _, err := streamAll(ctx, address, &subject.ledger, connections, s.warmUp); err != nil {
		return Sample{}, err
	}
	runtime.GC()
	before := subject.Written()
	if sample, err = streamAll(ctx, address, &subject.ledger, connections, s.run); err != nil {
		return sample, err
	}
	sample.Written = subject.Written().since(before)
	return sample, subject.Check(ctx)
}

// streamAll runs a stream on each of some new connections.
func streamAll(ctx context.Context, address string, l *Ledger, connections int, length time.Duration) (Sample, error) {
	list, err := dialAll(ctx, address, connections)
	if err != nil {
		return Sample{}, err
	}
	defer list.Close()
	latencies := make([]Histogram, connections)
	start := time.Now()
	err = list.together(ctx, func(i int) error {
		s := stream{
			conn: list[i], ledger: l, chunk: newChunk(),
			pending: make(chan pending, maxPending), latency: &latencies[i],
		}
		return s.run(start.Add(length))
	})
	return newSample(time.Since(start), latencies), err
}

const (
	chunkLines = 64      // messages that are written together
	maxPending = 1 << 16 // chunks under way; a server that is further behind stops the writer
)

// A stream is one request of many lines.
type stream struct {
	*conn
	ledger  *Ledger
	chunk   chunk
	pending chan pending // in the order of writing; closed behind the last
	latency *Histogram
}

// pending is a chunk that has been written.
type pending struct {
	last int64 // which message of the stream its last one is, from 1
	at   time.Time
}

// run writes until end, and returns when everything is on disk.
func (s *stream) run(end time.Time) error {
	var both errgroup.Group
	both.Go(func() error { return s.write(end) })
	both.Go(func() error {
		err := s.read()
		if err != nil {
			_ = s.Close() // the writer would wait
		}
		return err
	})
	return both.Wait()
}

// write writes chunks until end.
func (s *stream) write(end time.Time) error {
	defer close(s.pending)
	if _, err := s.Write(requestHead("POST", "/bench/messages", "application/x-ndjson", -1)); err != nil {
		return err
	}
	count := int64(0)
	for now := time.Now(); now.Before(end); now = time.Now() {
		s.chunk.stamp(s.ledger)
		count += chunkLines
		s.pending <- pending{count, now}
		if _, err := s.Write(s.chunk.text); err != nil {
			return err
		}
	}
	_, err := s.Write([]byte("0\r\n\r\n"))
	return err
}

// read reads how far the stream has come until the answer ends.
func (s *stream) read() error {
	answer, err := s.answer(http.StatusOK)
	if err != nil {
		return err
	}
	next, more := <-s.pending
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		committed, err := parseProgress(lines.Bytes())
		if err != nil {
			return err
		}
		for ; more && next.last <= committed; next, more = <-s.pending {
			s.latency.RecordMany(time.Since(next.at), chunkLines)
		}
	}
	if more {
		return errors.Join(lines.Err(), fmt.Errorf("%w: the stream ended before message %d was on disk", ErrLost, next.last))
	}
	return lines.Err()
}

// parseProgress reads a line of the answer: progress, or the problem that ends
// the stream.
func parseProgress(line []byte) (committed int64, err error) {
	var progress struct {
		Committed int64
		Status    int
	}
	if err := json.Unmarshal(line, &progress); err != nil {
		return 0, err
	}
	if progress.Status != 0 {
		return 0, &errAnswer{progress.Status, string(line)}
	}
	return progress.Committed, nil
}

// A chunk is a piece of a request's body that has some lines, made beforehand
// but for the numbers of the messages.
type chunk struct {
	text   []byte
	bodies [chunkLines][]byte // parts of text
}

func newChunk() (c chunk) {
	line := fmt.Appendf(nil, `{"body":"%s"}`+"\n", newBody())
	c.text = fmt.Appendf(nil, "%x\r\n", chunkLines*len(line))
	head := len(c.text)
	c.text = append(append(c.text, bytes.Repeat(line, chunkLines)...), "\r\n"...)
	for i := range c.bodies {
		c.bodies[i] = c.text[head+i*len(line)+len(`{"body":"`):][:bodySize]
	}
	return c
}

func (c *chunk) stamp(l *Ledger) {
	for _, body := range c.bodies {
		l.Stamp(body)
	}
}

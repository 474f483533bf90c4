package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/jitney-mq/jitney/policy"
)

const (
	largeBodies   = 4
	maxLargeHeap  = 128 // MiB above what an idle broker has
	largeBlock    = 64 << 10
	largeMessages = "/large/messages"
)

func measureLarge(ctx context.Context, s *stage) error {
	var r largeResult
	for range s.events {
		if err := s.largeOnce(ctx, &r); err != nil {
			return err
		}
	}
	name := fmt.Sprintf("%d bodies of %g MiB", largeBodies, mebibytes(uint64(s.body)))
	s.report.add(slowdown("send beside "+name, r.troubled, r.calm)...)
	s.report.add(
		Row{Name: name + " in", Value: median(r.in), Unit: "MiB/s"},
		Row{Name: name + " out", Value: median(r.out), Unit: "MiB/s"},
		Row{Name: "live heap above idle, peak", Value: median(r.live), Unit: "MiB"}.atMost(maxLargeHeap),
		Row{Name: "heap above idle with what is not collected yet, peak", Value: median(r.objects), Unit: "MiB"})
	return nil
}

// largeResult is what the rounds came to.
type largeResult struct {
	calm, troubled samples
	in, out        []float64 // MiB/s
	live, objects  []float64 // MiB
}

// largeOnce measures a round. The other ends of the connections are in the
// same process; what they need of the heap is next to nothing.
func (s *stage) largeOnce(ctx context.Context, r *largeResult) (err error) {
	steady, err := s.openSteady(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, steady.Close()) }()
	t, err := openTransfer(ctx, steady.host, s.body)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	idle := liveHeap()
	watch := watchHeap()
	calm, troubled, err := steady.disturb(ctx, event{happen: t.inAndOut})
	peak := watch.end()
	if err != nil {
		return err
	}
	r.calm, r.troubled = append(r.calm, calm), append(r.troubled, troubled)
	r.in, r.out = append(r.in, t.rate(t.inTook)), append(r.out, t.rate(t.outTook))
	r.live = append(r.live, mebibytes(peak.live)-mebibytes(idle))
	r.objects = append(r.objects, mebibytes(peak.objects)-mebibytes(idle))
	return errors.Join(t.ledger.Check(), steady.finish(ctx))
}

// transfer sends and receives large bodies, one over each connection.
type transfer struct {
	conns
	size            int64 // bytes of a body
	blocks          [][]byte
	ledger          Ledger
	inTook, outTook time.Duration
}

func openTransfer(ctx context.Context, h *host, size int64) (*transfer, error) {
	_, err := h.queue(ctx, "/large", func(p *policy.Queue) { p.MaxMessageKilobytes = 100 << 10 })
	if err != nil {
		return nil, err
	}
	address, err := h.listen()
	if err != nil {
		return nil, err
	}
	list, err := dialAll(ctx, address, largeBodies)
	t := &transfer{conns: list, size: size}
	for range largeBodies {
		t.blocks = append(t.blocks, bytes.Repeat(newBody(), largeBlock/bodySize))
	}
	return t, err
}

func (t *transfer) rate(took time.Duration) float64 {
	return mebibytes(uint64(t.size)) * largeBodies / took.Seconds()
}

func (t *transfer) inAndOut(ctx context.Context) (err error) {
	if t.inTook, err = t.all(ctx, t.send); err != nil {
		return err
	}
	t.outTook, err = t.all(ctx, t.receive)
	return err
}

// all does the same over all connections at once.
func (t *transfer) all(ctx context.Context, do func(c *conn, block []byte) error) (time.Duration, error) {
	start := time.Now()
	err := t.together(ctx, func(i int) error { return do(t.conns[i], t.blocks[i]) })
	return time.Since(start), err
}

// send sends a body that is the same block again and again.
func (t *transfer) send(c *conn, block []byte) error {
	t.ledger.Stamp(block)
	if _, err := c.Write(requestHead("POST", largeMessages, "application/octet-stream", t.size)); err != nil {
		return err
	}
	for range t.size / largeBlock {
		if _, err := c.Write(block); err != nil {
			return err
		}
	}
	answer, err := c.answer(http.StatusCreated)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// receive peek-locks a body, reads it with its block in hand, and completes it.
func (t *transfer) receive(c *conn, block []byte) error {
	if _, err := c.Write(requestHead("POST", largeMessages+"/head?timeout=20", "", 0)); err != nil {
		return err
	}
	answer, err := c.answer(http.StatusCreated)
	if err != nil {
		return err
	}
	if err := t.read(answer.Body, block); err != nil {
		return err
	}
	_, _, err = c.call("DELETE", answer.Header.Get("Location"), http.StatusOK)
	return err
}

// read reads a body of any of the senders: its first block is all of it.
func (t *transfer) read(body io.Reader, first []byte) error {
	if _, err := io.ReadFull(body, first); err != nil {
		return err
	}
	next := make([]byte, largeBlock)
	for range t.size/largeBlock - 1 {
		if _, err := io.ReadFull(body, next); err != nil {
			return err
		}
		if !bytes.Equal(next, first) {
			return fmt.Errorf("%w: a large body has come damaged", ErrLost)
		}
	}
	if n, err := io.Copy(io.Discard, body); n != 0 || err != nil {
		return fmt.Errorf("%w: a large body has come with %d bytes more: %w", ErrLost, n, err)
	}
	t.ledger.See(first)
	return nil
}

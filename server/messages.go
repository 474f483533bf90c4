package server

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/queue"
)

// replyBuffer is how many bytes of messages gather before they are written.
const replyBuffer = 32 << 10

// A messageWriter writes messages as JSON: an array, or one a line. Of large
// bodies it has one in memory at a time [M1].
type messageWriter struct {
	x      *exchange
	status int
	to     *floored
	buf    []byte
	lines  bool
	count  int
}

// newMessageWriter makes a reply of messages, which begins with the first flush.
func (x *exchange) newMessageWriter(status int) *messageWriter {
	x.Header().Add("Vary", "Accept")
	return &messageWriter{x: x, status: status, to: x.floored(), lines: x.wantsLines()}
}

// begin writes the header.
func (w *messageWriter) begin() {
	h := w.x.Header()
	h["Content-Type"] = []string{jsonType}
	if w.lines {
		h["Content-Type"] = []string{linesType}
	}
	h["X-Content-Type-Options"], h["Content-Security-Policy"] = nosniff, sandbox // [N7]
	w.x.WriteHeader(w.status)
}

func (x *exchange) wantsLines() bool { return preferred(x.r.Header, jsonType, linesType) == linesType }

// add writes a message. The memory that a large one takes is waited for.
func (w *messageWriter) add(d *queue.Delivery) error {
	weight := min(3*d.Size, maxReplyMemory)
	if err := w.x.server.replies.Acquire(w.x.r.Context(), weight); err != nil {
		return err
	}
	defer w.x.server.replies.Release(weight)
	if err := d.Load(); err != nil {
		return err
	}
	if w.count++; w.count > 1 && !w.lines {
		w.buf = append(w.buf, ',')
	}
	w.buf = message.AppendJSON(w.buf, &d.Received)
	d.Body = nil
	if w.lines {
		w.buf = append(w.buf, '\n')
	}
	if len(w.buf) < replyBuffer {
		return nil
	}
	return w.flush()
}

func (w *messageWriter) flush() error {
	if w.x.status == 0 {
		w.begin()
	}
	_, err := w.to.Write(w.buf)
	if w.buf = w.buf[:0]; cap(w.buf) > 4*replyBuffer {
		w.buf = nil
	}
	return err
}

// text adds what stands around the messages of an array.
func (w *messageWriter) text(s string) {
	if !w.lines {
		w.buf = append(w.buf, s...)
	}
}

// writeMessages answers a receive of several [R1].
func (x *exchange) writeMessages(status int, list []*queue.Delivery) error {
	w := x.newMessageWriter(status)
	w.text("[")
	for _, d := range list {
		if d.LockToken != "" {
			d.Lock = x.lockURI(d)
		}
		if err := w.add(d); err != nil {
			return err
		}
	}
	w.text("]")
	return w.flush()
}

// browse answers a page of messages without locking them [R12].
func (x *exchange) browse() error {
	if err := x.refuseLater("where", "status"); err != nil {
		return err
	}
	opts := queue.BrowseOptions{Sub: x.sub}
	var err error
	if opts.Count, err = x.count(browseCount); err != nil {
		return err
	}
	if opts.From, err = x.from(); err != nil {
		return err
	}
	if err := x.server.replies.Acquire(x.r.Context(), queue.MaxReply); err != nil {
		return err
	}
	page, err := x.queue.Browse(opts)
	x.server.replies.Release(queue.MaxReply)
	if err != nil {
		return err
	}
	return x.writePage(&page, opts.Count)
}

// from reads the first sequence number of a page.
func (x *exchange) from() (uint64, error) {
	text, err := x.argument("from")
	if err != nil || text == "" {
		return 0, err
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, problem.NewField("from", text, "a sequence number")
	}
	return n, nil
}

func (x *exchange) writePage(page *queue.Page, count int) error {
	next := ""
	if page.Next > 0 {
		next = fmt.Sprintf("%s/messages?from=%d&count=%d", x.queuePath(), page.Next, count)
		x.Header().Set("Link", "<"+next+`>; rel="next"`)
	}
	w := x.newMessageWriter(http.StatusOK)
	w.text(`{"messages":[`)
	for _, d := range page.Messages {
		if err := w.add(d); err != nil {
			return err
		}
	}
	w.text("]")
	if next != "" {
		w.text(`,"next":` + strconv.Quote(next))
	}
	w.text("}")
	return w.flush()
}

// find answers one message [R12].
func (x *exchange) find() error {
	d, err := x.queue.Find(x.sub, x.number)
	if err != nil {
		return err
	}
	w := x.newMessageWriter(http.StatusOK)
	if err := w.add(d); err != nil {
		return err
	}
	return w.flush()
}

package server

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/queue"
)

// receive locks the next message, or several [R1].
func (x *exchange) receive() error { return x.take(queue.PeekLock, http.StatusCreated) }

// receiveAndDelete removes the next message, or several, and answers with
// them: from the commit on they are nowhere else [R6].
func (x *exchange) receiveAndDelete() error { return x.take(queue.ReceiveAndDelete, http.StatusOK) }

func (x *exchange) take(mode queue.Mode, status int) error {
	opts, err := x.receiveOptions(mode)
	if err != nil {
		return err
	}
	if err := x.skipBody(); err != nil {
		return err
	}
	list, err := x.wait(opts)
	if err != nil {
		return err
	}
	defer closeAll(list)
	switch {
	case x.gone():
		x.giveBack(list)
		return x.r.Context().Err()
	case len(list) == 0:
		x.WriteHeader(http.StatusNoContent)
		return nil
	case opts.Count == 0:
		return x.writeMessage(status, list[0])
	}
	return x.writeMessages(status, list)
}

// wait receives. Only so many clients wait at one time.
func (x *exchange) wait(opts queue.ReceiveOptions) ([]*queue.Delivery, error) {
	if opts.Wait > 0 {
		defer x.server.waiting.Add(-1)
		if x.server.waiting.Add(1) > int64(x.server.opts.MaxWaiting) {
			return nil, errWaiting
		}
	}
	return x.queue.Receive(x.r.Context(), opts)
}

// receiveOptions reads the arguments of a receive. Count is 0 for one message
// that is answered as itself.
func (x *exchange) receiveOptions(mode queue.Mode) (opts queue.ReceiveOptions, err error) {
	opts = queue.ReceiveOptions{Sub: x.sub, Mode: mode, Wait: defaultWait}
	if err := x.refuseLater("session-id", "next-session"); err != nil { // [R10]
		return opts, err
	}
	if opts.Wait, err = x.duration("timeout", defaultWait, 0, queue.MaxWait, "0 to 300 seconds"); err != nil {
		return opts, err
	}
	if opts.Count, err = x.count(0); err != nil {
		return opts, err
	}
	opts.LockFor, err = x.lockDuration()
	return opts, err
}

// lockDuration reads for how long a lock is to be; 0: as the policy says.
func (x *exchange) lockDuration() (time.Duration, error) {
	return x.duration("lock-duration", 0, time.Second, queue.MaxLockLength, "PT1S to PT12H")
}

// duration reads an argument that is a span of time.
func (x *exchange) duration(name string, initial, least, most time.Duration, want string) (time.Duration, error) {
	text, err := x.argument(name)
	if err != nil || text == "" {
		return initial, err
	}
	d, err := message.ParseDuration(name, text)
	if err == nil && (d < least || d > most) {
		err = problem.NewField(name, text, "%s", want)
	}
	return d, err
}

// count reads how many messages are wanted at most.
func (x *exchange) count(initial int) (int, error) {
	text, err := x.argument("count")
	if err != nil || text == "" {
		return initial, err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > queue.MaxCount {
		return 0, problem.NewField("count", text, "1 to %d", queue.MaxCount)
	}
	return n, nil
}

// refuseLater refuses arguments that are not available yet.
func (x *exchange) refuseLater(names ...string) error {
	query, err := x.arguments()
	if err != nil {
		return err
	}
	for _, name := range names {
		if values := query[name]; len(values) > 0 {
			return notYet(name, values[0], "no "+name+" argument: it is not available yet")
		}
	}
	return nil
}

// giveBack ends locks as if they had never been given: nobody is there any
// more to hear of them [R2].
func (x *exchange) giveBack(list []*queue.Delivery) {
	releases := make([]queue.Settlement, 0, len(list))
	for _, d := range list {
		if d.LockToken != "" {
			releases = append(releases, queue.Settlement{Lock: d.LockToken, Disposition: queue.Release})
		}
	}
	if len(releases) == 0 {
		return
	}
	if _, err := x.queue.Settle(context.WithoutCancel(x.r.Context()), releases...); err != nil {
		x.logFailure(err) // the locks end by themselves
	}
}

func closeAll(list []*queue.Delivery) {
	for _, d := range list {
		d.Close()
	}
}

// lock locks the message with a sequence number [R1].
func (x *exchange) lock() error {
	if err := x.refuseLater("session-id"); err != nil {
		return err
	}
	lockFor, err := x.lockDuration()
	if err != nil {
		return err
	}
	if err := x.skipBody(); err != nil {
		return err
	}
	d, err := x.queue.Lock(x.r.Context(), x.sub, x.number, lockFor)
	if err != nil {
		return err
	}
	defer d.Close()
	if x.gone() {
		x.giveBack([]*queue.Delivery{d})
		return x.r.Context().Err()
	}
	return x.writeMessage(http.StatusCreated, d)
}

// cancel removes a message that is not locked [R11].
func (x *exchange) cancel() error {
	if err := x.queue.Cancel(x.r.Context(), x.sub, x.number); err != nil {
		return err
	}
	x.WriteHeader(http.StatusNoContent)
	return nil
}

var (
	nosniff = []string{"nosniff"}
	sandbox = []string{"sandbox"}
)

// writeMessage answers with a message as it was sent, its properties in the
// header. The body is a stranger's: no browser is to take it for a page of the
// broker's [R1] [N7].
func (x *exchange) writeMessage(status int, d *queue.Delivery) error {
	h := x.Header()
	h["Content-Type"] = nil // else net/http guesses one for a body that has none
	message.ToHeader(h, &d.Received)
	h["X-Content-Type-Options"], h["Content-Security-Policy"] = nosniff, sandbox
	if d.LockToken != "" {
		h["Location"] = []string{x.lockURI(d)}
	}
	h["Content-Length"] = []string{strconv.FormatInt(d.Size, 10)}
	x.WriteHeader(status)
	if d.Size <= smallReply {
		_, err := d.WriteTo(x)
		return err
	}
	_, err := d.WriteTo(x.floored())
	return err
}

// smallReply is the largest body, in bytes, that fits into the buffers of a
// connection together with its header: it needs no deadline of its own.
const smallReply = 3 << 10

// lockURI is where a lock is settled, under the host by which the client knows
// the broker.
func (x *exchange) lockURI(d *queue.Delivery) string {
	scheme, path := schemeOf(x.r), x.queuePath()
	b := make([]byte, 0, len(scheme)+len(x.r.Host)+len(path)+80)
	b = append(append(append(append(b, scheme...), "://"...), x.r.Host...), path...)
	b = strconv.AppendInt(append(b, "/messages/"...), d.SequenceNumber, 10)
	return string(append(append(b, '/'), d.LockToken...))
}

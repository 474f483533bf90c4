package server

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/queue"
)

// redrive sends dead letters back, and answers how many [R8].
func (x *exchange) redrive() error {
	if err := x.refuseLater("where"); err != nil {
		return err
	}
	count, err := x.redriveCount()
	if err != nil {
		return err
	}
	to, err := x.target()
	if err != nil {
		return err
	}
	if err := x.skipBody(); err != nil {
		return err
	}
	moved, err := x.queue.Redrive(x.r.Context(), x.sub, to, count)
	if err != nil {
		return fmt.Errorf("%w, after %d had been sent back", err, moved)
	}
	return x.write(http.StatusOK, jsonType, []byte(`{"redriven":`+strconv.Itoa(moved)+`}`))
}

// redriveCount reads how many are to be sent back at most; 0: all.
func (x *exchange) redriveCount() (int, error) {
	text, err := x.argument("count")
	if err != nil || text == "" {
		return 0, err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, problem.NewField("count", text, "an integer from 1 on; all if it is left out")
	}
	return n, nil
}

// target reads which queue they are sent to; nil: the one that they are from.
func (x *exchange) target() (*queue.Queue, error) {
	text, err := x.argument("to")
	if err != nil || text == "" {
		return nil, err
	}
	name, err := namespace.Parse(text)
	if err != nil {
		return nil, problem.NewField("to", text, "the name of a queue")
	}
	q, err := x.server.broker.QueueNamed(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", broker.ErrNoTarget, name)
	}
	return q, nil
}

package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/queue"
)

// sendOrAssign answers a POST at a queue: a policy is always one [P1].
func (x *exchange) sendOrAssign() error {
	if contentKindOf(x.r.Header).isPolicy() {
		return x.assign()
	}
	return x.send()
}

// send takes in one message, a batch or a stream [Q1].
func (x *exchange) send() error {
	kind := contentKindOf(x.r.Header)
	try, err := x.isAsked("dry-run")
	switch {
	case err != nil:
		return err
	case try:
		return x.try(kind)
	case kind == aBatch:
		return x.sendBatch()
	case kind == aStream:
		return x.sendStream()
	default:
		return x.sendOne()
	}
}

// try answers what would become of a message at a router [Q6].
func (x *exchange) try(kind contentKind) error {
	if x.router == nil || kind != aBody {
		return problem.NewField("dry-run", "true", "a single message, to a router")
	}
	m := new(message.Message)
	if err := x.readProperties(m); err != nil {
		return err
	}
	body, staged, err := x.readBody(x.to.maxBytes())
	if err != nil {
		return err
	}
	if staged != nil {
		staged.Discard()
	}
	m.Body = body
	document, err := json.Marshal(x.router.Try(m))
	if err != nil {
		return err
	}
	x.Header()["Content-Type"] = []string{jsonType}
	x.WriteHeader(http.StatusOK)
	_, err = x.Write(append(document, '\n'))
	return err
}

func (x *exchange) sendOne() error {
	m := new(message.Message)
	if err := x.readProperties(m); err != nil {
		return err
	}
	outcome, err := x.makeRoom()
	if err != nil || outcome != queue.Stored {
		return x.sent(sent{outcome: outcome}, err)
	}
	out := queue.Outgoing{Message: m}
	if m.Body, out.Staged, err = x.readBody(x.to.maxBytes()); err != nil {
		return err
	}
	result, err := x.to.send(x.r.Context(), out)
	if out.Staged != nil && (err != nil || result.unrouted > 0) {
		out.Staged.Discard()
	}
	return x.sent(result, err)
}

// makeRoom waits for room before the body is read. What can never fit is not
// waited for.
func (x *exchange) makeRoom() (queue.Outcome, error) {
	if limit := x.to.maxBytes(); x.r.ContentLength > limit {
		return 0, fmt.Errorf("%w: %d bytes are more than %d", queue.ErrTooLarge, x.r.ContentLength, limit)
	}
	return x.to.wait(x.r.Context())
}

// readProperties reads what the header and the query say of the message [Q2] [Q3].
func (x *exchange) readProperties(m *message.Message) error {
	if err := message.FromHeader(x.r.Header, m); err != nil {
		return err
	}
	query, err := x.arguments()
	if err != nil || query == nil {
		return err
	}
	return message.FromQuery(query, time.Now(), m)
}

// sent answers what became of messages [Q1].
func (x *exchange) sent(s sent, err error) error {
	if err != nil {
		return err
	}
	h := x.Header()
	switch {
	case s.outcome == queue.Discarded:
		return x.accepted("discarded", errDiscarded)
	case x.router != nil && s.deliveries == 0:
		return x.accepted("unrouted", errUnrouted)
	case x.router != nil:
		h["Jitney-Deliveries"] = []string{strconv.Itoa(s.deliveries)}
	default:
		h["Location"] = []string{x.messagePath(s.numbers[0])}
	}
	x.WriteHeader(http.StatusCreated)
	return nil
}

// accepted answers for messages that are nowhere: with an error, if the client
// wants them to be somewhere.
func (x *exchange) accepted(outcome string, otherwise error) error {
	mandatory, err := x.isAsked("mandatory")
	if err != nil {
		return err
	}
	if mandatory {
		return otherwise
	}
	x.Header()["Jitney-Outcome"] = []string{outcome}
	x.WriteHeader(http.StatusAccepted)
	return nil
}

// messagePath is the path of a message of the queue.
func (x *exchange) messagePath(number uint64) string {
	path := x.queuePath()
	b := make([]byte, 0, len(path)+32)
	b = append(append(b, path...), "/messages/"...)
	return string(strconv.AppendUint(b, number, 10))
}

// sendBatch takes in many messages, all or none [Q4].
func (x *exchange) sendBatch() error {
	if err := checkPlain(x.r.Header); err != nil {
		return err
	}
	outcome, err := x.to.wait(x.r.Context())
	if err != nil || outcome != queue.Stored {
		return x.sent(sent{outcome: outcome}, err)
	}
	document, err := x.readDocument(maxBatchBytes)
	if err != nil {
		return err
	}
	list, err := message.ParseBatch(document)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return problem.NewField("batch", "[]", "at least one message")
	}
	batch := make([]queue.Outgoing, len(list))
	for i, m := range list {
		batch[i].Message = m
	}
	result, err := x.to.send(x.r.Context(), batch...)
	return x.sent(result, err)
}

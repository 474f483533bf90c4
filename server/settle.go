package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/queue"
)

// complete removes the message that is locked [R3].
func (x *exchange) complete() error {
	return x.settled(queue.Settlement{Lock: x.token, Disposition: queue.Complete})
}

// settle ends the lock in another way: it abandons the message unless the
// arguments say otherwise [R3].
func (x *exchange) settle() error {
	order, err := x.settlement()
	if err != nil {
		return err
	}
	s, err := order.read("")
	if err != nil {
		return err
	}
	s.Lock = x.token
	return x.settled(s)
}

// settlement reads the arguments.
func (x *exchange) settlement() (o settlement, err error) {
	o.Disposition = "abandon"
	for _, a := range []struct {
		name  string
		field *string
	}{
		{"disposition", &o.Disposition}, {"delay", &o.delay}, {"at", &o.At}, {"reason", &o.Reason}, {"description", &o.Description},
	} {
		text, err := x.argument(a.name)
		if err != nil {
			return o, err
		}
		if text != "" {
			*a.field = text
		}
	}
	return o, nil
}

func (x *exchange) settled(s queue.Settlement) error {
	if err := x.skipBody(); err != nil {
		return err
	}
	results, err := x.queue.Settle(x.r.Context(), s)
	if err == nil {
		err = results[0] // [R4]
	}
	if err != nil {
		return err
	}
	x.WriteHeader(http.StatusOK)
	return nil
}

// renew makes the lock last, from now on, for as long as a new one would [R3].
func (x *exchange) renew() error {
	lockFor, err := x.lockDuration()
	if err != nil {
		return err
	}
	if err := x.skipBody(); err != nil {
		return err
	}
	until, err := x.queue.Renew(x.r.Context(), x.token, lockFor)
	if err != nil {
		return err
	}
	until = until.UTC()
	x.Header()["Brokerproperties"] = []string{`{"LockToken":"` + canonical(x.token) + `","LockedUntilUtc":"` + until.Format(http.TimeFormat) + `"}`}
	return x.write(http.StatusOK, jsonType, []byte(`{"lockedUntilUtc":"`+until.Format(time.RFC3339Nano)+`"}`))
}

// canonical returns the usual spelling of a lock token.
func canonical(token string) string {
	id, err := uuid.Parse(token)
	if err != nil {
		return ""
	}
	return id.String()
}

// A settlement is what a client wants of a lock.
type settlement struct {
	Lock        string          `json:"lock"`
	Disposition string          `json:"disposition"`
	Delay       json.RawMessage `json:"delay"` // a number of seconds, or a string as in a query
	At          string          `json:"at"`
	Reason      string          `json:"reason"`
	Description string          `json:"description"`

	delay string
}

// latest is the last instant that a message can be put off to.
var latest = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)

const wantDisposition = "complete, abandon, release, defer, dead-letter or reschedule"

// read returns what the queue is to do. The names of elements in its errors
// begin with prefix.
func (o *settlement) read(prefix string) (s queue.Settlement, err error) {
	s.Lock = o.Lock[strings.LastIndexByte(o.Lock, '/')+1:]
	if decoded, err := url.PathUnescape(s.Lock); err == nil {
		s.Lock = decoded
	}
	switch o.Disposition {
	case "complete":
		s.Disposition = queue.Complete
	case "abandon":
		s.Disposition = queue.Abandon
	case "release":
		s.Disposition = queue.Release
	case "defer":
		s.Disposition = queue.Defer
	case "dead-letter":
		s.Disposition = queue.DeadLetterIt
	case "reschedule":
		s.Disposition = queue.Reschedule
	default:
		return s, problem.NewField(prefix+"disposition", o.Disposition, wantDisposition)
	}
	if err := o.readTimes(prefix, &s); err != nil {
		return s, err
	}
	return s, o.readReasons(prefix, &s)
}

func (o *settlement) readTimes(prefix string, s *queue.Settlement) (err error) {
	switch {
	case o.delay != "" && s.Disposition != queue.Abandon && s.Disposition != queue.Reschedule:
		return problem.NewField(prefix+"delay", o.delay, "no delay: it is for abandon and reschedule")
	case o.At != "" && s.Disposition != queue.Reschedule:
		return problem.NewField(prefix+"at", o.At, "no instant: it is for reschedule")
	case o.delay != "" && o.At != "":
		return problem.NewField(prefix+"delay", o.delay, "either a delay or an instant")
	case o.At != "":
		if s.At, err = message.ParseInstant(prefix+"at", o.At); err == nil && s.At.After(latest) {
			err = problem.NewField(prefix+"at", o.At, "an instant before the year 2262")
		}
	case o.delay != "":
		s.Delay, err = message.ParseDuration(prefix+"delay", o.delay)
		if err == nil && s.Delay > time.Until(latest) {
			err = problem.NewField(prefix+"delay", o.delay, "a delay that ends before the year 2262")
		}
	}
	return err
}

func (o *settlement) readReasons(prefix string, s *queue.Settlement) error {
	s.Reason, s.Description = o.Reason, o.Description
	if err := checkReason(prefix+"reason", o.Reason, s.Disposition); err != nil {
		return err
	}
	return checkReason(prefix+"description", o.Description, s.Disposition)
}

// checkReason checks a text that a dead letter is to have.
func checkReason(element, text string, d queue.Disposition) error {
	switch {
	case text == "":
	case d != queue.DeadLetterIt:
		return problem.NewField(element, text, "nothing: it is for dead-letter")
	case !utf8.ValidString(text):
		return problem.NewField(element, strings.ToValidUTF8(text, "\ufffd"), "UTF-8")
	case len(text) > maxReasonBytes:
		return problem.NewField(element, text, "at most %d bytes", maxReasonBytes)
	}
	return nil
}

// settleMany settles many locks in one commit and answers with a result for
// each, in the order of the request [R3].
func (x *exchange) settleMany() error {
	document, err := x.readDocument(maxSettleBytes)
	if err != nil {
		return err
	}
	list, err := readSettlements(document)
	if err != nil {
		return err
	}
	results, err := x.queue.Settle(x.r.Context(), list...)
	if err != nil {
		return err
	}
	answers := make([]any, len(results))
	for i, err := range results {
		if answers[i] = settledOne; err != nil {
			answers[i] = x.document(x.kindOf(err), err)
		}
	}
	return x.writeJSON(http.StatusOK, jsonType, answers)
}

// settledOne is the result of a lock that was settled.
var settledOne = struct {
	Status int `json:"status"`
}{http.StatusOK}

func readSettlements(document []byte) ([]queue.Settlement, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(document, &items); err != nil || len(items) == 0 || len(items) > maxSettled {
		return nil, problem.NewField("settlements", string(document[:min(20, len(document))]),
			"a JSON array of 1 to %d objects with lock and disposition", maxSettled)
	}
	list := make([]queue.Settlement, len(items))
	for i, item := range items {
		var err error
		if list[i], err = readSettlement(fmt.Sprintf("[%d].", i), item); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func readSettlement(prefix string, item []byte) (queue.Settlement, error) {
	var o settlement
	d := json.NewDecoder(bytes.NewReader(item))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		return queue.Settlement{}, problem.NewField(strings.TrimSuffix(prefix, "."), string(item),
			"an object with lock, disposition, delay, at, reason and description")
	}
	if o.Lock == "" {
		return queue.Settlement{}, problem.NewField(prefix+"lock", "", "the lock's URI or its token")
	}
	if o.delay = strings.Trim(string(o.Delay), `"`); o.delay == "null" {
		o.delay = ""
	}
	return o.read(prefix)
}

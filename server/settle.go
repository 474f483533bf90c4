package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/queue"
)

// complete removes the message that is locked [R3].
func (x *exchange) complete() error {
	return x.settled(queue.Settlement{Lock: x.token, Disposition: queue.Complete})
}

// settle ends the lock in another way: abandons the message unless the
// arguments say otherwise [R3].
func (x *exchange) settle() error {
	order := settlement{Disposition: "abandon"}
	var err error
	for name, field := range map[string]*string{
		"disposition": &order.Disposition, "at": &order.At, "reason": &order.Reason, "description": &order.Description,
	} {
		if text, err := x.argument(name); err != nil {
			return err
		} else if text != "" {
			*field = text
		}
	}
	if order.delay, err = x.argument("delay"); err != nil {
		return err
	}
	s, err := order.read("")
	if err != nil {
		return err
	}
	s.Lock = x.token
	return x.settled(s)
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
	broker := fmt.Sprintf(`{"LockToken":%s,"LockedUntilUtc":"%s"}`, jsonString(x.token), until.UTC().Format(http.TimeFormat))
	x.Header()["Brokerproperties"] = []string{broker}
	return x.write(http.StatusOK, jsonType, []byte(`{"lockedUntilUtc":"`+until.UTC().Format(time.RFC3339Nano)+`"}`))
}

// jsonString returns s as a JSON string of ASCII.
func jsonString(s string) string { return strconv.QuoteToASCII(s) }

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
	for name, text := range map[string]string{"reason": o.Reason, "description": o.Description} {
		switch {
		case text == "":
		case s.Disposition != queue.DeadLetterIt:
			return problem.NewField(prefix+name, text, "no "+name+": it is for dead-letter")
		case !utf8.ValidString(text):
			return problem.NewField(prefix+name, strings.ToValidUTF8(text, "\ufffd"), "UTF-8")
		case len(text) > queue.MaxDeadText:
			return problem.NewField(prefix+name, text, "at most %d bytes", queue.MaxDeadText)
		}
	}
	s.Reason, s.Description = o.Reason, o.Description
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

// redrive sends dead letters back [R8].
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
	if err != nil && moved > 0 {
		err = fmt.Errorf("%w, after %d had been moved", err, moved)
	}
	if err != nil {
		return err
	}
	return x.writeJSON(http.StatusOK, jsonType, struct {
		Redriven int `json:"redriven"`
	}{moved})
}


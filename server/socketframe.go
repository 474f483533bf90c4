package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/queue"
)

// A frame is what a client wants, with one of these members and a ref, any JSON
// value, that stands in the answer as it was given [S9] [S10]:
//
//	{"send":[{message},…]}                  → {"sent":[{"sequenceNumber":n},…]}
//	{"settle":[{"lock","disposition",…},…]} → {"settled":[{"lock","status"},…]}
//	{"renew":[{"lock","duration"},…]}       → {"renewed":[{"lock","status","lockedUntilUtc"},…]}
//	{"credit":n}                            → {"deliver":{message}}, n times
//
// What cannot be done is answered with {"error":{problem}}.
type frame struct {
	ref    json.RawMessage
	at     time.Time // when it was read
	weight int64     // bytes of server.bodies that it has

	messages    []queue.Outgoing
	bytes       int64 // of their bodies
	settlements []queue.Settlement
	renewals    []renewal
	locks       []string // of settlements and renewals, as the client spelled them
}

// A renewal is a lock that is to last.
type renewal struct {
	token   string
	lockFor time.Duration // 0: as the policy says
}

// A kindOfFrame is one thing that a client can want.
type kindOfFrame struct {
	name string
	take func(s *socket, f *frame, value json.RawMessage) error
}

func kindsOfFrame() []kindOfFrame {
	return []kindOfFrame{
		{"send", (*socket).takeSend},
		{"settle", (*socket).takeSettle},
		{"renew", (*socket).takeRenew},
	}
}

// take does what a frame asks for. A *closing as an error ends the socket; any
// other is answered, and so is what waits in a lane.
func (s *socket) take(data []byte) error {
	if !utf8.Valid(data) {
		return &closing{code: websocket.CloseInvalidFramePayloadData, reason: "want UTF-8"}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil || members == nil {
		return &closing{code: websocket.CloseInvalidFramePayloadData, reason: "want a JSON object"}
	}
	f := &frame{ref: members["ref"], at: time.Now(), weight: int64(len(data))}
	if delete(members, "ref"); len(f.ref) > maxRefBytes {
		return policyViolation("want a ref of at most %d bytes", maxRefBytes)
	}
	if value, ok := members["credit"]; ok && len(members) == 1 {
		s.answered()
		return s.takeCredit(value)
	}
	for _, k := range s.server.sockets.kinds {
		if value, ok := members[k.name]; ok && len(members) == 1 {
			return s.taken(f, k.take(s, f, value))
		}
	}
	return policyViolation("want one of credit, send, settle and renew, and perhaps a ref")
}

// taken answers a frame that cannot be used.
func (s *socket) taken(f *frame, err error) error {
	if err != nil {
		s.refuse(f, err)
	}
	return nil
}

func policyViolation(format string, args ...any) *closing {
	return &closing{code: websocket.ClosePolicyViolation, reason: fmt.Sprintf(format, args...)}
}

func (c *closing) Error() string { return strconv.Itoa(c.code) + " " + c.reason }

func (s *socket) takeCredit(value json.RawMessage) error {
	n, err := strconv.Atoi(string(value))
	if err != nil || n < 1 || n > maxCredit {
		return policyViolation("want a credit of 1 to %d", maxCredit)
	}
	if s.sendsToAll() {
		return nil
	}
	if !s.grant(n) {
		return policyViolation("want at most %d of credit in all", maxCredit)
	}
	s.pull()
	return nil
}

// takeSend puts messages into their lane [S10].
func (s *socket) takeSend(f *frame, value json.RawMessage) error {
	if s.to == nil {
		return fmt.Errorf("%w: messages are sent to its router or its queue", broker.ErrWrongRole)
	}
	items, err := list("send", value, maxGroupLines)
	if err != nil {
		return err
	}
	f.messages = make([]queue.Outgoing, len(items))
	for i, item := range items {
		m, err := message.ParseJSON(item)
		if err != nil {
			return within(fmt.Sprintf("send[%d]", i), err)
		}
		if limit := s.to.maxBytes(); int64(len(m.Body)) > limit {
			return fmt.Errorf("%w: %d bytes are more than %d", queue.ErrTooLarge, len(m.Body), limit)
		}
		f.messages[i].Message = m
		f.bytes += int64(len(m.Body))
	}
	if !s.server.bodies.TryAcquire(f.weight) {
		return errMemory
	}
	s.run(&s.sends, f)
	return nil
}

// takeSettle puts settlements into their lane.
func (s *socket) takeSettle(f *frame, value json.RawMessage) error {
	items, err := list("settle", value, maxSettled)
	if err != nil {
		return err
	}
	for i, item := range items {
		one, err := readSettlement(fmt.Sprintf("settle[%d].", i), item)
		if err != nil {
			return err
		}
		f.settlements = append(f.settlements, one)
		f.locks = append(f.locks, lockIn(item))
	}
	f.weight = 0
	s.run(&s.settlements, f)
	return nil
}

// takeRenew puts renewals into the lane of the settlements.
func (s *socket) takeRenew(f *frame, value json.RawMessage) error {
	items, err := list("renew", value, maxRenewed)
	if err != nil {
		return err
	}
	for i, item := range items {
		one, err := readRenewal(fmt.Sprintf("renew[%d].", i), item)
		if err != nil {
			return err
		}
		f.renewals = append(f.renewals, one)
		f.locks = append(f.locks, lockIn(item))
	}
	f.weight = 0
	s.run(&s.settlements, f)
	return nil
}

// list reads an array of one item at least.
func list(element string, value json.RawMessage, limit int) ([]json.RawMessage, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(value, &items); err != nil || len(items) == 0 || len(items) > limit {
		return nil, problem.NewField(element, string(value[:min(20, len(value))]), "an array of 1 to %d objects", limit)
	}
	return items, nil
}

// within says where in a frame the element of a problem is.
func within(place string, err error) error {
	if f, ok := errors.AsType[*problem.Field](err); ok {
		return problem.NewField(place+"."+f.Element, f.Value, "%s", f.Want)
	}
	return err
}

// lockIn returns the lock as the client spelled it, for the answer.
func lockIn(item []byte) string {
	var o struct {
		Lock string `json:"lock"`
	}
	_ = json.Unmarshal(item, &o) // it has been read before
	return o.Lock
}

func readRenewal(prefix string, item []byte) (r renewal, err error) {
	var o struct {
		Lock     string          `json:"lock"`
		Duration json.RawMessage `json:"duration"`
	}
	d := json.NewDecoder(bytes.NewReader(item))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil || o.Lock == "" {
		return r, problem.NewField(prefix+"lock", string(item[:min(20, len(item))]), "an object with a lock, and perhaps a duration")
	}
	r.token = tokenIn(o.Lock)
	text := string(bytes.Trim(o.Duration, `"`))
	if text == "" || text == "null" {
		return r, nil
	}
	r.lockFor, err = message.ParseDuration(prefix+"duration", text)
	if err == nil && (r.lockFor < time.Second || r.lockFor > queue.MaxLockLength) {
		err = problem.NewField(prefix+"duration", text, "PT1S to PT12H")
	}
	return r, err
}

// Package control is what a broker and the listener at a connection point say to
// each other: the JSON messages of Azure Relay's Hybrid Connections, and which
// headers of a relayed request travel in them.
//
// Each message is one text frame. A body follows the message that announces it as
// one binary message, on the same socket and with nothing in between.
package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Limits of what is said.
const (
	MaxBody    = 64 << 10  // bytes of a body on the control channel; a larger one has a socket of its own
	MaxMessage = 256 << 10 // bytes of a message in JSON; a header of 96 KiB may double when it is quoted
)

// ResponseTimeout is how long a sender waits for a response to begin.
const ResponseTimeout = 60 * time.Second

// The query arguments that are the relay's own begin with Prefix and are not
// passed on. Those of a rejection have a shorter, older form that is read too.
const (
	Prefix            = "sb-hc-"
	Action            = Prefix + "action"
	ID                = Prefix + "id"
	Token             = Prefix + "token"
	StatusCode        = Prefix + "statusCode"
	StatusDescription = Prefix + "statusDescription"
)

// The values of Action.
const (
	Listen  = "listen"  // become a listener; the socket is the control channel
	Connect = "connect" // open a socket to a listener
	Accept  = "accept"  // take the socket that an AcceptMessage speaks of, or reject it
	Request = "request" // open a socket for one request and its response
	OneWay  = "oneway"  // send a request and do not wait for its response
)

// TokenHeader carries a token in a header.
const TokenHeader = "ServiceBusAuthorization"

// A Message is what one side says. One of its fields is set.
type Message struct {
	Accept     *AcceptMessage   `json:"accept,omitempty"`     // to the listener
	Request    *RequestMessage  `json:"request,omitempty"`    // to the listener
	Response   *ResponseMessage `json:"response,omitempty"`   // to the broker
	RenewToken *RenewToken      `json:"renewToken,omitempty"` // to the broker
}

// An AcceptMessage says that a sender wants a socket: the listener opens one at
// Address, which is then the sender's.
type AcceptMessage struct {
	Address string `json:"address"`
	ID      string `json:"id"`
	Headers Header `json:"connectHeaders"`
}

// A RequestMessage is a request, or, without a Method, the announcement of one
// that is got by opening a socket at Address.
type RequestMessage struct {
	Address string `json:"address"`
	ID      string `json:"id"`
	Target  string `json:"requestTarget,omitempty"` // path and query
	Method  string `json:"method,omitempty"`
	Headers Header `json:"requestHeaders,omitempty"`
	Body    *bool  `json:"body,omitempty"` // whether one follows
}

// IsAnnouncement reports whether the request itself is yet to be fetched.
func (r *RequestMessage) IsAnnouncement() bool { return r.Method == "" }

// HasBody reports whether a body follows.
func (r *RequestMessage) HasBody() bool { return r.Body != nil && *r.Body }

// A ResponseMessage answers the request with the same id.
type ResponseMessage struct {
	RequestID   string `json:"requestId"`
	StatusCode  Status `json:"statusCode"`
	Description string `json:"statusDescription,omitempty"`
	Headers     Header `json:"responseHeaders,omitempty"`
	Body        bool   `json:"body"` // whether one follows
}

// RenewToken brings a token that takes the place of the last one.
type RenewToken struct {
	Token string `json:"token"`
}

// A Status is that of an HTTP response: a final one, 200 to 999.
type Status int

// UnmarshalJSON reads a number, or one in quotes.
func (s *Status) UnmarshalJSON(b []byte) error {
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return fmt.Errorf("statusCode %.20s: want a number", b)
	}
	code, err := n.Int64()
	if err != nil || code < 200 || code > 999 {
		return fmt.Errorf("statusCode %.20s: want 200 to 999", b)
	}
	*s = Status(code)
	return nil
}

// ErrMessage is returned for what is no message.
var ErrMessage = errors.New("not a message of a control channel")

// ErrLarge is returned for a message that the other side would not take.
var ErrLarge = errors.New("the message is too large for a control channel")

// Encode writes a message: ErrLarge if it has more than MaxMessage bytes.
func (m Message) Encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // it would make a header six times as long
	if err := e.Encode(m); err != nil {
		return nil, err
	}
	text := bytes.TrimRight(b.Bytes(), "\n")
	if len(text) > MaxMessage {
		return nil, fmt.Errorf("%w: %d bytes, want at most %d", ErrLarge, len(text), MaxMessage)
	}
	return text, nil
}

// Parse reads a message. Members that it does not know are left alone, as they
// may be later additions, and so is a message of which it knows no member.
func Parse(text []byte) (Message, error) {
	var m Message
	if len(text) > MaxMessage {
		return m, fmt.Errorf("%w: more than %d bytes", ErrMessage, MaxMessage)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	return m, nil
}

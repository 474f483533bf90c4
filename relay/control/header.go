package control

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// A Header is an http.Header as it is written in JSON: an object with a string for
// each field. Several values are joined, those of cookies as RFC 6265 does it; only
// Set-Cookie, which cannot be joined, may be a list. Lists and numbers are read for
// any field.
type Header http.Header

// MarshalJSON writes the object.
func (h Header) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 512), '{')
	for name, values := range h {
		if len(values) == 0 {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(appendText(b, name), ':')
		if name == "Set-Cookie" && len(values) > 1 {
			b = appendList(b, values)
		} else {
			b = appendText(b, joined(name, values))
		}
	}
	return append(b, '}'), nil
}

func joined(name string, values []string) string {
	if name == "Cookie" {
		return strings.Join(values, "; ")
	}
	return strings.Join(values, ", ")
}

func appendList(b []byte, values []string) []byte {
	b = append(b, '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, v)
	}
	return append(b, ']')
}

// appendText appends a JSON string. Nearly all of them are what they look like.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return append(b, quoted(s)...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func quoted(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always has a form
	return bytes.TrimRight(b.Bytes(), "\n")
}

// UnmarshalJSON reads the object. A field that HTTP would not allow is an error:
// a line break in a value would begin another field.
func (h *Header) UnmarshalJSON(b []byte) error {
	var plain map[string]string
	if json.Unmarshal(b, &plain) == nil { // as nearly all are
		*h = make(Header, len(plain))
		for name, value := range plain {
			if err := h.add(name, value); err != nil {
				return err
			}
		}
		return nil
	}
	var object map[string]values
	if err := json.Unmarshal(b, &object); err != nil {
		return err
	}
	*h = make(Header, len(object))
	for name, list := range object {
		if err := h.add(name, list...); err != nil {
			return err
		}
	}
	return nil
}

func (h *Header) add(name string, values ...string) error {
	if !httpguts.ValidHeaderFieldName(name) {
		return fmt.Errorf("header %.50q: want the name of a field", name)
	}
	for _, value := range values {
		if !httpguts.ValidHeaderFieldValue(value) {
			return fmt.Errorf("header %.50s: want a value without control characters", name)
		}
		http.Header(*h).Add(name, value)
	}
	return nil
}

// values are those of one field.
type values []string

// UnmarshalJSON reads a string, a number, or a list of them.
func (v *values) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		var list []text
		err := json.Unmarshal(b, &list)
		for _, one := range list {
			*v = append(*v, string(one))
		}
		return err
	}
	var one text
	if err := one.UnmarshalJSON(b); err != nil {
		return err
	}
	*v = values{string(one)}
	return nil
}

// text is a string, or a number as it is written.
type text string

// UnmarshalJSON reads it.
func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(t))
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return fmt.Errorf("header value %.20s: want a string", b)
	}
	*t = text(n)
	return nil
}

// hopByHop are the fields that hold for one connection (RFC 9110, 7.6.1), and
// those of a proxy.
var hopByHop = []string{
	"Close", "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// EndToEnd returns the fields of h that are for whoever is at the other end: not
// those of the connection, nor those that its Connection field names, nor Host,
// nor the relay's own. It is never nil.
func EndToEnd(h http.Header) Header {
	own := h.Clone()
	if own == nil {
		own = http.Header{}
	}
	for _, list := range h["Connection"] {
		for name := range strings.SplitSeq(list, ",") {
			own.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range hopByHop {
		delete(own, name)
	}
	if own.Get("User-Agent") == "" {
		delete(own, "User-Agent") // as net/http says that there is none
	}
	delete(own, "Host")
	own.Del(TokenHeader)
	if IsToken(own.Get("Authorization")) {
		delete(own, "Authorization")
	}
	return Header(own)
}

// IsToken reports whether a credential is one of the relay, not of what is
// relayed.
func IsToken(credential string) bool {
	return strings.HasPrefix(credential, tokenScheme)
}

// Handshake returns the fields of a sender's handshake for the listener to judge it
// by: all but those of the relay itself.
func Handshake(h http.Header) Header {
	own := h.Clone()
	own.Del(TokenHeader)
	if IsToken(own.Get("Authorization")) {
		delete(own, "Authorization")
	}
	return Header(own)
}

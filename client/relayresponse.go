package client

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/jitney-mq/jitney/relay/control"
)

// sniffed is how many bytes of a body tell its type.
const sniffed = 512

// A relayResponse is the http.ResponseWriter of a relayed request. It holds the
// body back until it is complete, too long to be held, or flushed. Like that of
// a server, it is not to be used by several goroutines at the same time.
type relayResponse struct {
	exchange *relayExchange
	method   string
	header   http.Header // the handler's

	status   int                      // 0: not stated yet
	message  *control.ResponseMessage // nil before status is
	declared int64                    // length of the body; -1: not known
	written  int64
	held     bytes.Buffer
	begun    bool         // the message has left
	stream   *relayStream // nil while nothing of the body has left
	err      error        // why nothing more can be written
}

// Header returns the header, which may be changed until it is written.
func (w *relayResponse) Header() http.Header { return w.header }

// WriteHeader states the status. Informational ones are not passed on.
func (w *relayResponse) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", status))
	}
	if status < 200 || w.status != 0 {
		return
	}
	w.status = status
	own := fit(control.EndToEnd(w.header))
	if w.declared = statedLength(own); w.declared < 0 {
		own.Del("Content-Length")
	}
	w.message = &control.ResponseMessage{
		RequestID: w.exchange.message.ID, StatusCode: control.Status(status),
		Description: http.StatusText(status), Headers: control.Header(own),
	}
}

// fit returns a header without what HTTP does not allow.
func fit(header control.Header) http.Header {
	for name, values := range header {
		if !httpguts.ValidHeaderFieldName(name) {
			delete(header, name)
			continue
		}
		for i, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				values[i] = strings.Map(printable, value)
			}
		}
	}
	return http.Header(header)
}

// printable replaces characters of control.
func printable(r rune) rune {
	if r < ' ' && r != '\t' || r == 0x7f {
		return ' '
	}
	return r
}

// hasBody reports whether a body is allowed.
func (w *relayResponse) hasBody() bool {
	return w.status != http.StatusNoContent && w.status != http.StatusNotModified
}

// Write writes to the body, with status 200 if none was stated.
func (w *relayResponse) Write(data []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if err := w.check(len(data)); err != nil {
		return 0, err
	}
	w.written += int64(len(data))
	if w.method == http.MethodHead {
		return len(data), nil
	}
	if w.stream == nil && w.held.Len()+len(data) <= control.MaxBody {
		return w.held.Write(data)
	}
	if err := w.begin(); err != nil {
		return 0, err
	}
	n, err := w.stream.Write(data)
	w.err = err
	return n, err
}

func (w *relayResponse) check(n int) error {
	switch {
	case w.err != nil:
		return w.err
	case !w.hasBody() && n > 0:
		return http.ErrBodyNotAllowed
	case w.declared >= 0 && w.written+int64(n) > w.declared && w.method != http.MethodHead:
		return http.ErrContentLength
	}
	return nil
}

// Flush is FlushError, for those who do not ask for errors.
func (w *relayResponse) Flush() { _ = w.FlushError() } // the next write has it

// FlushError sends what was written so far; a whole response as one.
func (w *relayResponse) FlushError() error {
	w.WriteHeader(http.StatusOK)
	if w.err != nil {
		return w.err
	}
	if !w.hasBody() || w.method == http.MethodHead || w.stream == nil && w.written == w.declared {
		w.sayWhole() // there is nothing more to come
		return w.err
	}
	if w.begin() == nil {
		w.err = w.stream.flush()
	}
	return w.err
}

// EnableFullDuplex says that bodies of requests can be read while the response
// is written, which they always can.
func (w *relayResponse) EnableFullDuplex() error { return nil }

// begin sends the message and what is held back, unless it has been.
func (w *relayResponse) begin() error {
	if w.stream != nil {
		return w.err
	}
	w.sniff()
	w.message.Body, w.begun = true, true
	if w.stream, w.err = w.exchange.stream(w.message); w.err == nil {
		_, w.err = w.stream.Write(w.held.Bytes())
		w.held = bytes.Buffer{}
	}
	return w.err
}

// sniff states the type of a body about which nothing was said.
func (w *relayResponse) sniff() {
	header := http.Header(w.message.Headers)
	if _, stated := w.header["Content-Type"]; !stated && w.held.Len() > 0 && header.Get("Content-Encoding") == "" {
		header.Set("Content-Type", http.DetectContentType(w.held.Bytes()[:min(sniffed, w.held.Len())]))
	}
}

// finish completes the response and reports whether it left as it should. What
// is shorter than it said is an error of the handler's.
func (w *relayResponse) finish() bool {
	w.WriteHeader(http.StatusOK)
	if w.method != http.MethodHead && w.hasBody() && w.declared > w.written && !w.restart("the response is not complete") {
		return false
	}
	if w.err != nil {
		return false
	}
	if w.stream != nil {
		w.err = w.stream.end()
	} else {
		w.sayWhole()
	}
	return w.err == nil
}

// sayWhole sends the response with all of its body, unless it has been.
func (w *relayResponse) sayWhole() {
	if w.begun {
		return
	}
	w.sniff()
	if header := http.Header(w.message.Headers); w.hasBody() && w.declared < 0 && (w.written > 0 || w.method != http.MethodHead) {
		header.Set("Content-Length", strconv.FormatInt(w.written, 10))
	}
	w.begun = true
	var body []byte
	if w.held.Len() > 0 {
		w.message.Body, body = true, w.held.Bytes()
	}
	w.err = w.exchange.say(w.message, body)
}

// restart puts 500 in the place of a response of which nothing has left, and
// reports whether it could.
func (w *relayResponse) restart(reason string) bool {
	if w.begun || w.err != nil {
		return false
	}
	*w = relayResponse{exchange: w.exchange, method: w.method, header: http.Header{}, declared: -1}
	http.Error(w, reason, http.StatusInternalServerError)
	return true
}

var (
	_ http.Flusher = (*relayResponse)(nil)
	_ io.Writer    = (*relayResponse)(nil)
)

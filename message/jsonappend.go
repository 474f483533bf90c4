package message

import (
	"bytes"
	"encoding/base64"
	"strings"
	"time"
	"unicode/utf8"
)

// AppendJSON appends r as one JSON object, on one line. ParseReceived reads
// back the same bytes and the same content type, whatever they are. The body
// is readable where it can be: JSON as JSON, text as a string, else base64.
// What is zero is left out. [M1]
func AppendJSON(dst []byte, r *Received) []byte {
	w := jsonWriter{buf: dst, quote: quoteText}
	w.open()
	w.integer("sequenceNumber", r.SequenceNumber)
	w.integer("enqueuedSequenceNumber", r.EnqueuedSequenceNumber)
	w.instant("enqueuedTimeUtc", r.EnqueuedAt, time.RFC3339Nano)
	w.integer("deliveryCount", int64(r.DeliveryCount))
	w.text("lock", r.Lock)
	w.instant("lockedUntilUtc", r.LockedUntil, time.RFC3339Nano)
	w.text("status", r.Status)
	w.text("deadLetterReason", r.DeadLetterReason)
	w.text("deadLetterErrorDescription", r.DeadLetterDescription)
	w.text("deadLetterSource", r.DeadLetterSource)
	w.message(r.Message)
	w.close()
	return w.buf
}

func (w *jsonWriter) message(m *Message) {
	for i := range fields {
		f := &fields[i]
		if s, ok := f.get(m); ok {
			w.plainName(f.json)
			w.buf = w.quote(w.buf, s)
		}
	}
	if m.TimeToLive > 0 {
		w.plainName("timeToLive")
		w.buf = appendSeconds(w.buf, m.TimeToLive)
	}
	w.instant("scheduledEnqueueTimeUtc", m.ScheduledAt, time.RFC3339Nano)
	if m.Properties.Len() > 0 {
		w.plainName("properties")
		w.properties(m.Properties)
	}
	if len(m.Body) > 0 {
		w.body(m)
	}
}

// body writes the body in the first form that reads back to the same bytes.
func (w *jsonWriter) body(m *Message) {
	switch {
	case !utf8.Valid(m.Body):
		w.plainName("bodyBase64")
		w.buf = append(w.buf, '"')
		w.buf = base64.StdEncoding.AppendEncode(w.buf, m.Body)
		w.buf = append(w.buf, '"')
	case isJSON(m.ContentType) && isRawJSON(m.Body):
		w.plainName("body")
		w.buf = append(w.buf, m.Body...)
	default:
		if m.ContentType == "" {
			w.plainName("contentType")
			w.buf = append(w.buf, `""`...)
		}
		w.plainName("body")
		w.buf = quoteValid(w.buf, m.Body)
	}
}

// isJSON reports whether a content type is that of JSON (RFC 8259) or of a
// format made of it (RFC 6839).
func isJSON(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.TrimSpace(media)
	return strings.EqualFold(media, typeJSON) || len(media) > 5 && strings.EqualFold(media[len(media)-5:], "+json")
}

// isRawJSON reports whether a body can stand in an object as it is: one value
// that is not a string, on one line, with nothing around it.
func isRawJSON(body []byte) bool {
	if body[0] == '"' || bytes.IndexByte(body, '\n') >= 0 || bytes.IndexByte(body, '\r') >= 0 {
		return false
	}
	r := jsonReader{data: body}
	raw, err := r.skip()
	return err == nil && len(raw) == len(body)
}

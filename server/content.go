package server

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/problem"
)

// Media types that mean more than the body of a message.
const (
	jsonType  = "application/json"
	linesType = "application/x-ndjson"
	batchType = "application/vnd.microsoft.servicebus.json"
	atomType  = "application/atom+xml"
)

// contentKind is what the type of a request's body makes of it.
type contentKind uint8

const (
	aBody contentKind = iota // of one message
	anEntry
	aTwin // of an entry, in JSON
	aBatch
	aStream
)

// isPolicy reports whether a document is a policy operation wherever a name
// can be [P1].
func (k contentKind) isPolicy() bool { return k == anEntry || k == aTwin }

// contentKindOf reads the Content-Type. Nearly every message has one that
// means nothing here, so those few that do are looked for first.
func contentKindOf(h http.Header) contentKind {
	values := h["Content-Type"]
	if len(values) != 1 {
		return aBody
	}
	base, _, _ := strings.Cut(values[0], ";")
	switch base = strings.TrimSpace(base); {
	case strings.EqualFold(base, atomType) && isEntry(values[0]):
		return anEntry
	case strings.EqualFold(base, policy.MediaType):
		return aTwin
	case strings.EqualFold(base, batchType):
		return aBatch
	case strings.EqualFold(base, linesType):
		return aStream
	}
	return aBody
}

// isEntry reports whether a type of Atom is that of an entry (RFC 5023, 12.1).
func isEntry(contentType string) bool {
	_, parameters, err := mime.ParseMediaType(contentType)
	return err == nil && strings.EqualFold(parameters["type"], "entry")
}

// checkPlain refuses a document that is compressed or not in UTF-8.
func checkPlain(h http.Header) error {
	for _, encoding := range h["Content-Encoding"] {
		if encoding != "" && !strings.EqualFold(encoding, "identity") {
			return fmt.Errorf("%w: %w", errMediaType, problem.NewField("Content-Encoding", encoding, "identity"))
		}
	}
	_, parameters, err := mime.ParseMediaType(h.Get("Content-Type"))
	if charset := parameters["charset"]; err == nil && charset != "" && !strings.EqualFold(charset, "utf-8") &&
		!strings.EqualFold(charset, "us-ascii") {
		return fmt.Errorf("%w: %w", errMediaType, problem.NewField("charset", charset, "utf-8"))
	}
	return nil
}

// preferred returns which of the offers, the best first, an Accept header asks
// for (RFC 9110, 12.5.1). If it asks for none of them it gets the first one:
// that says more than a refusal.
func preferred(h http.Header, offers ...string) string {
	accept := h["Accept"]
	if len(accept) == 0 {
		return offers[0]
	}
	best, most := offers[0], 0.0
	for _, offer := range offers {
		if q := quality(accept, offer); q > most {
			best, most = offer, q
		}
	}
	return best
}

// quality returns how much a client wants a media type, from 0 to 1: what the
// most precise range says that has it.
func quality(accept []string, offer string) float64 {
	best, most := 0.0, -1
	for _, header := range accept {
		for item := range strings.SplitSeq(header, ",") {
			if precise, q := rangeQuality(item, offer); precise > most {
				best, most = q, precise
			}
		}
	}
	return best
}

// rangeQuality returns how precisely one media range names a media type, -1 if
// it does not, and its q.
func rangeQuality(item, offer string) (precise int, q float64) {
	name, parameters, _ := strings.Cut(item, ";")
	name = strings.TrimSpace(name)
	major, _, _ := strings.Cut(offer, "/")
	switch {
	case strings.EqualFold(name, offer):
		precise = 2
	case strings.EqualFold(name, major+"/*"):
		precise = 1
	case name == "*/*":
	default:
		return -1, 0
	}
	return precise, qualityOf(parameters)
}

func qualityOf(parameters string) float64 {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(name, "q") {
			q, err := strconv.ParseFloat(value, 64)
			if err != nil || q < 0 || q > 1 {
				return 0
			}
			return q
		}
	}
	return 1
}

// names reports whether an Accept header names a media type itself, not only
// by a range.
func names(h http.Header, mediaType string) bool {
	for _, header := range h["Accept"] {
		for item := range strings.SplitSeq(header, ",") {
			if precise, q := rangeQuality(item, mediaType); precise == 2 && q > 0 {
				return true
			}
		}
	}
	return false
}

// writeEntry answers with an entry in the form that the client wants; twin is
// the media type of its JSON.
func (x *exchange) writeEntry(status int, e *atom.Entry, twin string) error {
	if x.wantsTwin() {
		return x.writeJSON(status, twin, e)
	}
	return x.write(status, atom.EntryType, e.AppendXML(nil))
}

func (x *exchange) writeFeed(f *atom.Feed) error {
	if x.wantsTwin() {
		return x.writeJSON(http.StatusOK, jsonType, f)
	}
	return x.write(http.StatusOK, atom.FeedType, f.AppendXML(nil))
}

// wantsTwin reports whether a client wants JSON. One that does not say so gets
// what it has sent [N6].
func (x *exchange) wantsTwin() bool {
	first, second := atomType, jsonType
	if contentKindOf(x.r.Header) == aTwin {
		first, second = jsonType, atomType
	}
	x.Header().Add("Vary", "Accept")
	return preferred(x.r.Header, first, second, policy.MediaType) != atomType
}

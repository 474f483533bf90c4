package message

import (
	"net/http"
	"strings"
	"time"

	"github.com/jitney-mq/jitney/problem"
)

// brokerProperties is the header's name and what its content is called in
// problems.
const brokerProperties = "BrokerProperties"

// noTimeToLive is .NET's longest span in seconds, by which Azure says that
// there is no limit.
const noTimeToLive = "922337203685.47754"

// ParseBrokerProperties reads the header of that name into m: a JSON object
// with Azure's names in any case, of which unknown ones are ignored and null
// is as if it were not there. Errors are *problem.Field. [Q2]
func ParseBrokerProperties(header string, m *Message) error {
	r := jsonReader{data: []byte(header), name: brokerProperties, prefix: brokerProperties + "."}
	if err := r.brokerProperties(m); err != nil {
		return err
	}
	return r.end()
}

// The members of BrokerProperties that are not text, as places behind fields.
const (
	memberTimeToLive = fieldCount + iota
	memberTimeSpan
	memberSchedule
	memberCount
)

var memberNames = [...]string{"TimeToLive", "TimeToLiveTimeSpan", "ScheduledEnqueueTimeUtc"}

func (r *jsonReader) brokerProperties(m *Message) error {
	var seen uint64
	return r.object(func(b []byte) error {
		at, name := azureMember(b)
		if at == memberCount {
			_, err := r.skip()
			return err
		}
		if r.isNull() {
			return nil
		}
		if seen&(1<<at) != 0 {
			return problem.NewField(r.element(name), name, wantOnce)
		}
		seen |= 1 << at
		return r.azureValue(m, at, name)
	})
}

// azureMember returns the place of a member and its name as Azure writes it;
// memberCount if it is none of them.
func azureMember(name []byte) (at int, azure string) {
	for i := range fields {
		if f := &fields[i]; len(f.azure) == len(name) && strings.EqualFold(f.azure, string(name)) {
			return i, f.azure
		}
	}
	for i, n := range memberNames {
		if strings.EqualFold(n, string(name)) {
			return fieldCount + i, n
		}
	}
	return memberCount, ""
}

func (r *jsonReader) azureValue(m *Message, at int, name string) (err error) {
	if at == memberTimeToLive {
		number, err := r.numberOf(name, wantTimeToLive)
		if err == nil {
			m.TimeToLive, err = timeToLive(r.element(name), number)
		}
		return err
	}
	text, err := r.textOf(name)
	if err != nil {
		return err
	}
	switch at {
	case memberTimeSpan:
		return m.timeSpan(r.element(name), text)
	case memberSchedule:
		return m.scheduleText(r.element(name), text)
	}
	return fields[at].set(m, r.prefix, name, text)
}

// timeSpan sets TimeToLive from the form that Azure's batches have for it.
func (m *Message) timeSpan(element, text string) error {
	d, ok := parseTimeSpan(text)
	if !ok || d <= 0 {
		return problem.NewField(element, text, "a time span greater than 0, such as 0.00:00:40")
	}
	m.limit(d)
	return nil
}

// limit sets TimeToLive; the longest duration is none.
func (m *Message) limit(d time.Duration) {
	if d == longest {
		d = 0
	}
	m.TimeToLive = d
}

// scheduleText sets ScheduledAt; empty is at once.
func (m *Message) scheduleText(element, text string) error {
	if text == "" {
		return nil
	}
	at, err := ParseInstant(element, text)
	if err != nil {
		return err
	}
	return m.schedule(element, at)
}

// AppendBrokerProperties appends the content of the header for a receiver:
// what the sender set and what the broker adds, in ASCII. Times are RFC 1123,
// and TimeToLive is always there, as Azure has it. [R1]
func AppendBrokerProperties(dst []byte, r *Received) []byte {
	w := jsonWriter{buf: dst, quote: quoteASCII}
	w.open()
	w.integer("DeliveryCount", int64(r.DeliveryCount))
	w.integer("EnqueuedSequenceNumber", r.EnqueuedSequenceNumber)
	w.instant("EnqueuedTimeUtc", r.EnqueuedAt, http.TimeFormat)
	w.text("LockToken", r.LockToken)
	w.instant("LockedUntilUtc", r.LockedUntil, http.TimeFormat)
	w.integer("SequenceNumber", r.SequenceNumber)
	w.text("State", r.State)
	w.text("DeadLetterReason", r.DeadLetterReason)
	w.text("DeadLetterErrorDescription", r.DeadLetterDescription)
	w.text("DeadLetterSource", r.DeadLetterSource)
	w.brokerFields(r.Message)
	w.instant("ScheduledEnqueueTimeUtc", r.ScheduledAt, http.TimeFormat)
	w.plainName("TimeToLive")
	if r.TimeToLive > 0 {
		w.buf = appendSeconds(w.buf, r.TimeToLive)
	} else {
		w.buf = append(w.buf, noTimeToLive...)
	}
	w.close()
	return w.buf
}

// brokerFields writes the fields that have no header of their own.
func (w *jsonWriter) brokerFields(m *Message) {
	for i := range fields[:fieldContentType] {
		f := &fields[i]
		if s, ok := f.get(m); ok {
			w.plainName(f.azure)
			w.buf = w.quote(w.buf, s)
		}
	}
}

package message

import (
	"bytes"

	"github.com/jitney-mq/jitney/problem"
)

// ParseJSON reads the message object of a sender; what the broker adds is
// refused as unknown. The message shares nothing with data. Errors are
// *problem.Field. [M1]
func ParseJSON(data []byte) (*Message, error) {
	d := messageReader{jsonReader: jsonReader{data: data, name: "message"}, members: firstBrokerMember}
	d.to.Message = new(Message)
	if err := d.read(); err != nil {
		return nil, err
	}
	return d.to.Message, nil
}

// ParseReceived reads what AppendJSON writes: a message object with what the
// broker added. [M1]
func ParseReceived(data []byte) (*Received, error) {
	d := messageReader{jsonReader: jsonReader{data: data, name: "message"}, members: jsonCount}
	d.to.Message = new(Message)
	if err := d.read(); err != nil {
		return nil, err
	}
	r := d.to
	return &r, nil
}

// messageReader reads one message object.
type messageReader struct {
	jsonReader
	to       Received
	members  int    // the places below are allowed
	seen     uint64 // the places that had a value
	bodyType string // the content type that the body's form stands for
}

func (d *messageReader) read() error {
	if err := d.object(d.member); err != nil {
		return err
	}
	if !d.has(fieldContentType) {
		d.to.ContentType = d.bodyType
	}
	return d.end()
}

func (d *messageReader) has(at int) bool { return d.seen>>at&1 != 0 }

func (d *messageReader) member(b []byte) error {
	at := jsonMember(b)
	if at >= d.members {
		return d.refuse(string(b), "a member of a message, such as messageId, properties or body")
	}
	if at != jsonBody && d.isNull() {
		return nil
	}
	name := jsonName(at)
	if d.has(at) {
		return problem.NewField(name, name, wantOnce)
	}
	d.seen |= 1 << at
	return d.readMember(at, name)
}

func (d *messageReader) readMember(at int, name string) error {
	switch at {
	case jsonProperties:
		return d.readProperties(name)
	case jsonBody, jsonBodyBase64:
		return d.readBody(at, name)
	case jsonTimeToLive, jsonSequenceNumber, jsonEnqueuedSequenceNumber, jsonDeliveryCount:
		number, err := d.numberOf(name, "a number")
		if err != nil {
			return err
		}
		return d.readNumber(at, name, number)
	}
	text, err := d.textOf(name)
	if err != nil {
		return err
	}
	return d.readText(at, name, text)
}

func (d *messageReader) readNumber(at int, name, number string) (err error) {
	if at == jsonTimeToLive {
		d.to.TimeToLive, err = timeToLive(name, number)
		return err
	}
	v, ok := parseNumber(number)
	if !ok || v.Kind() != KindInt64 {
		return problem.NewField(name, number, "an integer")
	}
	switch at {
	case jsonSequenceNumber:
		d.to.SequenceNumber = v.Int64()
	case jsonEnqueuedSequenceNumber:
		d.to.EnqueuedSequenceNumber = v.Int64()
	case jsonDeliveryCount:
		d.to.DeliveryCount = int(v.Int64())
	}
	return nil
}

func (d *messageReader) readText(at int, name, text string) (err error) {
	switch at {
	case jsonSchedule:
		err = d.to.scheduleText(name, text)
	case jsonEnqueuedTime:
		d.to.EnqueuedAt, err = ParseInstant(name, text)
	case jsonLockedUntil:
		d.to.LockedUntil, err = ParseInstant(name, text)
	case jsonLock:
		d.to.Lock = text
	case jsonStatus:
		d.to.Status = text
	case jsonReason:
		d.to.DeadLetterReason = text
	case jsonDescription:
		d.to.DeadLetterDescription = text
	case jsonSource:
		d.to.DeadLetterSource = text
	default:
		err = fields[at].set(d.to.Message, "", name, text)
	}
	return err
}

func (d *messageReader) readProperties(name string) (err error) {
	if d.peek() != '{' {
		return d.refuse(name, "an object")
	}
	d.prefix = "properties."
	d.to.Properties, err = d.properties()
	d.prefix = ""
	return err
}

func (d *messageReader) readBody(at int, name string) (err error) {
	if d.has(jsonBody) && d.has(jsonBodyBase64) {
		return problem.NewField(name, name, "either body or bodyBase64")
	}
	if at == jsonBodyBase64 {
		d.to.Body, err = d.base64Of(name)
		return err
	}
	read := d.skip
	d.bodyType = typeJSON
	if d.peek() == '"' {
		read = d.stringBytes
		d.bodyType = typeText
	}
	body, err := read()
	d.to.Body = bytes.Clone(body)
	return err
}

package message

import (
	"strconv"
	"strings"

	"github.com/jitney-mq/jitney/problem"
)

// MaxBatch is how many messages a batch may have. [Q4]
const MaxBatch = 10_000

const wantMessages = "an array of objects with Body, BrokerProperties and UserProperties"

// ParseBatch reads Azure's batch, application/vnd.microsoft.servicebus.json:
// an array of objects with Body (a string; of base64 if IsBodyBase64 is true),
// BrokerProperties and UserProperties. A body is text/plain unless its
// BrokerProperties have a ContentType. The messages share nothing with data.
// Errors are *problem.Field whose element begins with the message's place in
// the array, [0] being the first. [Q4]
func ParseBatch(data []byte) ([]*Message, error) {
	r := jsonReader{data: data, name: "batch"}
	var batch []*Message
	err := r.array(func(i int) error {
		if i == MaxBatch {
			return problem.NewField("batch", "", "at most %d messages", MaxBatch)
		}
		item := batchItem{jsonReader: &r, message: new(Message), place: "[" + strconv.Itoa(i) + "]"}
		batch = append(batch, item.message)
		return item.read()
	})
	if err == nil {
		err = r.end()
	}
	if err != nil {
		return nil, err
	}
	return batch, nil
}

// batchItem reads one message of a batch.
type batchItem struct {
	*jsonReader
	message *Message
	place   string // [i]
	body    []byte
	base64  bool
	seen    [len(batchMembers)]bool
}

var batchMembers = [...]string{"Body", "IsBodyBase64", "BrokerProperties", "UserProperties"}

func (b *batchItem) read() error {
	b.prefix = ""
	if b.peek() != '{' {
		return b.refuse(b.place, wantMessages)
	}
	if err := b.object(b.member); err != nil {
		return err
	}
	return b.setBody()
}

func (b *batchItem) member(name []byte) error {
	b.prefix = b.place + "."
	for i, known := range batchMembers {
		if !strings.EqualFold(known, string(name)) {
			continue
		}
		if b.isNull() {
			return nil
		}
		if b.seen[i] {
			return problem.NewField(b.element(known), known, wantOnce)
		}
		b.seen[i] = true
		return b.value(known)
	}
	return b.refuse(string(name), wantMessages)
}

func (b *batchItem) value(name string) (err error) {
	if name == "Body" {
		b.body, err = b.bytesOf(name)
		return err
	}
	if name == "IsBodyBase64" {
		b.base64, err = b.boolOf(name)
		return err
	}
	if b.peek() != '{' {
		return b.refuse(name, "an object")
	}
	b.prefix = b.element(name) + "."
	if name == "BrokerProperties" {
		return b.brokerProperties(b.message)
	}
	b.message.Properties, err = b.properties()
	return err
}

func (b *batchItem) setBody() error {
	if b.message.ContentType == "" && b.seen[0] && !b.base64 {
		b.message.ContentType = typeText
	}
	b.message.Body = b.body
	if !b.base64 {
		return nil
	}
	body, err := decodeBase64(b.place+".Body", b.body)
	b.message.Body = body
	return err
}

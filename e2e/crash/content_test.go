package crash_test

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jitney-mq/jitney/message"
)

// A label is what a message's id says, so that its content follows from it.
type label struct {
	job  string        // what it is about
	try  int           // which send of it, from 1
	size int           // bytes of its body
	life time.Duration // its time to live, in whole milliseconds; 0: none
}

func (l label) String() string {
	return fmt.Sprintf("%s/%d/%d/%d", l.job, l.try, l.size, l.life.Milliseconds())
}

// parseLabel reads what String has written.
func parseLabel(id string) (l label, ok bool) {
	parts := strings.Split(id, "/")
	if len(parts) != 4 {
		return l, false
	}
	l.job = parts[0]
	numbers := [3]int{}
	for i, text := range parts[1:] {
		n, err := strconv.Atoi(text)
		if err != nil {
			return l, false
		}
		numbers[i] = n
	}
	l.try, l.size, l.life = numbers[0], numbers[1], time.Duration(numbers[2])*time.Millisecond
	return l, l.size >= 0 && l.size <= 8<<20 && l.String() == id
}

// newMessage makes the message that l names.
func newMessage(l label) *message.Message {
	hash := fnv.New64a()
	hash.Write([]byte(l.String()))
	random := rand.New(rand.NewPCG(hash.Sum64(), uint64(l.size)))
	m := &message.Message{
		ID:            l.String(),
		Label:         "label " + strconv.Itoa(random.IntN(10)),
		CorrelationID: "ü/" + strconv.FormatUint(random.Uint64(), 36),
		ContentType:   []string{"", "application/octet-stream", "text/plain; charset=latin1"}[random.IntN(3)],
		TimeToLive:    l.life,
		Body:          newBody(hash.Sum64(), l.size),
	}
	setProperties(&m.Properties, random)
	return m
}

func newBody(seed uint64, size int) []byte {
	var key [32]byte
	copy(key[:], strconv.FormatUint(seed, 36))
	body := make([]byte, size)
	_, _ = rand.NewChaCha8(key).Read(body) // it never fails
	return body
}

// setProperties gives a message up to five properties of different types.
func setProperties(p *message.Properties, random *rand.Rand) {
	values := []message.Value{
		message.Int64(random.Int64()),
		message.Double(random.Float64()),
		message.Bool(random.IntN(2) == 0),
		message.String("a \"quoted\" text, 日本"),
		message.UUID(uuid.UUID{1, byte(random.IntN(256))}),
	}
	for i := range random.IntN(len(values) + 1) {
		p.Set("Property "+strconv.Itoa(i), values[i])
	}
}

// damage says what is different between a message that was received and the
// one that its id names; empty if nothing is.
func damage(got *message.Message) string {
	l, ok := parseLabel(got.ID)
	if !ok {
		return "nothing with this id was ever sent"
	}
	want := newMessage(l)
	switch {
	case !bytes.Equal(got.Body, want.Body):
		return fmt.Sprintf("a body of %d bytes is not the one of %d bytes that was sent", len(got.Body), len(want.Body))
	case !got.Properties.Equal(want.Properties):
		return "its application properties are not those that were sent"
	case got.Label != want.Label, got.CorrelationID != want.CorrelationID, got.ContentType != want.ContentType, got.TimeToLive != want.TimeToLive:
		return fmt.Sprintf("label %q, correlation id %q, content type %q, life %v are not %q, %q, %q, %v",
			got.Label, got.CorrelationID, got.ContentType, got.TimeToLive, want.Label, want.CorrelationID, want.ContentType, want.TimeToLive)
	case got.SessionID != nil, got.To+got.ReplyTo+got.PartitionKey+got.ContentEncoding != "":
		return "it has properties that were not sent"
	}
	return ""
}

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

// newID names a message so that its content follows from its name: who sent
// it, which of the sender's jobs it is about, the how manieth try that is, and
// how many bytes its body has.
func newID(sender string, job, try, size int) string {
	return fmt.Sprintf("%s.%d.%d-%d", sender, job, try, size)
}

// sizeOf returns the size of the body of the message that id names.
func sizeOf(id string) (int, bool) {
	_, text, _ := strings.Cut(id, "-")
	size, err := strconv.Atoi(text)
	return size, err == nil && size >= 0 && size <= 8<<20
}

// newMessage makes the message that id names, without times.
func newMessage(id string) *message.Message {
	size, _ := sizeOf(id)
	hash := fnv.New64a()
	hash.Write([]byte(id))
	random := rand.New(rand.NewPCG(hash.Sum64(), uint64(size)))
	m := &message.Message{
		ID:            id,
		Label:         "label " + strconv.Itoa(random.IntN(10)),
		CorrelationID: "ü/" + strconv.FormatUint(random.Uint64(), 36),
	}
	m.Body = newBody(hash.Sum64(), size)
	m.ContentType = []string{"", "application/octet-stream", "text/plain; charset=latin1"}[random.IntN(3)]
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
func damage(got *message.Message, life time.Duration) string {
	if _, ok := sizeOf(got.ID); !ok {
		return "its id was never given to a message"
	}
	want := newMessage(got.ID)
	switch {
	case !bytes.Equal(got.Body, want.Body):
		return fmt.Sprintf("a body of %d bytes is not the one of %d bytes that was sent", len(got.Body), len(want.Body))
	case !got.Properties.Equal(want.Properties):
		return "its application properties are not those that were sent"
	case got.Label != want.Label, got.CorrelationID != want.CorrelationID, got.ContentType != want.ContentType:
		return fmt.Sprintf("label %q, correlation id %q, content type %q are not %q, %q, %q",
			got.Label, got.CorrelationID, got.ContentType, want.Label, want.CorrelationID, want.ContentType)
	case got.TimeToLive != life, got.SessionID != nil, got.To+got.ReplyTo+got.PartitionKey+got.ContentEncoding != "":
		return "it has properties that were not sent"
	}
	return ""
}

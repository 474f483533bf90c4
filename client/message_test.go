package client_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
)

// full returns a message with every property.
func full() *message.Message {
	session := ""
	m := &message.Message{
		ID: "42 ü", SessionID: &session, CorrelationID: "41", Label: "new", To: "/x", ReplyTo: "/y",
		ReplyToSessionID: "s", PartitionKey: "p", ContentType: "application/octet-stream", ContentEncoding: "br",
		ContentLanguage: "en", TimeToLive: 90 * time.Second,
		ScheduledAt: time.Date(2099, 1, 2, 3, 4, 5, 678_000_000, time.UTC),
		Body:        []byte("\x00\xff body"),
	}
	m.Properties.Set("order-id", message.Int64(7))
	m.Properties.Set("Order-Name", message.String("7"))
	m.Properties.Set("ü \n", message.UUID(uuid.MustParse(token)))
	m.Properties.Set("none", message.Null())
	return m
}

// sentMessage reads a request as a broker does.
func sentMessage(t *testing.T, r *http.Request) *message.Message {
	t.Helper()
	m := &message.Message{}
	if err := message.FromHeader(r.Header, m); err != nil {
		t.Error(err)
	}
	if err := message.FromQuery(r.URL.Query(), time.Now(), m); err != nil {
		t.Error(err)
	}
	var err error
	if m.Body, err = io.ReadAll(r.Body); err != nil {
		t.Error(err)
	}
	return m
}

// [Q1] [Q2] [Q3]
func TestSendKeepsEveryProperty(t *testing.T) {
	t.Parallel()
	var got *message.Message
	var length int64
	c := answering(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		got, length = sentMessage(t, r), r.ContentLength
		w.Header().Set("Location", "/q/messages/17")
		w.WriteHeader(201)
	})
	sent, err := c.Send(t.Context(), "/q", full())
	if err != nil || sent.SequenceNumber != 17 || sent.Outcome != client.Stored {
		t.Errorf("Send = %+v, %v", sent, err)
	}
	if !reflect.DeepEqual(got, full()) || length != int64(len(full().Body)) {
		t.Errorf("sent %+v, want %+v", got, full())
	}
	if _, err := c.SendBody(t.Context(), "/q", full(), bytes.NewReader(full().Body)); err != nil {
		t.Error(err)
	}
	if !reflect.DeepEqual(got, full()) || length != int64(len(full().Body)) {
		t.Errorf("SendBody sent %+v, want %+v", got, full())
	}
}

func TestSendOutcomes(t *testing.T) {
	t.Parallel()
	for _, want := range []client.Sent{{Outcome: client.Discarded}, {Outcome: client.Unrouted}, {Deliveries: 3}} {
		c := answering(t, client.Options{}, func(w http.ResponseWriter, _ *http.Request) {
			if want.Outcome != "" {
				w.Header().Set("Jitney-Outcome", string(want.Outcome))
			}
			w.Header().Set("Jitney-Deliveries", strconv.Itoa(want.Deliveries))
			w.WriteHeader(202)
		})
		if got, err := c.Send(t.Context(), "/r", &message.Message{}); err != nil || got != want {
			t.Errorf("Send = %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestSendBodyLength(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Seek(4, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	for want, body := range map[int64]io.Reader{6: file, 2: strings.NewReader("xy"), -1: io.MultiReader(strings.NewReader("xyz")), 0: &bytes.Buffer{}} {
		length, read := int64(-2), 0
		c := answering(t, client.Options{}, func(_ http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			length, read = r.ContentLength, len(b)
		})
		if _, err := c.SendBody(t.Context(), "/q", &message.Message{}, body); err != nil {
			t.Error(err)
		}
		if length != want || want > 0 && int64(read) != want {
			t.Errorf("length %d, %d bytes, want %d", length, read, want)
		}
	}
}

// A message whose own type is a batch's must not be taken apart. [Q4]
func TestSendOfBatchTypes(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"application/x-ndjson", "Application/vnd.Microsoft.servicebus.json; charset=utf-8"} {
		want := message.Message{ContentType: kind, Body: []byte("{}\n{}\n")}
		var got *message.Message
		c := answering(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
			line, _ := io.ReadAll(r.Body)
			var err error
			if got, err = message.ParseJSON(line); err != nil || r.Header.Get("Content-Type") != "application/x-ndjson" {
				t.Error(err)
			}
			io.WriteString(w, `{"committed":1,"last":9}`)
		})
		sent, err := c.Send(t.Context(), "/q", &want)
		if err != nil || sent.SequenceNumber != 9 || !reflect.DeepEqual(got, &want) {
			t.Errorf("%+v, %v: %+v", sent, err, got)
		}
		_, err = c.SendBody(t.Context(), "/q", &want, strings.NewReader(""))
		if _, ok := errors.AsType[*problem.Field](err); !ok {
			t.Errorf("SendBody: %v", err)
		}
	}
}

// [Q4]
func TestSendBatchKeepsEveryProperty(t *testing.T) {
	t.Parallel()
	text := full()
	text.Body = []byte("text <&> ü")
	bare := &message.Message{Body: []byte("without a type")}
	empty := &message.Message{}
	want := []*message.Message{full(), text, bare, empty}
	var got []*message.Message
	c := answering(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var err error
		if got, err = message.ParseBatch(body); err != nil {
			t.Error(err)
		}
		w.Header().Set("Location", "/q/messages/17")
		w.WriteHeader(201)
	})
	if sent, err := c.SendBatch(t.Context(), "/q", want); err != nil || sent.SequenceNumber != 17 {
		t.Error(sent, err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d messages", len(got))
	}
	for i := range want {
		if string(got[i].Body) != string(want[i].Body) {
			t.Errorf("%d: body %q", i, got[i].Body)
		}
		got[i].Body = want[i].Body
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("%d: %+v, want %+v", i, got[i], want[i])
		}
	}
}

func received() *message.Received {
	return &message.Received{
		Message: full(), SequenceNumber: 5, EnqueuedSequenceNumber: 4,
		EnqueuedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), DeliveryCount: 2,
		LockToken: token, Lock: "/q/messages/5/" + token, LockedUntil: time.Date(2026, 1, 2, 3, 5, 5, 0, time.UTC),
		State: "Active", DeadLetterReason: "r", DeadLetterDescription: "d", DeadLetterSource: "/s",
	}
}

// [R1]
func TestReceiveBody(t *testing.T) {
	t.Parallel()
	query := ""
	c := answering(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.RawQuery
		message.ToHeader(w.Header(), received())
		w.Header().Set("Location", received().Lock)
		w.Header().Set("X-Cache", "miss")
		w.WriteHeader(201)
		w.Write(received().Body)
	})
	got, body, err := c.ReceiveBody(t.Context(), "/q", client.ReceiveOptions{Wait: 1500 * time.Millisecond, LockDuration: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	read, err := io.ReadAll(body)
	if err != nil || string(read) != string(received().Body) || got.Size != int64(len(read)) {
		t.Errorf("body %q, %v, size %d", read, err, got.Size)
	}
	want := received()
	want.Body, want.Size = nil, got.Size
	want.ScheduledAt = want.ScheduledAt.Truncate(time.Second) // as HTTP has it
	if !reflect.DeepEqual(got.Message, want.Message) {
		t.Errorf("got %+v\nwant %+v", got.Message, want.Message)
	}
	got.Message, want.Message = nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if query != "lock-duration=60&timeout=1.5" {
		t.Errorf("asked for %s", query)
	}
}

// [R1] [M1]
func TestReceiveMany(t *testing.T) {
	t.Parallel()
	query := ""
	c := answering(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.RawQuery
		line := message.AppendJSON(nil, received())
		w.WriteHeader(201)
		w.Write(append(append(append(line, '\n'), line...), '\n'))
	})
	got, err := c.Receive(t.Context(), "/q", client.ReceiveOptions{Count: 2})
	if err != nil || len(got) != 2 || query != "count=2&timeout=0" {
		t.Fatalf("%v, %v, asked for %s", got, err, query)
	}
	if !reflect.DeepEqual(got[1].Message, full()) || got[1].Lock != received().Lock || !got[1].LockedUntil.Equal(received().LockedUntil) {
		t.Errorf("got %+v", got[1])
	}
}

func TestNoMessage(t *testing.T) {
	t.Parallel()
	c := answering(t, client.Options{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	_, one := c.Receive(t.Context(), "/q", client.ReceiveOptions{})
	_, _, two := c.ReceiveBody(t.Context(), "/q", client.ReceiveOptions{})
	_, three := c.ReceiveAndDelete(t.Context(), "/q", client.ReceiveOptions{})
	for _, err := range []error{one, two, three} {
		if !errors.Is(err, client.ErrNoMessage) {
			t.Error(err)
		}
	}
}

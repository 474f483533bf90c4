package crash_test

import (
	"testing"
	"time"

	"github.com/jitney-mq/jitney/message"
)

func TestLabelIsReadAgain(t *testing.T) {
	t.Parallel()
	for _, l := range []label{{job: "a 1", try: 1}, {"sender 3 17", 2, 2 << 20, 1500 * time.Millisecond}} {
		if got, ok := parseLabel(l.String()); !ok || got != l {
			t.Errorf("%q is read as %+v, %v", l, got, ok)
		}
	}
	for _, id := range []string{"", "a", "a/1/2", "a/1/2/3/4", "a/1/-2/0", "a/1/02/0", "a/1/99999999/0", "a/x/1/0"} {
		if l, ok := parseLabel(id); ok {
			t.Errorf("%q is read as %+v", id, l)
		}
	}
}

func TestDamageIsFound(t *testing.T) {
	t.Parallel()
	l := label{"sender 1 2", 1, 100, time.Second}
	if text := damage(newMessage(l)); text != "" {
		t.Errorf("an unchanged message: %s", text)
	}
	session := ""
	for name, change := range map[string]func(m *message.Message){
		"another id":    func(m *message.Message) { m.ID += "0" },
		"a bit":         func(m *message.Message) { m.Body[50] ^= 1 },
		"a byte less":   func(m *message.Message) { m.Body = m.Body[:99] },
		"a property":    func(m *message.Message) { m.Properties.Set("more", message.Bool(true)) },
		"the label":     func(m *message.Message) { m.Label = "" },
		"correlation":   func(m *message.Message) { m.CorrelationID += " " },
		"the type":      func(m *message.Message) { m.ContentType += "x" },
		"the life":      func(m *message.Message) { m.TimeToLive = 0 },
		"a session":     func(m *message.Message) { m.SessionID = &session },
		"an address":    func(m *message.Message) { m.To = "somebody" },
		"a compression": func(m *message.Message) { m.ContentEncoding = "gzip" },
	} {
		m := newMessage(l)
		change(m)
		if damage(m) == "" {
			t.Errorf("%s is not found", name)
		}
	}
}

package policy_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/policy"
)

func inRouter(inside string) string {
	return strings.ReplaceAll(inQueue(inside), "QueuePolicy", "RouterPolicy")
}

// Every element at the ends of its range. [P2]
func TestRouterElements(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		element, text string
		want          func(*policy.Router)
	}{
		{"MessageDistribution", "AllSubscribers", func(r *policy.Router) {}},
		{"MessageDistribution", "All", func(r *policy.Router) {}},
		{"MessageDistribution", "OneSubscriber", func(r *policy.Router) { r.Distribution = policy.ToOne }},
		{"MessageDistribution", " One\n", func(r *policy.Router) { r.Distribution = policy.ToOne }},
		{"MaxSubscribers", "1", func(r *policy.Router) { r.MaxSubscribers = 1 }},
		{"MaxSubscribers", "2000", func(r *policy.Router) {}},
		{"MaxMessageSizeInKilobytes", "1", func(r *policy.Router) { r.MaxMessageKilobytes = 1 }},
		{"MaxMessageSizeInKilobytes", "102400", func(r *policy.Router) { r.MaxMessageKilobytes = 102_400 }},
		{"MaxMessageSize", "64", func(r *policy.Router) { r.MaxMessageKilobytes = 64 }},
		{"MaxBufferLength", "1", func(r *policy.Router) { r.MaxBufferLength = 1 }},
		{"MaxBufferLength", "2147483647", func(r *policy.Router) { r.MaxBufferLength = 1<<31 - 1 }},
		{"BufferTimeout", "PT0S", func(r *policy.Router) { r.BufferTimeout = 0 }},
		{"BufferTimeout", "PT1M", func(r *policy.Router) { r.BufferTimeout = time.Minute }},
		{"Overflow", "DiscardIncomingMessage", func(r *policy.Router) { r.Overflow = policy.DiscardIncoming }},
		{"Overflow", "DiscardExistingMessage", func(r *policy.Router) { r.Overflow = policy.DiscardExisting }},
		{"PushDeliveryRetries", "0", func(r *policy.Router) { r.PushRetries = 0 }},
		{"PushDeliveryRetries", "100", func(r *policy.Router) { r.PushRetries = 100 }},
		{"PushDeliveryTimeout", "PT1S", func(r *policy.Router) { r.PushTimeout = time.Second }},
		{"PushDeliveryTimeout", "PT5M", func(r *policy.Router) { r.PushTimeout = 5 * time.Minute }},
		{"Status", "Disabled", func(r *policy.Router) { r.Status = policy.Disabled }},
		{"Status", "SendDisabled", func(r *policy.Router) { r.Status = policy.SendDisabled }},
		{"UserMetadata", " a ", func(r *policy.Router) { r.UserMetadata = " a " }},
		{"ExpirationInstant", "2030-01-31T12:00:00Z", func(r *policy.Router) { r.ExpiresAt = time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC) }},
	} {
		want := policy.NewRouter()
		c.want(&want)
		got := mustParse(t, inRouter("<"+c.element+">"+c.text+"</"+c.element+">"))
		if got != policy.Policy(want) {
			t.Errorf("%s %s: got %+v, want %+v", c.element, c.text, got, want)
		}
		wantTwin(t, want)
	}
	wantTwin(t, mustParse(t, inRouter("")))
}

// wantTwin demands that a policy survives XML and JSON.
func wantTwin(t *testing.T, p policy.Policy) {
	t.Helper()
	again, err := parse(string(entryOf(p).AppendXML(nil)))
	if err != nil || !policy.Equal(again, p) {
		t.Errorf("XML: %+v became %+v, %v", p, again, err)
	}
	document, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if again, err = policy.ParseJSON(document); err != nil || !policy.Equal(again, p) {
		t.Errorf("%s became %+v, %v", document, again, err)
	}
	if err := policy.Validate(p); err != nil {
		t.Errorf("%+v: %v", p, err)
	}
}

// [P2]
func TestRouterRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ inside, element, value, want string }{
		{"<MessageDistribution>one</MessageDistribution>", "MessageDistribution", "one", "AllSubscribers, OneSubscriber"},
		{"<MessageDistribution/>", "MessageDistribution", "", "AllSubscribers"},
		{"<MaxSubscribers>0</MaxSubscribers>", "MaxSubscribers", "0", "from 1 to 2000"},
		{"<MaxSubscribers>2001</MaxSubscribers>", "MaxSubscribers", "2001", "from 1 to 2000"},
		{"<MaxSubscribers>1e3</MaxSubscribers>", "MaxSubscribers", "1e3", "a whole number"},
		{"<MaxMessageSize>102401</MaxMessageSize>", "MaxMessageSize", "102401", "102400"},
		{"<MaxMessageSize>1</MaxMessageSize><MaxMessageSizeInKilobytes>1</MaxMessageSizeInKilobytes>", "MaxMessageSizeInKilobytes", "1", "once; MaxMessageSize"},
		{"<MaxBufferLength>0</MaxBufferLength>", "MaxBufferLength", "0", "from 1"},
		{"<BufferTimeout>PT1M1S</BufferTimeout>", "BufferTimeout", "PT1M1S", "PT1M"},
		{"<PushDeliveryRetries>101</PushDeliveryRetries>", "PushDeliveryRetries", "101", "from 0 to 100"},
		{"<PushDeliveryTimeout>PT0.5S</PushDeliveryTimeout>", "PushDeliveryTimeout", "PT0.5S", "from PT1S"},
		{"<Rule/>", "Rule", "", "an element of RouterPolicy"},
		{"<LockDuration>PT1S</LockDuration>", "LockDuration", "PT1S", "an element of RouterPolicy"},
		{"text", "RouterPolicy", "text", "elements inside"},
	} {
		_, err := parse(inRouter(c.inside))
		wantField(t, err, c.element, c.value, c.want)
	}
}

// How messages are distributed is fixed. [P3]
func TestRouterChanges(t *testing.T) {
	t.Parallel()
	from, to := policy.NewRouter(), policy.NewRouter()
	to.MaxSubscribers, to.Status = 5, policy.Disabled
	if err := policy.Change(from, to); err != nil {
		t.Error(err)
	}
	to.Distribution = policy.ToOne
	wantField(t, policy.Change(from, to), "MessageDistribution", "OneSubscriber", "AllSubscribers")
	wantField(t, policy.Change(from, policy.NewQueue()), "QueuePolicy", "", "RouterPolicy")
}

// A queue out of which a router pushes has the router's limits.
func TestRouterKeeps(t *testing.T) {
	t.Parallel()
	r, s := policy.NewRouter(), policy.NewSubscription()
	r.PushRetries, r.PushTimeout, r.MaxBufferLength, r.BufferTimeout, r.Overflow = 2, time.Minute, 5, 0, policy.DiscardIncoming
	if got := r.Keep(s); got != s.Queue {
		t.Errorf("pulled: %+v", got)
	}
	s.PushTo = "https://example.com/"
	got := r.Keep(s)
	if got.MaxDeliveryCount < 3 || got.LockDuration <= time.Minute || got.MaxLength != 5 || got.EnqueueTimeout != 0 ||
		got.Overflow != policy.DiscardIncoming {
		t.Errorf("pushed: %+v", got)
	}
	if s.MaxLength = 9; r.Keep(s).MaxLength != 9 {
		t.Errorf("its own length: %+v", r.Keep(s))
	}
}

package policy_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/problem"
)

func spans(low, high time.Duration) *rapid.Generator[time.Duration] {
	return rapid.Map(rapid.Int64Range(int64(low), int64(high)), func(n int64) time.Duration { return time.Duration(n) })
}

func commons() *rapid.Generator[policy.Common] {
	return rapid.Custom(func(t *rapid.T) policy.Common {
		c := policy.Common{
			Discoverability: rapid.SampledFrom([]policy.Discoverability{policy.Managers, policy.Public}).Draw(t, "discoverability"),
			UserMetadata:    rapid.StringN(0, 1024, -1).Filter(atom.IsText).Draw(t, "metadata"),
		}
		if rapid.Bool().Draw(t, "expires") {
			c.ExpiresAt = time.Unix(0, rapid.Int64Range(0, 4e18).Draw(t, "expiry")).UTC()
		}
		return c
	})
}

func policies() *rapid.Generator[policy.Policy] {
	return rapid.OneOf(
		rapid.Map(queues(), func(q policy.Queue) policy.Policy { return q }),
		rapid.Map(references(), func(m policy.Metadata) policy.Policy { return m }),
		rapid.Map(connectionPoints(), func(c policy.ConnectionPoint) policy.Policy { return c }),
	)
}

func connectionPoints() *rapid.Generator[policy.ConnectionPoint] {
	return rapid.Custom(func(t *rapid.T) policy.ConnectionPoint {
		c := policy.NewConnectionPoint()
		c.Common = commons().Draw(t, "common")
		c.Status = rapid.SampledFrom([]policy.Status{0, 1, 2, 3}).Draw(t, "status")
		c.MaxListeners = rapid.IntRange(1, 1000).Draw(t, "listeners")
		return c
	})
}

func references() *rapid.Generator[policy.Metadata] {
	return rapid.Custom(func(t *rapid.T) policy.Metadata {
		return policy.Metadata{
			Common:  commons().Draw(t, "common"),
			Address: "https://" + rapid.StringMatching(`[a-z0-9]{1,9}(:[0-9]{1,4})?(/[a-z&;%20]{0,9})?`).Draw(t, "address"),
			Text:    rapid.StringN(0, 4096, -1).Filter(atom.IsText).Draw(t, "text"),
		}
	}).Filter(func(m policy.Metadata) bool { return policy.Validate(m) == nil })
}

func queues() *rapid.Generator[policy.Queue] {
	return rapid.Custom(func(t *rapid.T) policy.Queue {
		q := policy.NewQueue()
		q.Common = commons().Draw(t, "common")
		q.Status = rapid.SampledFrom([]policy.Status{0, 1, 2, 3}).Draw(t, "status")
		q.LockDuration = spans(time.Second, 12*time.Hour).Draw(t, "lock")
		q.MaxDeliveryCount = rapid.IntRange(1, 1_000_000).Draw(t, "deliveries")
		q.TimeToLive = rapid.OneOf(rapid.Just(time.Duration(0)), spans(time.Second, policy.Forever-1)).Draw(t, "ttl")
		q.DeadLetterExpired = rapid.Bool().Draw(t, "expired")
		q.MaxMessageKilobytes = rapid.IntRange(1, 102_400).Draw(t, "kilobytes")
		q.MaxLength = rapid.Int64Min(0).Draw(t, "length")
		q.MaxMegabytes = rapid.Int64Range(0, 1<<43-1).Draw(t, "megabytes")
		q.EnqueueTimeout = spans(0, time.Minute).Draw(t, "timeout")
		q.Overflow = rapid.SampledFrom([]policy.Overflow{0, 1, 2}).Draw(t, "overflow")
		q.MaxLocked = rapid.IntRange(0, 1<<31-1).Draw(t, "locked")
		names := rapid.StringMatching(`(/[a-zé<&% ]{1,9}x){0,3}`)
		q.DeadLetterTo = names.Draw(t, "drop")
		q.ForwardTo = names.Draw(t, "forward")
		return q
	})
}

// entryOf returns an entry with p, as a server would send it.
func entryOf(p policy.Policy) *atom.Entry {
	return &atom.Entry{Title: "a", Extensions: []atom.Element{policy.Element(p)}}
}

func TestPolicySurvives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := policies().Draw(t, "policy")
		got, err := parse(string(entryOf(want).AppendXML(nil)))
		if err != nil || got != want || !policy.Equal(got, want) {
			t.Fatalf("XML: got %+v, %v, want %+v", got, err, want)
		}
		for _, twin := range []any{want, entryOf(want)} {
			document, err := json.Marshal(twin)
			if err != nil {
				t.Fatal(err)
			}
			if got, err = policy.ParseJSON(document); err != nil || got != want {
				t.Fatalf("%s: got %+v, %v, want %+v", document, got, err, want)
			}
		}
		if err := policy.Validate(want); err != nil {
			t.Fatal(err)
		}
		if err := policy.Change(want, want); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzPolicy(f *testing.F) {
	for _, seed := range []string{
		``,
		`<LockDuration>PT30S</LockDuration>`,
		`<LockDuration>P10675199DT2H48M5.4775807S</LockDuration>`,
		`<MaxDequeueRetries>3</MaxDequeueRetries><MaxMessageAge>PT10M</MaxMessageAge>`,
		`<MaxDeliveryCount>0</MaxDeliveryCount>`,
		`<LockDuration><![CDATA[PT30S]]></LockDuration><?pi?><!-- c -->`,
		`<LockDuration xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>`,
		`<ExpirationInstant>0001-01-01T00:00:00</ExpirationInstant><UserMetadata>&#13;&lt;</UserMetadata>`,
		`</QueuePolicy><MetadataPolicy><Address>javascript://a/%0aalert(1)</Address></MetadataPolicy><QueuePolicy>`,
		`<Overflow>NaN</Overflow><Index>$.a</Index><PoisonMessageDrop>http://a</PoisonMessageDrop>`,
	} {
		f.Add(inQueue(seed))
		f.Add(inMetadata(`<Address>https://example.com/</Address>` + seed))
	}
	f.Fuzz(func(t *testing.T, body string) {
		p, err := parse(body)
		checkParsed(t, p, err)
	})
}

func FuzzPolicyJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"QueuePolicy":{}}`, `{"QueuePolicy":{"LockDuration":"PT30S","MaxDeliveryCount":3}}`,
		`{"QueuePolicy":{"UserMetadata":"\u0000\ud800"}}`, `{"QueuePolicy":{"Index":["a",[]]}}`,
		`{"MetadataPolicy":{"Address":"https://example.com/","ExpirationInstant":"9999-12-31T23:59:59.9999999Z"}}`,
		`{"QueuePolicy":{"MaxQueueLength":1e99,"a":null}}`, `{"QueuePolicy":{},"QueuePolicy":{}}`, "\ufeff{}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := policy.ParseJSON(body)
		checkParsed(t, p, err)
	})
}

// checkParsed fails unless p survives both forms, or err says which field is
// to blame.
func checkParsed(t *testing.T, p policy.Policy, err error) {
	t.Helper()
	if err != nil {
		if field, ok := errors.AsType[*problem.Field](err); !ok || field.Element == "" || field.Want == "" {
			t.Errorf("got error %v, want a *problem.Field", err)
		}
		return
	}
	// A secret is not shown.
	if again, err := parse(string(entryOf(p).AppendXML(nil))); err != nil || !policy.Equal(again, p) && p.Kind() != policy.SubscriptionKind {
		t.Errorf("XML: %+v became %+v, %v", p, again, err)
	}
	document, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := policy.ParseJSON(document); err != nil || !policy.Equal(again, p) {
		t.Errorf("JSON: %+v became %+v, %v", p, again, err)
	}
}

package client_test

import (
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
)

// writeEntry answers with the entry of a name and extensions.
func writeEntry(w http.ResponseWriter, name string, extensions ...atom.Element) {
	entry := atom.Entry{Links: []atom.Link{{Rel: "alternate", Href: name}}, Extensions: extensions}
	w.Header().Set("Content-Type", atom.EntryType)
	w.Write(entry.AppendXML(nil))
}

// [S1] The id travels in the Slug header, the policy with its secret.
func TestSubscribe(t *testing.T) {
	t.Parallel()
	var slug []string
	var sent policy.Policy
	c := answering(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		slug = r.Header["Slug"]
		body, _ := io.ReadAll(r.Body)
		entry, err := atom.ParseEntry(body)
		if err == nil {
			sent, err = policy.FromEntry(entry)
		}
		if err != nil || r.Method != "POST" || r.URL.EscapedPath() != "/my%20jobs/subscriptions" {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		writeEntry(w, "/My%20jobs/subscriptions/%C3%BC", policy.Element(sent))
	})
	p := policy.NewSubscription()
	p.PushTo, p.Secret = "https://example.com/", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
	got, err := c.Subscribe(t.Context(), "/my jobs", "ü", p)
	if err != nil || got.Name != "/My jobs/subscriptions/ü" {
		t.Fatalf("%+v, %v", got, err)
	}
	if !reflect.DeepEqual(sent, p) || !reflect.DeepEqual(slug, []string{"%C3%BC"}) {
		t.Errorf("sent %+v as %q", sent, slug)
	}
	if _, err := c.Subscribe(t.Context(), "/my jobs", "", p); err != nil || slug != nil {
		t.Errorf("without an id %q, %v", slug, err)
	}
}

func TestSubscribersOfOtherThings(t *testing.T) {
	t.Parallel()
	c := answering(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/queue/$policy" {
			writeEntry(w, "/queue", policy.Element(policy.NewQueue()))
			return
		}
		w.WriteHeader(map[string]int{"POST": 400, "GET": 404}[r.Method])
	})
	for name, want := range map[string]error{"/queue": client.ErrConflict, "/none": client.ErrNotFound} {
		if _, err := c.Subscribe(t.Context(), name, "", policy.NewSubscription()); !errors.Is(err, want) {
			t.Errorf("Subscribe at %s: %v", name, err)
		}
		for _, err := range c.Subscriptions(t.Context(), name) {
			if !errors.Is(err, want) {
				t.Errorf("Subscriptions of %s: %v", name, err)
			}
		}
	}
}

func TestSubscriptionsFollowPages(t *testing.T) {
	t.Parallel()
	c := answering(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/jobs/$policy" {
			writeEntry(w, "/jobs", policy.Element(policy.NewRouter()))
			return
		}
		id, next := "a", `<link rel="next" href="/jobs/subscriptions?after=a"/>`
		if r.URL.Query().Get("after") == "a" {
			id, next = "b", ""
		}
		entry := atom.Entry{
			Links:      []atom.Link{{Rel: "alternate", Href: "/jobs/subscriptions/" + id}},
			Extensions: []atom.Element{policy.Element(policy.NewSubscription())},
		}
		text := strings.TrimPrefix(string(entry.AppendXML(nil)), `<?xml version="1.0" encoding="utf-8"?>`)
		io.WriteString(w, `<feed xmlns="`+atom.Namespace+`">`+next+text+`</feed>`)
	})
	var names []string
	for listing, err := range c.Subscriptions(t.Context(), "/jobs") {
		if err != nil {
			t.Fatal(err)
		}
		if _, is := listing.Policy.(policy.Subscription); !is {
			t.Errorf("%s has %T", listing.Name, listing.Policy)
		}
		names = append(names, listing.Name)
	}
	if want := []string{"/jobs/subscriptions/a", "/jobs/subscriptions/b"}; !reflect.DeepEqual(names, want) {
		t.Errorf("%q", names)
	}
}

// [N4] [S8] What a name holds and does.
func TestState(t *testing.T) {
	t.Parallel()
	const document = `<entry xmlns="` + atom.Namespace + `">` +
		`<PushDetails xmlns="` + policy.Namespace + `"><Circuit>Open</Circuit><Consented>true</Consented><FailureCount>7</FailureCount>` +
		`<RetryAt>2026-01-31T12:00:00Z</RetryAt><LastStatus>503</LastStatus><LastError>no</LastError></PushDetails>` +
		`<RouterDetails xmlns="` + policy.Namespace + `"><SubscriptionCount>2</SubscriptionCount><DeliveryCount>5</DeliveryCount>` +
		`<UnroutedMessageCount>1</UnroutedMessageCount></RouterDetails>` +
		`<CountDetails xmlns="` + policy.Namespace + `"><ActiveMessageCount>3</ActiveMessageCount></CountDetails></entry>`
	c := answering(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/empty" {
			writeEntry(w, "/empty")
			return
		}
		io.WriteString(w, document)
	})
	got, err := c.State(t.Context(), "/jobs")
	want := client.State{
		Counts: &client.Counts{Active: 3},
		Routed: &client.Routed{Subscriptions: 2, Deliveries: 5, Unrouted: 1},
		Push: &client.PushHealth{Open: true, Consented: true, Failures: 7, LastStatus: 503, LastError: "no",
			RetryAt: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := c.State(t.Context(), "/empty"); err != nil || got != (client.State{}) {
		t.Errorf("%+v, %v", got, err)
	}
}

// [Q6] A trial asks with the message itself, and says that it is one.
func TestTry(t *testing.T) {
	t.Parallel()
	c := answering(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != "POST" || r.URL.Path != "/jobs/messages" || r.URL.Query().Get("dry-run") != "true" ||
			string(body) != "x" || r.Header.Get("Jitney-Properties") != `{"size":12}` {
			t.Errorf("%s %s %v %s", r.Method, r.URL, r.Header, body)
		}
		io.WriteString(w, `{"deliveries":1,"subscriptions":[{"name":"/jobs/subscriptions/a","matches":true,"rule":"big","to":"/r",`+
			`"status":"Active","chance":0.5,"next":{"deliveries":0,"subscriptions":[{"name":"b","error":"no"}]}}]}`)
	})
	m := &message.Message{Body: []byte("x")}
	m.Properties.Set("size", message.Int64(12))
	got, err := c.Try(t.Context(), "/jobs", m)
	want := &client.Trial{Deliveries: 1, Subscriptions: []client.TrialResult{{
		Name: "/jobs/subscriptions/a", Matches: true, Rule: "big", To: "/r", Status: "Active", Chance: 0.5,
		Next: &client.Trial{Subscriptions: []client.TrialResult{{Name: "b", Error: "no"}}},
	}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	broken := answering(t, client.Options{}, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "no JSON") })
	if _, err := broken.Try(t.Context(), "/jobs", m); err == nil {
		t.Error("an answer that cannot be read is taken")
	}
}

package client_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/policy"
)

func TestBrowseFollowsPages(t *testing.T) {
	t.Parallel()
	var asked []string
	c := answering(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.RequestURI)
		if r.URL.Query().Get("from") == "7" {
			io.WriteString(w, `{"messages":[{"sequenceNumber":7}],"next":"http://elsewhere/q/messages?from=9&count=2"}`)
			return
		}
		io.WriteString(w, `{"messages":[{"sequenceNumber":9,"body":"x"}]}`)
	})
	var got []int64
	for m, err := range c.Browse(t.Context(), "/q", client.BrowseOptions{From: 7, PageSize: 2, Status: "Pending"}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m.SequenceNumber)
	}
	if !slices.Equal(got, []int64{7, 9}) {
		t.Errorf("messages %v", got)
	}
	if want := []string{"/q/messages?count=2&from=7&status=Pending", "/q/messages?from=9&count=2"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %v", asked)
	}
}

func TestBrowseStopsAndFails(t *testing.T) {
	t.Parallel()
	requests := 0
	c := answering(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests == 3 {
			w.WriteHeader(404)
			return
		}
		fmt.Fprintf(w, `{"messages":[{"sequenceNumber":%d},{"sequenceNumber":0}],"next":"/q/messages?from=%d"}`, requests, requests)
	})
	for range c.Browse(t.Context(), "/q", client.BrowseOptions{}) {
		break
	}
	if requests != 1 {
		t.Errorf("%d requests for the first message", requests)
	}
	count := 0
	for _, err := range c.Browse(t.Context(), "/q", client.BrowseOptions{}) {
		if count++; (count == 3) != errors.Is(err, client.ErrNotFound) {
			t.Errorf("message %d: %v", count, err)
		}
	}
	if count != 3 {
		t.Errorf("%d messages", count)
	}
}

// [N3] [N4]
func TestFeedFollowsPages(t *testing.T) {
	t.Parallel()
	pages := map[string]*atom.Feed{
		"/?below=true": {
			Links: []atom.Link{{Rel: "next", Href: "/?below=true&after=a"}},
			Entries: []atom.Entry{{
				Links:      []atom.Link{{Rel: "self", Href: "/a%20b/$policy"}, {Rel: "alternate", Href: "/a%20b"}},
				Extensions: []atom.Element{policy.Element(policy.NewQueue())},
			}},
		},
		"/?below=true&after=a": {Entries: []atom.Entry{{Links: []atom.Link{{Rel: "alternate", Href: "http://h/c/d"}}}}},
	}
	c := answering(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Write(pages[r.RequestURI].AppendXML(nil))
	})
	var names []string
	for l, err := range c.Feed(t.Context(), "/") {
		if err != nil {
			t.Fatal(err)
		}
		if (l.Policy != nil) != (l.Name == "/a b") {
			t.Errorf("%s has policy %v", l.Name, l.Policy)
		}
		names = append(names, l.Name)
	}
	if !slices.Equal(names, []string{"/a b", "/c/d"}) {
		t.Errorf("names %q", names)
	}
}

// [P1] [P3]
func TestPolicies(t *testing.T) {
	t.Parallel()
	want := policy.NewQueue()
	want.LockDuration = 30 * time.Second
	asked := ""
	c := answering(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.RequestURI + " " + r.Header.Get("If-Match")
		if r.Method != http.MethodGet {
			body, _ := io.ReadAll(r.Body)
			entry, err := atom.ParseEntry(body)
			if err != nil {
				t.Error(err)
			} else if p, err := policy.FromEntry(entry); err != nil || !policy.Equal(p, want) {
				t.Errorf("sent %v, %v", p, err)
			}
		}
		w.Header().Set("ETag", `"7"`)
		entry := atom.Entry{Extensions: []atom.Element{policy.Element(want)}}
		w.Write(entry.AppendXML(nil))
	})
	rows := []struct {
		call func() (*client.Assigned, error)
		want string
	}{
		{func() (*client.Assigned, error) { return c.PutPolicy(t.Context(), "/q", want, "") }, "POST /q "},
		{func() (*client.Assigned, error) { return c.PutPolicy(t.Context(), "/q", want, `"6"`) }, `PUT /q/$policy "6"`},
		{func() (*client.Assigned, error) { return c.Policy(t.Context(), "/q") }, "GET /q/$policy "},
	}
	for _, row := range rows {
		got, err := row.call()
		if err != nil || !policy.Equal(got.Policy, want) || got.ETag != `"7"` || asked != row.want {
			t.Errorf("%s: %+v, %v", asked, got, err)
		}
	}
}

package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/problem"
)

const token = "7c9e6679-7425-40de-944b-e07fc1f90ae7"

func TestWhatIsNoLockIsNotSettled(t *testing.T) {
	t.Parallel()
	c := answering(t, client.Options{}, func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s was requested", r.Method, r.URL)
	})
	locks := []string{
		"", "/", "/q", "/q/$policy", "/q/messages/5", "/q/messages/head", "/q/messages/5/", "/q/messages/x/" + token,
		"/q/messages/-5/" + token, "/messages/5/" + token, "q/messages/5/" + token, "/q/5/" + token,
		"/q/messages/5/" + token + "/x", "/q/messages/5/" + token + "?disposition=defer", "/q/messages/5/" + token[1:], "%zz", "a/q/messages/5/" + token,
	}
	for _, lock := range locks {
		calls := map[string]func() error{
			"Complete":   func() error { return c.Complete(t.Context(), lock) },
			"Abandon":    func() error { return c.Abandon(t.Context(), lock, 0) },
			"Release":    func() error { return c.Release(t.Context(), lock) },
			"Defer":      func() error { return c.Defer(t.Context(), lock) },
			"DeadLetter": func() error { return c.DeadLetter(t.Context(), lock, "", "") },
			"Reschedule": func() error { return c.Reschedule(t.Context(), lock, 0) },
			"Renew":      func() error { _, err := c.Renew(t.Context(), lock, 0); return err },
			"Settle": func() error {
				_, err := c.Settle(t.Context(), "/q", []client.Settlement{{Lock: lock, Disposition: client.Complete}})
				return err
			},
		}
		for name, call := range calls {
			if _, ok := errors.AsType[*problem.Field](call()); !ok {
				t.Errorf("%s(%q) gave %v", name, lock, call())
			}
		}
	}
}

// [R3]
func TestSettlingRequests(t *testing.T) {
	t.Parallel()
	const lock = "/a%20b/messages/5/" + token
	rows := []struct {
		call func(context.Context, *client.Client) error
		want string
	}{
		{func(ctx context.Context, c *client.Client) error { return c.Complete(ctx, lock) }, "DELETE " + lock},
		{func(ctx context.Context, c *client.Client) error { return c.Complete(ctx, "http://elsewhere"+lock) }, "DELETE " + lock},
		{func(ctx context.Context, c *client.Client) error { return c.Complete(ctx, c.URL()+lock) }, "DELETE " + lock},
		{func(ctx context.Context, c *client.Client) error { return c.Abandon(ctx, lock, 0) }, "PUT " + lock},
		{func(ctx context.Context, c *client.Client) error { return c.Abandon(ctx, lock, 90*time.Second) }, "PUT " + lock + "?delay=90"},
		{func(ctx context.Context, c *client.Client) error { return c.Release(ctx, lock) }, "PUT " + lock + "?disposition=release"},
		{func(ctx context.Context, c *client.Client) error { return c.Defer(ctx, lock) }, "PUT " + lock + "?disposition=defer"},
		{func(ctx context.Context, c *client.Client) error { return c.DeadLetter(ctx, lock, "Bad", "") }, "PUT " + lock + "?disposition=dead-letter&reason=Bad"},
		{func(ctx context.Context, c *client.Client) error {
			return c.Reschedule(ctx, lock, 1500*time.Millisecond)
		}, "PUT " + lock + "?delay=1.5&disposition=reschedule"},
		{func(ctx context.Context, c *client.Client) error { _, err := c.Renew(ctx, lock, time.Hour); return err }, "POST " + lock + "?lock-duration=3600"},
	}
	for _, row := range rows {
		got := ""
		c := answering(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
			got = r.Method + " " + r.RequestURI
			io.WriteString(w, `{"lockedUntilUtc":"2026-01-02T03:04:05.678Z"}`)
		})
		if err := row.call(t.Context(), c); err != nil {
			t.Errorf("%s: %v", row.want, err)
		}
		if got != row.want {
			t.Errorf("requested %s, want %s", got, row.want)
		}
	}
}

func TestSettleMany(t *testing.T) {
	t.Parallel()
	const lock = "/q/messages/5/" + token
	body := ""
	c := answering(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		body = string(b)
		io.WriteString(w, `[{"status":200},{"status":410,"title":"lost","reason":"expired"}]`)
	})
	results, err := c.Settle(t.Context(), "/q", []client.Settlement{
		{Lock: "http://h" + lock, Disposition: client.Abandon, Delay: time.Minute},
		{Lock: lock, Disposition: client.DeadLetter, Reason: "r", Description: "d"},
	})
	if err != nil || len(results) != 2 || results[0] != nil || !errors.Is(results[1], client.ErrGone) {
		t.Errorf("results %v, %v", results, err)
	}
	want := `[{"lock":"` + lock + `","disposition":"abandon","delay":"60"},` +
		`{"lock":"` + lock + `","disposition":"dead-letter","reason":"r","description":"d"}]`
	if body != want {
		t.Errorf("sent %s\nwant %s", body, want)
	}
	if _, err := c.Settle(t.Context(), "/q", make([]client.Settlement, 0)); err == nil || !strings.Contains(err.Error(), "2 results for 0") {
		t.Errorf("results for nothing: %v", err)
	}
}

// [N1]
func TestNamesAreEscaped(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"/orders":                   "/orders",
		"orders/new":                "/orders/new",
		"/a b/ü":                    "/a%20b/%C3%BC",
		"/a?b#c%2f":                 "/a%3Fb%23c%252f",
		"/orders/$DeadLetterQueue":  "/orders/$DeadLetterQueue",
		"/x/../y":                   "/x/../y",
		"/orders//new":              "/orders//new",
		"/mail@example.com,a;b=c&d": "/mail@example.com%2Ca%3Bb=c&d",
	} {
		got := ""
		c := answering(t, client.Options{}, func(_ http.ResponseWriter, r *http.Request) { got = r.RequestURI })
		if err := c.DeletePolicy(t.Context(), name); err != nil {
			t.Error(err)
		}
		if got != want+"/$policy" {
			t.Errorf("%s went to %s", name, got)
		}
	}
}

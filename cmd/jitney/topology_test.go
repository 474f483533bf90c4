package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/policy"
)

// read reads a topology from standard input.
func read(document string) (*topology, error) {
	e := program(nil)
	e.stdin = strings.NewReader(document)
	return e.readTopology("-")
}

func mustRead(t *testing.T, document string) *topology {
	t.Helper()
	got, err := read(document)
	if err != nil {
		t.Fatalf("%v in\n%s", err, document)
	}
	return got
}

// wantSame fails if two topologies differ.
func wantSame(t *testing.T, got, want *topology) {
	t.Helper()
	if len(got.sorted) != len(want.sorted) {
		t.Fatalf("%d names, want %d", len(got.sorted), len(want.sorted))
	}
	for i, w := range want.sorted {
		if g := got.sorted[i]; g.name.String() != w.name.String() || !policy.Equal(g.policy, w.policy) {
			t.Errorf("%s %+v\nwant %s %+v", g.name, g.policy, w.name, w.policy)
		}
	}
}

const jobsTOML = `
["/audit".QueuePolicy]
LockDuration = "PT30S"

["/jobs".RouterPolicy]

["/jobs".subscriptions.audit]
to = "/audit"

["/jobs".subscriptions.big]
filter = "size > 10"
SubscriptionPolicy.MaxDeliveryCount = 3
SubscriptionPolicy.ExpirationInstant = 2130-01-31T12:00:00Z
`

const jobsJSON = `{
  "/audit": {"QueuePolicy": {"LockDuration": "PT30S"}},
  "/jobs": {"RouterPolicy": {}},
  "/jobs/subscriptions/audit": {"links": [{"rel": "alternate", "href": "/audit"}]},
  "/jobs/subscriptions/big": {"SubscriptionPolicy": {
    "Rule": [{"SqlFilter": "size > 10"}], "MaxDeliveryCount": 3, "ExpirationInstant": "2130-01-31T12:00:00Z"}}
}`

func TestTopologyForms(t *testing.T) {
	t.Parallel()
	want := mustRead(t, jobsJSON)
	wantSame(t, mustRead(t, jobsTOML), want)
	folder := t.TempDir()
	for name, text := range map[string]string{
		"audit.json":                    `{"QueuePolicy":{"LockDuration":"PT30S"}}`,
		"jobs.toml":                     `RouterPolicy = {}`,
		"jobs/subscriptions/audit.toml": `to = "/audit"`,
		"jobs/subscriptions/big.xml": `<entry xmlns="` + atom.Namespace + `"><SubscriptionPolicy xmlns="` + policy.Namespace + `">` +
			`<Rule><SqlFilter>size &gt; 10</SqlFilter></Rule><MaxDeliveryCount>3</MaxDeliveryCount>` +
			`<ExpirationInstant>2130-01-31T12:00:00Z</ExpirationInstant></SubscriptionPolicy></entry>`,
		".git/config": "not one of them",
		".hidden":     "nor this",
	} {
		write(t, filepath.Join(folder, filepath.FromSlash(name)), text)
	}
	got, err := program(nil).readTopology(folder)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, got, want)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestTopologiesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	rows := []struct{ document, want string }{
		{`["/a".QueuePolicy`, "line 1"},
		{`{"/a":`, "unexpected end"},
		{`<entry/>`, "folder"},
		{`[]`, "line 1"},
		{`["a".QueuePolicy]`, `name "a": want a name, which begins with /`},
		{`["/".QueuePolicy]`, "/: "},
		{`["/a//b".QueuePolicy]`, "/a//b: "},
		{`["/a*".QueuePolicy]`, "/a*: "},
		{`["/a"]`, "want one policy"},
		{`"/a" = 1`, "want a table"},
		{`["/a".QueuePolicy]` + "\nLockDuration = 5", `/a: LockDuration "5": want a duration`},
		{`["/a".QueuePolicy]` + "\nLock = 5", `an element of QueuePolicy`},
		{`["/a".SubscriptionPolicy]`, "subscriptions of its router"},
		{`["/a".NoPolicy]`, "NoPolicy"},
		{`{"/a":{"QueuePolicy":{}},"/a":{"QueuePolicy":{}}}`, `member "/a": want each once`},
		{`{"/a":{"QueuePolicy":{}},"/A":{"QueuePolicy":{}}}`, "already /a"},
		{`{"/a":{"QueuePolicy":{},"to":"/b"}}`, "ForwardTo"},
		{`{"/a":{"QueuePolicy":{},"links":[{"rel":"subscription","href":"/r"}]}}`, "has an id"},
		{`{"/a":{"subscriptions":1}}`, "subscriptions: want a table"},
		{`{"/a":{"subscriptions":{"x":1}}}`, "subscription x: want a table"},
		{`{"/a":{"subscriptions":{"x":{"to":1}}}}`, "to: "},
		{`{"/a":{"subscriptions":{"x":{"to":"ftp://x"}}}}`, "want an absolute URL"},
		{`{"/a":{"subscriptions":{"x":{"QueuePolicy":{}}}}}`, "SubscriptionPolicy, or no policy"},
		{`{"/a":{"subscriptions":{"x":{"subscriptions":{"y":{}}}}}}`, "none of its own"},
		{`{"/a":{"subscriptions":{"x/y":{}}}}`, "subscription x/y: "},
		{`{"/a":{"subscriptions":{"x":{}}},"/a/subscriptions/X":{}}`, "already /a/subscriptions/x"},
	}
	for _, row := range rows {
		_, err := read(row.document)
		if err == nil || !strings.Contains(err.Error(), row.want) || !strings.HasPrefix(err.Error(), "-: ") {
			t.Errorf("%s: %v, want %s", row.document, err, row.want)
		} else if code := exitCode(err); code != exitUsage {
			t.Errorf("%s: exit code %d", row.document, code)
		}
	}
	folder := t.TempDir()
	write(t, filepath.Join(folder, "README.md"), "")
	if _, err := program(nil).readTopology(folder); err == nil || !strings.Contains(err.Error(), "README.md: want a file that ends in") {
		t.Errorf("a file of another kind: %v", err)
	}
}

func TestTopologyOrder(t *testing.T) {
	t.Parallel()
	const q, r = `{"QueuePolicy":{}}`, `{"RouterPolicy":{}}`
	rows := []struct{ document, want string }{
		{`{}`, ""},
		{`{"/b":` + q + `,"/a":` + q + `}`, "/a /b"},
		{`{"/a":{"QueuePolicy":{"ForwardTo":"/B"}},"/b":` + q + `}`, "/b /a"},
		{`{"/a":{"QueuePolicy":{"PoisonMessageDrop":"/b"}},"/b":{"QueuePolicy":{"ForwardTo":"/c"}},"/c":` + q + `}`, "/c /b /a"},
		{`{"/a":{"QueuePolicy":{"ForwardTo":"/not/here"}}}`, "/a"},
		// What moves on to a router comes when its subscriptions are as they are to be.
		{`{"/a":{"QueuePolicy":{"ForwardTo":"/r"}},"/r":{"RouterPolicy":{},"subscriptions":{"s":{"to":"/z"}}},"/z":` + q + `}`,
			"/r /z /r/subscriptions/s /a"},
		{`{"/r":{"RouterPolicy":{},"subscriptions":{"s":{"to":"/r2"}}},"/r2":` + r + `,"/r2/subscriptions/t":{}}`,
			"/r /r2 /r2/subscriptions/t /r/subscriptions/s"},
		{`{"/r/subscriptions/s":{}}`, "/r/subscriptions/s"},
	}
	for _, row := range rows {
		ordered, err := mustRead(t, row.document).inOrder()
		var got []string
		for _, w := range ordered {
			got = append(got, w.name.String())
		}
		if s := strings.Join(got, " "); err != nil || s != row.want {
			t.Errorf("%s:\n%s, %v, want %s", row.document, s, err, row.want)
		}
	}
}

func TestTopologyCircles(t *testing.T) {
	t.Parallel()
	rows := []struct{ document, want string }{
		{`{"/a":{"QueuePolicy":{"ForwardTo":"/a"}}}`, "/a → /a"},
		{`{"/a":{"QueuePolicy":{"ForwardTo":"/b"}},"/b":{"QueuePolicy":{"PoisonMessageDrop":"/A"}}}`, "/a → /b → /a"},
		{`{"/q":{"QueuePolicy":{"ForwardTo":"/r"}},"/r":{"RouterPolicy":{},"subscriptions":{"s":{"to":"/r"}}}}`,
			"/r → /r/subscriptions/s → /r"},
	}
	for _, row := range rows {
		_, err := mustRead(t, row.document).inOrder()
		if err == nil || err.Error() != "messages would move in a circle: "+row.want || !errors.Is(err, client.ErrConflict) {
			t.Errorf("%s: %v", row.document, err)
		}
	}
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	from := policy.NewSubscription()
	from.ForwardTo, from.Secret = "/a", "whsec_x"
	from.Rules = []policy.Rule{{SQL: "a=1"}, {SQL: "b=1"}}
	to := policy.NewSubscription()
	to.MaxInFlight, to.PushTo = 2, "http://x/"
	to.Rules = []policy.Rule{{SQL: "a=1"}}
	var got []string
	for _, d := range differences(from, to) {
		got = append(got, d.String())
	}
	want := []string{
		"MaxInFlight 1 → 2",
		`Rule {"SqlFilter":"a=1"}, {"SqlFilter":"b=1"} → {"SqlFilter":"a=1"}`,
		"no ForwardTo",
		"Address http://x/",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if same := differences(to, to); len(same) > 0 {
		t.Errorf("%v", same)
	}
}

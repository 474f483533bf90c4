package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/client"
)

// A twig is a node of a tree that is drawn in a test.
type twig struct {
	node
	below []twig
}

func someTree() twig {
	held := client.State{Counts: &client.Counts{Active: 3, Locked: 1, DeadLetter: 2}}
	nothing := client.State{Counts: &client.Counts{}}
	at := func(name, role string) node { return node{Name: name, Role: role, State: nothing} }
	audit, jobs := at("/Audit", "queue"), at("/jobs", "router")
	audit.State, audit.Dead = held, "/poison"
	jobs.Sends = "AllSubscribers"
	jobs.Routed = &client.Routed{Unrouted: 7}
	straight, pushed, pulled := at("/jobs/subscriptions/audit", "subscription"), at("/jobs/subscriptions/hook", "subscription"), at("/jobs/subscriptions/big", "subscription")
	straight.To = "/audit"
	pushed.To, pushed.Push = "https://example.com/", &client.PushHealth{Open: true}
	pulled.Rules = []string{`name = 'a\"b'`, "size > 10"}
	about := node{Name: "/shop/\x1b[2J", Role: "metadata", To: "https://example.com/about"}
	return twig{node{Name: "/", Role: "none"}, []twig{
		{audit, nil},
		{jobs, []twig{{straight, nil}, {pushed, nil}, {pulled, nil}}},
		{node{Name: "/shop", Role: "none"}, []twig{{about, nil}}},
	}}
}

// drawn returns what a drawing makes of a tree.
func drawn[D drawing](t *testing.T, on func(io.Writer) D, root twig) string {
	t.Helper()
	var b bytes.Buffer
	d := on(&b)
	if err := errors.Join(drawTwig(d, &root, nil), d.end()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func drawTwig(d drawing, w *twig, parent *node) error {
	w.parent = parent
	if err := d.enter(&w.node); err != nil {
		return err
	}
	for i := range w.below {
		child := &w.below[i]
		child.first, child.last = i == 0, i == len(w.below)-1
		if err := drawTwig(d, child, &w.node); err != nil {
			return err
		}
	}
	return d.leave(&w.node)
}

func TestTextTree(t *testing.T) {
	t.Parallel()
	want := `
/
├── Audit  queue, dead letters → /poison, 3 active, 1 locked, 2 dead
├── jobs  router to all, 7 unrouted
│   ├── audit  subscription → /audit
│   ├── hook  subscription → https://example.com/, circuit open
│   └── big  subscription, if name = 'a\"b' or size > 10
└── shop
    └── "\x1b[2J"  metadata → https://example.com/about
`
	if got := drawn(t, newTextDrawing, someTree()); got != want[1:] {
		t.Errorf("\n%s", got)
	}
}

func TestJSONTree(t *testing.T) {
	t.Parallel()
	type shown struct {
		Name     string
		Children []shown
	}
	var root shown
	text := drawn(t, newJSONDrawing, someTree())
	if err := json.Unmarshal([]byte(text), &root); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(root.Children) != 3 || len(root.Children[1].Children) != 3 || root.Children[2].Children[0].Name != "/shop/\x1b[2J" {
		t.Errorf("%+v", root)
	}
	var lines []string
	for line := range strings.Lines(drawn(t, newLineDrawing, someTree())) {
		var n shown
		if err := json.Unmarshal([]byte(line), &n); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		lines = append(lines, n.Name)
	}
	if len(lines) != 8 || lines[2] != "/jobs" || lines[3] != "/jobs/subscriptions/audit" {
		t.Errorf("%q", lines)
	}
}

func TestDotTree(t *testing.T) {
	t.Parallel()
	text := drawn(t, newDotDrawing, someTree())
	nodes, edges := parseDot(t, text)
	wantNodes := []string{"/audit", "/jobs", "/jobs/subscriptions/big", "/jobs/subscriptions/hook", "/shop/ [2J"}
	if !slices.Equal(nodes, wantNodes) {
		t.Errorf("nodes %q\n%s", nodes, text)
	}
	wantEdges := []string{
		"/audit -> /poison", "/jobs -> /audit", "/jobs -> /jobs/subscriptions/big", "/jobs -> /jobs/subscriptions/hook",
		"/jobs/subscriptions/hook -> https://example.com/", wantNodes[4] + " -> https://example.com/about",
	}
	if !slices.Equal(edges, wantEdges) {
		t.Errorf("edges %q\n%s", edges, text)
	}
	if want := `label="name = 'a\\\"b'\nsize > 10"`; !strings.Contains(text, want) {
		t.Errorf("want %s in\n%s", want, text)
	}
}

// What a graph may consist of: the part of the language that a drawing uses.
var (
	dotQuoted    = `"((?:[^"\\\n]|\\.)*)"`
	dotValue     = `(?:` + dotQuoted + `|[a-z]+|[0-9]+)`
	dotAttribute = `[a-z]+=` + dotValue
	dotList      = `(?: \[` + dotAttribute + `(?:, ` + dotAttribute + `)*\])?`
	dotNode      = regexp.MustCompile(`^  ` + dotQuoted + dotList + `;$`)
	dotEdge      = regexp.MustCompile(`^  ` + dotQuoted + ` -> ` + dotQuoted + dotList + `;$`)
	dotDefault   = regexp.MustCompile(`^  (?:node|edge)` + dotList + `;$|^  rankdir=LR;$`)
)

// parseDot reads a graph, line by line, and returns its nodes and edges in order.
func parseDot(t *testing.T, text string) (nodes, edges []string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "}\n"), "\n")
	if lines[0] != "digraph jitney {" || !strings.HasSuffix(text, "\n}\n") {
		t.Fatalf("no graph:\n%s", text)
	}
	for _, line := range lines[1 : len(lines)-1] {
		if m := dotEdge.FindStringSubmatch(line); m != nil {
			edges = append(edges, m[1]+" -> "+m[2])
		} else if m := dotNode.FindStringSubmatch(line); m != nil {
			nodes = append(nodes, m[1])
		} else if !dotDefault.MatchString(line) {
			t.Errorf("not a line of a graph: %s", line)
		}
	}
	slices.Sort(nodes)
	slices.Sort(edges)
	return nodes, edges
}

func TestEndsAreMarked(t *testing.T) {
	t.Parallel()
	failure := errors.New("failure")
	list := func(count int, err error) iter.Seq2[*node, error] {
		return func(yield func(*node, error) bool) {
			for range count {
				if !yield(&node{}, nil) {
					return
				}
			}
			if err != nil {
				yield(nil, err)
			}
		}
	}
	rows := []struct {
		count int
		err   error
		want  string
	}{
		{0, nil, ""},
		{1, nil, "(.)"},
		{3, nil, "(. . .)"},
		{2, failure, "(. !"},
		{0, failure, "!"},
	}
	for _, row := range rows {
		var got []string
		for n, err := range withEnds(list(row.count, row.err)) {
			text := "."
			if err != nil {
				got = append(got, "!")
				continue
			}
			if n.first {
				text = "(" + text
			}
			if n.last {
				text += ")"
			}
			got = append(got, text)
		}
		if s := strings.Join(got, " "); s != row.want {
			t.Errorf("%d, %v: %s, want %s", row.count, row.err, s, row.want)
		}
	}
	for range withEnds(list(3, nil)) {
		break
	}
}

func TestCounted(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 messages", 1: "1 message", 2: "2 messages"} {
		if got := fmt.Sprint(counted(n, "message", "messages")); got != want {
			t.Errorf("%s", got)
		}
	}
}

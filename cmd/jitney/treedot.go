package main

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/jitney-mq/jitney/namespace"
)

// dotDrawing writes a tree as a graph in the language of Graphviz: who holds
// messages, and where they move on to. Names without a role are left out.
type dotDrawing struct{ w *bufio.Writer }

func newDotDrawing(w io.Writer) *dotDrawing {
	d := &dotDrawing{bufio.NewWriter(w)}
	d.w.WriteString("digraph jitney {\n  rankdir=LR;\n  node [fontname=\"sans-serif\", shape=box];\n  edge [fontname=\"sans-serif\", fontsize=10];\n")
	return d
}

func (d *dotDrawing) enter(n *node) error {
	switch n.Role {
	case "queue":
		d.node(n, "")
	case "router":
		d.node(n, ", shape=hexagon")
	case "connection point":
		d.node(n, ", shape=cds")
	case "metadata":
		d.node(n, ", shape=note")
	case "subscription":
		return d.subscription(n)
	}
	if n.To != "" {
		d.edge(n.Name, n.To, "")
	}
	return d.deadLetters(n)
}

func (d *dotDrawing) leave(*node) error { return nil }

func (d *dotDrawing) end() error {
	d.w.WriteString("}\n")
	return d.w.Flush()
}

// subscription is an arrow from its router. It is a node, too, unless it holds
// nothing for it moves all on to a name.
func (d *dotDrawing) subscription(n *node) error {
	router := path.Dir(path.Dir(n.Name))
	if isStraight := strings.HasPrefix(n.To, "/") && n.Dead == "" && len(holds(n)) == 0; isStraight {
		d.edge(router, n.To, strings.Join(append([]string{path.Base(n.Name)}, n.Rules...), "\n"))
		return nil
	}
	d.node(n, ", style=rounded")
	d.edge(router, n.Name, strings.Join(n.Rules, "\n"))
	if n.To != "" {
		d.edge(n.Name, n.To, "")
	}
	return d.deadLetters(n)
}

func (d *dotDrawing) deadLetters(n *node) error {
	if n.Dead == "" {
		return nil
	}
	_, err := fmt.Fprintf(d.w, "  %s -> %s [style=dashed, label=\"dead letters\"];\n", dotID(n.Name), dotID(n.Dead))
	return err
}

// node writes a node with further attributes.
func (d *dotDrawing) node(n *node, more string) {
	text := n.Name
	if role := (listed{Role: n.Role, Sends: n.Sends}).role(); role != "subscription" {
		text += "\n" + role
	}
	if has := holds(n); len(has) > 0 {
		text += "\n" + strings.Join(has, ", ")
	}
	fmt.Fprintf(d.w, "  %s [label=%s%s];\n", dotID(n.Name), dotString(text), more)
}

func (d *dotDrawing) edge(from, to, label string) {
	attributes := ""
	if label != "" {
		attributes = " [label=" + dotString(label) + "]"
	}
	fmt.Fprintf(d.w, "  %s -> %s%s;\n", dotID(from), dotID(to), attributes)
}

// dotID is a name, or a URL, as the identity of a node: names that differ only
// in case are one.
func dotID(text string) string {
	if n, err := namespace.Parse(text); err == nil && strings.HasPrefix(text, "/") {
		text = strings.ReplaceAll(n.Key(), "\x00", "/")
	}
	return dotString(text)
}

// dotString is text as a quoted string: a backslash would begin an escape, and
// no control character means anything.
func dotString(text string) string {
	text = strings.Map(func(r rune) rune {
		if r != '\n' && isUnprintable(r) {
			return ' '
		}
		return r
	}, text)
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}

package main

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"strings"
)

// textDrawing draws a tree with lines, as tree(1) does.
type textDrawing struct{ w *bufio.Writer }

func newTextDrawing(w io.Writer) *textDrawing { return &textDrawing{bufio.NewWriter(w)} }

func (d *textDrawing) enter(n *node) error {
	line := branch(n) + label(n)
	_, err := d.w.WriteString(strings.TrimRight(line, " ") + "\n")
	return err
}

func (d *textDrawing) leave(*node) error { return nil }

func (d *textDrawing) end() error { return d.w.Flush() }

// branch is what stands before a node's name.
func branch(n *node) string {
	if n.parent == nil {
		return ""
	}
	text := "├── "
	if n.last {
		text = "└── "
	}
	for p := n.parent; p.parent != nil; p = p.parent {
		if p.last {
			text = "    " + text
		} else {
			text = "│   " + text
		}
	}
	return text
}

// label is a node in one line: its name, its role, where its messages go and
// what it holds.
func label(n *node) string {
	parts := []string{printable(path.Base(n.Name))}
	if n.parent == nil {
		parts[0] = printable(n.Name)
	}
	if role := (listed{Role: n.Role, Sends: n.Sends}).role(); role != "none" {
		parts[0] += "  " + role
	}
	if n.To != "" {
		parts[0] += " → " + printable(n.To)
	}
	if n.Dead != "" {
		parts = append(parts, "dead letters → "+printable(n.Dead))
	}
	if len(n.Rules) > 0 {
		parts = append(parts, "if "+printable(firstCharacters(strings.Join(n.Rules, " or "), maxCell)))
	}
	return strings.Join(append(parts, holds(n)...), ", ")
}

// printable is text that does nothing to a terminal.
func printable(text string) string {
	if strings.ContainsFunc(text, isUnprintable) {
		return fmt.Sprintf("%q", text)
	}
	return text
}

// holds says what there is in a queue, state by state, and if its endpoint
// fails.
func holds(n *node) []string {
	var all []string
	add := func(count int64, what string) {
		if count > 0 {
			all = append(all, fmt.Sprintf("%d %s", count, what))
		}
	}
	if c := n.Counts; c != nil {
		add(c.Active, "active")
		add(c.Locked, "locked")
		add(c.Scheduled, "scheduled")
		add(c.Deferred, "deferred")
		add(c.DeadLetter, "dead")
		add(c.TransferDeadLetter, "not moved on")
	}
	if n.Routed != nil {
		add(n.Routed.Unrouted, "unrouted")
	}
	if n.Push != nil && n.Push.Open {
		all = append(all, "circuit open")
	}
	return all
}

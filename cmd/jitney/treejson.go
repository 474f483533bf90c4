package main

import (
	"bufio"
	"bytes"
	"io"
	"strings"
)

// jsonDrawing writes a tree as one JSON document, in which each node has the
// nodes below it as its children. It is written as it is read.
type jsonDrawing struct {
	w     *bufio.Writer
	depth int
}

func newJSONDrawing(w io.Writer) *jsonDrawing { return &jsonDrawing{w: bufio.NewWriter(w)} }

func (d *jsonDrawing) enter(n *node) error {
	switch {
	case n.parent == nil:
	case n.first:
		d.w.WriteString(`,"children":[`)
	default:
		d.w.WriteByte(',')
	}
	if n.parent != nil {
		d.w.WriteString("\n" + strings.Repeat("  ", d.depth))
	}
	d.depth++
	text, err := compactJSON(n)
	if err != nil {
		return err
	}
	_, err = d.w.Write(bytes.TrimSuffix(text, []byte("}")))
	return err
}

// leave closes n, and its parent's list if n is the last in it.
func (d *jsonDrawing) leave(n *node) error {
	d.depth--
	d.w.WriteByte('}')
	if n.last {
		d.w.WriteByte(']')
	}
	return nil
}

func (d *jsonDrawing) end() error {
	d.w.WriteByte('\n')
	return d.w.Flush()
}

// lineDrawing writes each node of a tree as one line of JSON.
type lineDrawing struct{ w *bufio.Writer }

func newLineDrawing(w io.Writer) *lineDrawing { return &lineDrawing{bufio.NewWriter(w)} }

func (d *lineDrawing) enter(n *node) error {
	text, err := compactJSON(n)
	if err != nil {
		return err
	}
	_, err = d.w.Write(append(text, '\n'))
	return err
}

func (d *lineDrawing) leave(*node) error { return nil }

func (d *lineDrawing) end() error { return d.w.Flush() }

package main

import (
	"bytes"
	"io"
	"strconv"
	"sync"
)

// maxLineHeld is how many bytes of a line are held back until its end comes.
const maxLineHeld = 64 << 10

func (s *screen) openPrefixed(sequenceNumber int64) output {
	prefix := strconv.FormatInt(sequenceNumber, 10) + "| "
	out := &prefixer{to: s.stdout, turn: &s.turn, prefix: prefix}
	errs := &prefixer{to: s.stderr, turn: &s.turn, prefix: prefix}
	return output{out, errs, func() {
		out.end()
		errs.end()
	}}
}

// prefixer shows whole lines, each behind a prefix. One goroutine uses it at a
// time.
type prefixer struct {
	to     io.Writer
	turn   *sync.Mutex
	prefix string
	held   bytes.Buffer // a line without its end
}

// Write never fails: what cannot be shown is dropped.
func (p *prefixer) Write(text []byte) (int, error) {
	before := p.held.Len()
	p.held.Write(text)
	if end := bytes.LastIndexByte(text, '\n') + 1; end > 0 {
		p.show(p.held.Next(before + end))
	}
	if p.held.Len() > maxLineHeld {
		p.end()
	}
	return len(text), nil
}

// end shows a last line that has no end.
func (p *prefixer) end() { p.show(p.held.Next(p.held.Len())) }

func (p *prefixer) show(text []byte) {
	if len(text) == 0 {
		return
	}
	var lines bytes.Buffer
	for line := range bytes.Lines(text) {
		lines.WriteString(p.prefix)
		lines.Write(line)
	}
	if text[len(text)-1] != '\n' {
		lines.WriteByte('\n')
	}
	p.turn.Lock()
	defer p.turn.Unlock()
	_, _ = lines.WriteTo(p.to)
}

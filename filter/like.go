package filter

import (
	"fmt"
	"unicode/utf8"

	"github.com/jitney-mq/jitney/message"
)

const (
	wantPattern = "a pattern: a string in which a character follows each ESCAPE character"
	wantEscape  = "an ESCAPE of one character"
)

// noEscape is an escape character that is in no text.
const noEscape rune = -1

// pattern is what LIKE compares with.
type pattern struct {
	text   string
	escape rune
}

// newPattern makes a pattern of a text and an escape character, of which NULL
// is none; want says what is wrong.
func newPattern(text, escape message.Value) (p pattern, want string) {
	p = pattern{text.Text(), noEscape}
	if text.Kind() != message.KindString {
		return p, wantPattern
	}
	if escape.Kind() == message.KindNull {
		return p, ""
	}
	c, size := utf8.DecodeRuneInString(escape.Text())
	if size == 0 || size != len(escape.Text()) {
		return p, wantEscape
	}
	p.escape = c
	return p, p.check()
}

// check says what is wrong if an escape character is the last.
func (p pattern) check() (want string) {
	for at := 0; at < len(p.text); {
		c, size := utf8.DecodeRuneInString(p.text[at:])
		at += size
		if c != p.escape {
			continue
		}
		if at == len(p.text) {
			return wantPattern
		}
		_, size = utf8.DecodeRuneInString(p.text[at:])
		at += size
	}
	return ""
}

// checkPattern says what is wrong with a pattern and perhaps an escape
// character as far as they are constants.
func checkPattern(operands []*node) (want string) {
	var values [2]message.Value
	for i, n := range operands {
		if n.op != opConstant {
			return ""
		}
		values[i] = n.value
	}
	if values[0].Kind() == message.KindNull {
		return ""
	}
	_, want = newPattern(values[0], values[1])
	return want
}

// like is text LIKE pattern, perhaps with ESCAPE.
func (e *evaluation) like(n *node) truth {
	text, like := e.value(n.operands[0]), e.value(n.operands[1])
	var escape message.Value
	if len(n.operands) == 3 {
		if escape = e.value(n.operands[2]); escape.Kind() == message.KindNull {
			return unknown
		}
	}
	if text.Kind() != message.KindString || like.Kind() == message.KindNull {
		return unknown
	}
	p, want := newPattern(like, escape)
	if want != "" {
		e.fail(n, fmt.Errorf("%w: want %s", ErrPattern, want))
		return unknown
	}
	return e.matches(n, p, text.Text())
}

// next returns the character of the pattern at a place, whether it stands for
// others, and its length with its escape.
func (p pattern) next(at int) (c rune, wild bool, size int) {
	c, size = utf8.DecodeRuneInString(p.text[at:])
	if c != p.escape {
		return c, c == '%' || c == '_', size
	}
	c, behind := utf8.DecodeRuneInString(p.text[at+size:])
	return c, false, size + behind
}

// matches compares text with the pattern. Only the last % ever has to take
// more characters, so the steps are at most the product of the lengths; each
// one counts.
func (e *evaluation) matches(n *node, p pattern, text string) truth {
	at, t := 0, 0          // in the pattern, in the text
	resume, taken := -1, 0 // behind the last %, and the end of what it stands for
	for e.spend(n, 1) {
		if at == len(p.text) && t == len(text) {
			return certain
		}
		if at < len(p.text) {
			c, wild, size := p.next(at)
			if wild && c == '%' {
				at += size
				resume, taken = at, t
				continue
			}
			if d, length := utf8.DecodeRuneInString(text[t:]); length > 0 && (wild || c == d) {
				at += size
				t += length
				continue
			}
		}
		if resume < 0 || t == len(text) {
			return refuted
		}
		_, length := utf8.DecodeRuneInString(text[taken:])
		taken += length
		at, t = resume, taken
	}
	return unknown
}

package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEnd       tokenKind = iota
	tokenWord                // a regular identifier or a keyword
	tokenName                // a delimited or quoted identifier
	tokenNumber              // without a sign
	tokenString              // in single quotes
	tokenParameter           // @name
	tokenSymbol
)

// token is one word of the text.
type token struct {
	kind tokenKind
	pos  int    // in bytes
	raw  string // as written
	text string // a name or a string without its quotes
}

// is reports whether t is a keyword, in any case, or a symbol.
func (t token) is(word string) bool {
	return (t.kind == tokenWord || t.kind == tokenSymbol) && strings.EqualFold(t.raw, word)
}

// lexer cuts a text, which is valid UTF-8, into tokens.
type lexer struct {
	text string
	pos  int
}

// next returns the next token. If there is none, want says what was expected
// where the token begins.
func (l *lexer) next() (t token, want string) {
	l.skip(unicode.IsSpace)
	start := l.pos
	t.kind, t.text, want = l.scan()
	t.pos, t.raw = start, l.text[start:l.pos]
	return t, want
}

func (l *lexer) scan() (kind tokenKind, text, want string) {
	c, size := utf8.DecodeRuneInString(l.text[l.pos:])
	switch {
	case size == 0:
		return tokenEnd, "", ""
	case isLetter(c):
		l.skip(isWord)
		return tokenWord, "", ""
	case isDigit(c):
		l.number()
		return tokenNumber, "", ""
	case c == '\'':
		text, want = l.quoted('\'')
		return tokenString, text, want
	case c == '"':
		text, want = l.name('"')
		return tokenName, text, want
	case c == '[':
		text, want = l.name(']')
		return tokenName, text, want
	case c == '@':
		return l.parameter()
	}
	return l.symbol(size)
}

func (l *lexer) skip(is func(rune) bool) {
	rest := l.text[l.pos:]
	if end := strings.IndexFunc(rest, func(c rune) bool { return !is(c) }); end >= 0 {
		rest = rest[:end]
	}
	l.pos += len(rest)
}

func isLetter(c rune) bool { return c == '_' || unicode.IsLetter(c) }

func isDigit(c rune) bool { return '0' <= c && c <= '9' }

func isWord(c rune) bool { return isLetter(c) || unicode.IsDigit(c) }

// isRegular reports whether name can stand without delimiters, if it is no
// keyword.
func isRegular(name string) bool {
	l := lexer{text: name}
	t, _ := l.next()
	return t.kind == tokenWord && t.raw == name
}

// number reads digits, a fraction and an exponent; the last two only if they
// have digits.
func (l *lexer) number() {
	l.skip(isDigit)
	if l.digitsBehind(".") {
		l.skip(isDigit)
	}
	for _, exponent := range [...]string{"e+", "e-", "e", "E+", "E-", "E"} {
		if l.digitsBehind(exponent) {
			l.skip(isDigit)
			return
		}
	}
}

// digitsBehind reads prefix if a digit follows it.
func (l *lexer) digitsBehind(prefix string) bool {
	rest, ok := strings.CutPrefix(l.text[l.pos:], prefix)
	if !ok || rest == "" || !isDigit(rune(rest[0])) {
		return false
	}
	l.pos += len(prefix)
	return true
}

// quoted reads up to the closing quote; a doubled one stands for itself.
func (l *lexer) quoted(quote byte) (text, want string) {
	start := l.pos + 1
	for end := start; end < len(l.text); end++ {
		if l.text[end] != quote {
			continue
		}
		if end+1 < len(l.text) && l.text[end+1] == quote {
			end++
			continue
		}
		l.pos = end + 1
		one := string(quote)
		return strings.ReplaceAll(l.text[start:end], one+one, one), ""
	}
	l.pos = len(l.text)
	return "", "a closing " + string(quote)
}

func (l *lexer) name(quote byte) (text, want string) {
	text, want = l.quoted(quote)
	if text == "" && want == "" {
		want = "a name that is not empty"
	}
	return text, want
}

func (l *lexer) parameter() (kind tokenKind, text, want string) {
	l.pos++
	start := l.pos
	l.skip(isWord)
	if start == l.pos {
		return tokenParameter, "", "the name of a parameter behind @"
	}
	return tokenParameter, l.text[start:l.pos], ""
}

func (l *lexer) symbol(size int) (kind tokenKind, text, want string) {
	rest := l.text[l.pos:]
	for _, symbol := range [...]string{"<>", "!=", ">=", "<="} {
		if strings.HasPrefix(rest, symbol) {
			l.pos += len(symbol)
			return tokenSymbol, "", ""
		}
	}
	l.pos += size
	if strings.Contains("=<>+-*/%(),.;", rest[:size]) {
		return tokenSymbol, "", ""
	}
	return tokenSymbol, "", "a property, a constant or an operator"
}

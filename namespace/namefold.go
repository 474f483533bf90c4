package namespace

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// UnicodeVersion names the tables that keys are made with: those of letters
// and those of normalization. Keys made under another version have to be made
// again. [N2]
const UnicodeVersion = unicode.Version + "/" + norm.Version

// maxFoldRounds bounds how often a segment is folded until it keeps its form.
// No segment is known that needs more than one.
const maxFoldRounds = 3

// FoldSegment returns the form in which segments are compared: normalized, so
// that equivalent spellings are one from here on, then each character replaced
// by the one that stands for all its cases, then normalized again (NFC). The
// result stays the same when it is folded again. [N2]
func FoldSegment(segment string) string {
	folded, _ := fold(segment)
	return folded
}

// foldText returns the key of a checked text, and an error if one of its
// segments does not come to rest or the key is too long to be stored.
func foldText(text string) (string, error) {
	if isASCII(text) {
		return foldASCII(text), nil
	}
	var key strings.Builder
	key.Grow(len(text))
	for segment := range strings.SplitSeq(text[1:], "/") {
		folded, ok := fold(segment)
		if !ok {
			return "", refuse(segment, wantStable)
		}
		key.WriteString(separator)
		key.WriteString(folded)
	}
	if key.Len() > MaxBytes {
		return "", refuse(text, nameRule.wantBytes)
	}
	return key.String(), nil
}

// foldASCII does all of foldText that is to do for ASCII.
func foldASCII(text string) string {
	key := make([]byte, len(text))
	for i := range len(text) {
		switch c := text[i]; {
		case c == '/':
			key[i] = separator[0]
		case 'A' <= c && c <= 'Z':
			key[i] = c + 'a' - 'A'
		default:
			key[i] = c
		}
	}
	return string(key)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// fold returns the folded form and whether folding came to rest.
func fold(segment string) (folded string, ok bool) {
	if isASCII(segment) {
		return strings.ToLower(segment), true
	}
	for range maxFoldRounds {
		folded = norm.NFC.String(strings.Map(foldRune, norm.NFC.String(segment)))
		if folded == segment {
			return folded, true
		}
		segment = folded
	}
	return folded, false
}

// foldRune returns the character that stands for all characters that simple
// case folding makes equal: the smallest that is lower case, or the smallest
// if none is. The Turkish i's have no such partners and stand for themselves.
func foldRune(c rune) rune {
	least, lower := c, rune(-1)
	for o := unicode.SimpleFold(c); ; o = unicode.SimpleFold(o) {
		least = min(least, o)
		if (lower < 0 || o < lower) && unicode.ToLower(unicode.ToUpper(o)) == o {
			lower = o
		}
		if o == c {
			break
		}
	}
	if lower >= 0 {
		return lower
	}
	return least
}

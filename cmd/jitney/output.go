package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"
)

// format is a form of output, as a flag. Empty, a command uses what suits it
// best.
type format string

const (
	tableFormat format = "table"
	jsonFormat  format = "json"
	jsonlFormat format = "jsonl"
)

func (f *format) String() string { return string(*f) }
func (f *format) Type() string   { return "format" }

func (f *format) Set(text string) error { return oneOf(f, text, tableFormat, jsonFormat, jsonlFormat) }

// oneOf sets a flag to one of a few words.
func oneOf[T ~string](flag *T, text string, words ...T) error {
	var all []string
	for _, word := range words {
		if text == string(word) {
			*flag = word
			return nil
		}
		all = append(all, string(word))
	}
	return fmt.Errorf("want one of %s", strings.Join(all, ", "))
}

// column is one column of a table of items.
type column[T any] struct {
	head string
	cell func(T) string
}

// lister writes items one after the other, as a table, a JSON array or lines
// of JSON.
type lister[T any] struct {
	w       *bufio.Writer
	format  format
	columns []column[T]
	json    func(T) ([]byte, error)

	table *tabwriter.Writer
	count int
}

func newLister[T any](w io.Writer, f format, json func(T) ([]byte, error), columns ...column[T]) *lister[T] {
	l := &lister[T]{w: bufio.NewWriter(w), format: f, columns: columns, json: json}
	l.table = tabwriter.NewWriter(l.w, 0, 0, 2, ' ', 0)
	return l
}

// add writes an item. It may be held back until flush.
func (l *lister[T]) add(item T) error {
	l.count++
	switch l.format {
	case jsonFormat, jsonlFormat:
		return l.addJSON(item)
	}
	if l.count == 1 {
		l.row(func(c column[T]) string { return c.head })
	}
	l.row(func(c column[T]) string { return cell(c.cell(item)) })
	return nil
}

func (l *lister[T]) row(text func(column[T]) string) {
	for i, c := range l.columns {
		if i > 0 {
			fmt.Fprint(l.table, "\t")
		}
		fmt.Fprint(l.table, text(c))
	}
	fmt.Fprintln(l.table)
}

func (l *lister[T]) addJSON(item T) error {
	text, err := l.json(item)
	if err != nil {
		return err
	}
	if l.format == jsonlFormat {
		l.w.Write(text)
		return l.w.WriteByte('\n')
	}
	if l.count == 1 {
		l.w.WriteString("[\n  ")
	} else {
		l.w.WriteString(",\n  ")
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "  ", "  "); err != nil {
		return err
	}
	_, err = l.w.Write(indented.Bytes())
	return err
}

// flush writes what add held back.
func (l *lister[T]) flush() error {
	if err := l.table.Flush(); err != nil {
		return err
	}
	return l.w.Flush()
}

// end writes what stands behind the last item.
func (l *lister[T]) end() error {
	switch {
	case l.format == jsonFormat && l.count == 0:
		l.w.WriteString("[]\n")
	case l.format == jsonFormat:
		l.w.WriteString("\n]\n")
	}
	return l.flush()
}

// object writes one value: as JSON, or else as text.
func object(w io.Writer, f format, value any, text string) error {
	switch f {
	case jsonFormat, jsonlFormat:
		document, err := compactJSON(value)
		if err != nil {
			return err
		}
		text = string(document)
		if f == jsonFormat {
			text = indented(document)
		}
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

func indented(document []byte) string {
	var b bytes.Buffer
	_ = json.Indent(&b, document, "", "  ") // it is valid
	return b.String()
}

// compactJSON returns a value as JSON in one line, with < and > as they are:
// filters are full of them.
func compactJSON(value any) ([]byte, error) {
	document, err := json.Marshal(value)
	return forPeople(document), err
}

// forPeople is a JSON document in which what was escaped for the sake of HTML
// no longer is.
func forPeople(document []byte) []byte {
	var b []byte
	for i := 0; i < len(document); i++ {
		if document[i] != '\\' {
			b = append(b, document[i])
			continue
		}
		if c, escaped := escapedForHTML[string(document[i:min(i+6, len(document))])]; escaped {
			b = append(b, c)
			i += 5
			continue
		}
		b = append(b, document[i:i+2]...) // of valid JSON a backslash is not the last byte
		i++
	}
	return b
}

// escapedForHTML are the escapes that encoding/json adds to what JSON needs.
var escapedForHTML = map[string]byte{`\u003c`: '<', `\u003e`: '>', `\u0026`: '&'}

// maxCell is how many characters of a value a table shows.
const maxCell = 60

// cell returns text as it can stand in a table: cut, and quoted if anything in
// it is not for the eye.
func cell(text string) string {
	if text == "" {
		return "-"
	}
	shown := firstCharacters(text, maxCell)
	more := ""
	if len(shown) < len(text) {
		more = "…"
	}
	if !utf8.ValidString(shown) || strings.ContainsFunc(shown, isUnprintable) {
		shown = strconv.Quote(shown)
	}
	return shown + more
}

func isUnprintable(r rune) bool { return !unicode.IsPrint(r) }

// firstCharacters returns the first characters of text, which may be no UTF-8.
func firstCharacters(text string, count int) string {
	for i := range text {
		if count == 0 {
			return text[:i]
		}
		count--
	}
	return text
}

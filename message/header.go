package message

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jitney-mq/jitney/problem"
)

// jitneyProperties is the header with all application properties in their
// exact form.
const jitneyProperties = "Jitney-Properties"

// brokerPropertiesKey is BrokerProperties as http.Header spells it.
const brokerPropertiesKey = "Brokerproperties"

// FromHeader reads everything that the header of a send says of its message:
// BrokerProperties, the three Content headers of the body, Jitney-Properties,
// and each header that may be an application property. A property that
// Jitney-Properties has is not taken from a plain header as well, whatever its
// case. Errors are *problem.Field. [Q2] [Q3]
//
// Names of plain headers arrive as net/http spells them, order-id as Order-Id;
// Jitney-Properties keeps them.
func FromHeader(h http.Header, m *Message) error {
	if header, ok, err := single(h, brokerPropertiesKey, brokerProperties); err != nil {
		return err
	} else if ok {
		if err := ParseBrokerProperties(header, m); err != nil {
			return err
		}
	}
	for i := fieldContentType; i < fieldCount; i++ {
		if err := fields[i].fromHeader(h, m); err != nil {
			return err
		}
	}
	exact, err := exactProperties(h)
	if err != nil {
		return err
	}
	if m.Properties, err = plainProperties(h, exact); err != nil {
		return err
	}
	return m.Properties.check("")
}

// header is the field's name in HTTP.
func (f *field) header() string { return "Content-" + f.azure[len("Content"):] }

func (f *field) fromHeader(h http.Header, m *Message) error {
	if values := h[f.header()]; len(values) > 0 {
		return f.set(m, "", f.header(), strings.Join(values, ", "))
	}
	return nil
}

// single returns a header that may stand there once; an empty one is as none.
func single(h http.Header, key, name string) (value string, ok bool, err error) {
	switch values := h[key]; {
	case len(values) > 1:
		return "", false, problem.NewField(name, values[1], "the header once")
	case len(values) == 0 || values[0] == "":
		return "", false, nil
	default:
		return values[0], true, nil
	}
}

func exactProperties(h http.Header) (Properties, error) {
	header, ok, err := single(h, jitneyProperties, jitneyProperties)
	if err != nil || !ok {
		return Properties{}, err
	}
	return ParseProperties(jitneyProperties, header)
}

// plainProperties adds to exact what plain headers say. [Q3]
func plainProperties(h http.Header, exact Properties) (Properties, error) {
	taken := canonicalNames(exact)
	hopByHop := connectionHeaders(h)
	list := exact.list
	for name, values := range h {
		value := strings.Join(values, ", ")
		if taken[http.CanonicalHeaderKey(name)] || !isProperty(name, value) || hopByHop[name] {
			continue
		}
		if !utf8.ValidString(value) {
			return Properties{}, problem.NewField(name, strings.ToValidUTF8(value, "\ufffd"), "UTF-8")
		}
		list = append(list, property{name, parseHeaderValue(value)})
	}
	p, twice, ok := sorted(list)
	if !ok {
		return Properties{}, problem.NewField(twice, twice, wantOnce)
	}
	return p, nil
}

// canonicalNames returns the names of properties as http.Header spells them.
func canonicalNames(p Properties) map[string]bool {
	if p.Len() == 0 {
		return nil
	}
	names := make(map[string]bool, p.Len())
	for name := range p.All() {
		names[http.CanonicalHeaderKey(name)] = true
	}
	return names
}

// connectionHeaders returns the headers that Connection names: they end at
// the next hop.
func connectionHeaders(h http.Header) map[string]bool {
	values := h["Connection"]
	if len(values) == 0 {
		return nil
	}
	return setOf(strings.ReplaceAll(strings.Join(values, " "), ",", " "))
}

// isProperty is IsPropertyHeader but for Priority as browsers send it
// (RFC 9218): u=1, i.
func isProperty(name, value string) bool {
	if name == "Priority" && (strings.HasPrefix(value, "u=") || value == "i" || strings.HasPrefix(value, "i,")) {
		return false
	}
	return IsPropertyHeader(name)
}

// parseHeaderValue reads the value of a plain header: a date or a string in
// quotes, a bare number or boolean, or else a string. What looks like a number
// but is none that can be kept, such as 007 or 1e999, is a string. [Q3]
func parseHeaderValue(text string) Value {
	if s, ok := unquoted(text); ok {
		if t, ok := parseLayouts(s, httpLayouts); ok {
			return Timestamp(t)
		}
		return String(s)
	}
	switch text {
	case "true":
		return Bool(true)
	case "false":
		return Bool(false)
	}
	if isNumber(text) {
		if v, ok := parseNumber(text); ok {
			return v
		}
	}
	return String(text)
}

// unquoted returns the text of a quoted string (RFC 9110, 5.6.4).
func unquoted(text string) (s string, ok bool) {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return "", false
	}
	text = text[1 : len(text)-1]
	if !strings.ContainsAny(text, `"\`) {
		return text, true
	}
	plain := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"', text[i] == '\\' && i+1 == len(text):
			return "", false
		case text[i] == '\\':
			i++
		}
		plain = append(plain, text[i])
	}
	return string(plain), true
}

var quoter = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// ToHeader writes to h what the header of a reply says of a message, the
// counterpart of FromHeader. A plain header is written for each property whose
// name and value survive being one: FromHeader reads back the same value of
// the same kind. Names keep their case; of names that differ only in case the
// first has the header. Nothing has control characters. [R1] [Q3]
func ToHeader(h http.Header, r *Received) {
	for i := fieldContentType; i < fieldCount; i++ {
		f := &fields[i]
		if s, ok := f.get(r.Message); ok && isPrintable(s) {
			h[f.header()] = []string{s}
		}
	}
	buf := make([]byte, 0, 512)
	h[brokerPropertiesKey] = []string{string(AppendBrokerProperties(buf, r))}
	if r.Properties.Len() == 0 {
		return
	}
	h[jitneyProperties] = []string{string(AppendProperties(buf, r.Properties))}
	taken := make([]string, 0, r.Properties.Len())
	for name, v := range r.Properties.All() {
		canonical := http.CanonicalHeaderKey(name)
		if text, ok := headerValue(canonical, v); ok && !slices.Contains(taken, canonical) {
			taken = append(taken, canonical)
			h[name] = []string{text}
		}
	}
}

// headerValue returns the text of a plain header and whether v survives it.
func headerValue(canonical string, v Value) (text string, ok bool) {
	switch v.kind {
	case KindBool, KindInt64:
		text = v.String()
	case KindDouble:
		text = string(appendDouble(nil, v.Double()))
	case KindTimestamp:
		text = `"` + v.Time().Format(http.TimeFormat) + `"`
	case KindString:
		text = v.str
		if !isTrace[canonical] {
			text = `"` + quoter.Replace(text) + `"`
		}
	}
	ok = text != "" && isPrintable(text) && isProperty(canonical, text) && parseHeaderValue(text) == v
	return text, ok
}

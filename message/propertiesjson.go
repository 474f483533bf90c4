package message

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jitney-mq/jitney/problem"
)

// The JSON form of application properties is one object. Null, booleans and
// strings are JSON's own; an integer is a number without a point and an
// exponent, a double one with either. The rest is an object of one member:
//
//	{"$double":"NaN"}  {"$double":"Infinity"}  {"$double":"-Infinity"}
//	{"$timestamp":"2026-01-31T12:00:00.5Z"}    RFC 3339
//	{"$uuid":"6ba7b810-9dad-11d1-80b4-00c04fd430c8"}
//	{"$binary":"AQI="}  {"$amqp":"oQFh"}       base64
//
// Every value is read back as it was, kind and all. [Q3]
const (
	memberDouble    = "$double"
	memberTimestamp = "$timestamp"
	memberUUID      = "$uuid"
	memberBinary    = "$binary"
	memberAMQP      = "$amqp"
)

const wantValue = `null, a boolean, a number, a string or an object with one of $double, $timestamp, $uuid, $binary, $amqp`

// AppendProperties appends the JSON form of p, in ASCII, so that it can be a
// header.
func AppendProperties(dst []byte, p Properties) []byte {
	w := jsonWriter{buf: dst, quote: quoteASCII}
	w.properties(p)
	return w.buf
}

// ParseProperties reads the JSON form. Its errors are *problem.Field; element
// is what the form as a whole is called in them, and stands before the name of
// a property unless it is empty.
func ParseProperties(element, text string) (Properties, error) {
	r := jsonReader{data: []byte(text), name: element}
	if element != "" {
		r.prefix = element + "."
	}
	p, err := r.properties()
	if err != nil {
		return Properties{}, err
	}
	return p, r.end()
}

func (w *jsonWriter) properties(p Properties) {
	w.open()
	for _, o := range p.list {
		w.name(o.name)
		w.value(o.value)
	}
	w.close()
}

func (w *jsonWriter) value(v Value) {
	switch v.kind {
	case KindNull:
		w.buf = append(w.buf, "null"...)
	case KindBool:
		w.buf = strconv.AppendBool(w.buf, v.Bool())
	case KindInt64:
		w.buf = strconv.AppendInt(w.buf, v.Int64(), 10)
	case KindString:
		w.buf = w.quote(w.buf, v.str)
	case KindDouble:
		w.double(v.Double())
	case KindTimestamp:
		w.tagged(memberTimestamp, v.String())
	case KindUUID:
		w.tagged(memberUUID, v.String())
	case KindBinary:
		w.tagged(memberBinary, v.String())
	case KindAMQP:
		w.tagged(memberAMQP, v.String())
	}
}

// tagged writes an object of one member.
func (w *jsonWriter) tagged(member, text string) {
	w.open()
	w.text(member, text)
	if text == "" {
		w.plainName(member)
		w.buf = append(w.buf, `""`...)
	}
	w.close()
}

func (w *jsonWriter) double(f float64) {
	switch {
	case math.IsNaN(f):
		w.tagged(memberDouble, "NaN")
	case math.IsInf(f, 1):
		w.tagged(memberDouble, "Infinity")
	case math.IsInf(f, -1):
		w.tagged(memberDouble, "-Infinity")
	default:
		w.buf = appendDouble(w.buf, f)
	}
}

// appendDouble writes a finite number so that it is not taken for an integer.
func appendDouble(dst []byte, f float64) []byte {
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e15) {
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if strings.IndexByte(string(dst[start:]), '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

// usualProperties is how many properties there is room for before it is known
// how many there are.
const usualProperties = 4

// properties reads an object of properties.
func (r *jsonReader) properties() (Properties, error) {
	list := make([]property, 0, usualProperties)
	err := r.object(func(b []byte) error {
		name := string(b)
		v, err := r.value(name)
		list = append(list, property{name, v})
		return err
	})
	if err != nil {
		return Properties{}, err
	}
	p, twice, ok := sorted(list)
	if !ok {
		return Properties{}, problem.NewField(r.element(twice), twice, wantOnce)
	}
	return p, p.check(r.prefix)
}

// wantOnce is what is wanted of a member that an object has twice.
const wantOnce = "each name once"

func (r *jsonReader) value(name string) (Value, error) {
	switch c := r.peek(); c {
	case 'n':
		return Null(), r.word("null")
	case 't':
		return Bool(true), r.word("true")
	case 'f':
		return Bool(false), r.word("false")
	case '"':
		s, err := r.text()
		return String(s), err
	case '{':
		return r.tagged(name)
	case '[':
		return Value{}, r.refuse(name, wantValue)
	}
	number, err := r.number()
	if err != nil {
		return Value{}, err
	}
	v, ok := parseNumber(string(number))
	if !ok {
		return Value{}, problem.NewField(r.element(name), string(number), "an integer of 64 bits or a double")
	}
	return v, nil
}

// parseNumber reads a number as JSON writes it: an integer, or a double if it
// has a point or an exponent.
func parseNumber(number string) (Value, bool) {
	if strings.ContainsAny(number, ".eE") {
		f, err := strconv.ParseFloat(number, 64)
		return Double(f), err == nil
	}
	i, err := strconv.ParseInt(number, 10, 64)
	return Int64(i), err == nil
}

// tagged reads an object of one member whose name is the kind of value.
func (r *jsonReader) tagged(name string) (v Value, err error) {
	count := 0
	start := r.pos
	err = r.object(func(b []byte) error {
		member := string(b)
		if count++; count > 1 || r.peek() != '"' {
			_, err := r.skip()
			count = 2
			return err
		}
		text, err := r.text()
		if err != nil {
			return err
		}
		var ok bool
		if v, ok = parseTagged(member, text); !ok {
			return problem.NewField(r.element(name)+"."+shorten(member), text, wantValue)
		}
		return nil
	})
	if err == nil && count != 1 {
		err = problem.NewField(r.element(name), string(r.data[start:r.pos]), wantValue)
	}
	return v, err
}

// parseTagged reads the text of a tagged value.
func parseTagged(member, text string) (v Value, ok bool) {
	switch member {
	case memberDouble:
		return parseSpecial(text)
	case memberTimestamp:
		t, err := time.Parse(time.RFC3339Nano, text)
		return Timestamp(t), err == nil
	case memberUUID:
		u, err := uuid.Parse(text)
		return UUID(u), err == nil
	case memberBinary:
		b, err := base64.StdEncoding.DecodeString(text)
		return Binary(b), err == nil
	case memberAMQP:
		b, err := base64.StdEncoding.DecodeString(text)
		return AMQP(b), err == nil
	}
	return Value{}, false
}

// parseSpecial reads the doubles that JSON has no number for.
func parseSpecial(text string) (Value, bool) {
	switch text {
	case "NaN":
		return Double(math.NaN()), true
	case "Infinity":
		return Double(math.Inf(1)), true
	case "-Infinity":
		return Double(math.Inf(-1)), true
	}
	return Value{}, false
}

package main

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jitney-mq/jitney/message"
)

// properties are application properties, as a flag that is given once for
// each: name=value or name:kind=value.
type properties struct{ message.Properties }

func (p *properties) Type() string { return "name=value" }

// String returns the properties as JSON, nothing if there are none: help does
// not show that as a default.
func (p *properties) String() string {
	if p.Len() == 0 {
		return ""
	}
	return string(message.AppendProperties(nil, p.Properties))
}

func (p *properties) Set(text string) error {
	name, value, err := parseProperty(text)
	if err != nil {
		return err
	}
	if _, twice := p.Get(name); twice {
		return fmt.Errorf("want the property %s once", name)
	}
	p.Properties.Set(name, value)
	return nil
}

// parseProperty reads name=value, whose kind is plain to see, or
// name:kind=value.
func parseProperty(text string) (name string, v message.Value, err error) {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return "", v, fmt.Errorf("want name=value or name:kind=value")
	}
	if colon := strings.LastIndexByte(name, ':'); colon > 0 {
		if parse, known := kinds[name[colon+1:]]; known {
			v, err = parse(value)
			return name[:colon], v, err
		}
	}
	return name, guess(value), nil
}

// kinds are the kinds of values that can be stated.
var kinds = map[string]func(text string) (message.Value, error){
	"string": func(text string) (message.Value, error) { return message.String(text), nil },
	"int": func(text string) (message.Value, error) {
		i, err := strconv.ParseInt(text, 10, 64)
		return message.Int64(i), wanted(err, "an integer")
	},
	"double": func(text string) (message.Value, error) {
		f, err := strconv.ParseFloat(text, 64)
		return message.Double(f), wanted(err, "a number")
	},
	"bool": func(text string) (message.Value, error) {
		b, err := strconv.ParseBool(text)
		return message.Bool(b), wanted(err, "true or false")
	},
	"timestamp": func(text string) (message.Value, error) {
		at, err := time.Parse(time.RFC3339Nano, text)
		return message.Timestamp(at), wanted(err, "an instant such as 2026-01-31T12:00:00Z")
	},
	"uuid": func(text string) (message.Value, error) {
		u, err := uuid.Parse(text)
		return message.UUID(u), wanted(err, "a UUID")
	},
	"binary": func(text string) (message.Value, error) {
		b, err := base64.StdEncoding.DecodeString(text)
		return message.Binary(b), wanted(err, "base64")
	},
}

func wanted(err error, want string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("want %s", want)
}

// guess reads a value as a header of that text would be read: in quotes it is
// a string, a number or a boolean is one, the rest is a string. What looks
// like a number but is not written as JSON writes it, such as 007, is a string.
func guess(text string) message.Value {
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		return message.String(text[1 : len(text)-1])
	}
	p, err := message.ParseProperties("", `{"value":`+text+`}`)
	if err != nil || p.Len() != 1 {
		return message.String(text)
	}
	v, _ := p.Get("value")
	switch v.Kind() {
	case message.KindBool, message.KindInt64, message.KindDouble:
		return v
	}
	return message.String(text)
}

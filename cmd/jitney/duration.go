package main

import (
	"errors"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
)

// duration is a span of time, as a flag: 30, 30s, 5m or PT30S.
type duration time.Duration

func (d *duration) Type() string { return "duration" }

// String returns the span, or 0: help does not show that as a default.
func (d *duration) String() string {
	if *d == 0 {
		return "0"
	}
	return time.Duration(*d).String()
}

func (d *duration) Set(text string) error {
	span, err := message.ParseDuration("", text)
	if field, ok := errors.AsType[*problem.Field](err); ok {
		return errors.New("want " + field.Want) // pflag says which flag and value
	}
	*d = duration(span)
	return err
}

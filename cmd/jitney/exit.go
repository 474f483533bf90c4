package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/problem"
)

// The exit codes; exitTable says what each means.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitNoMessage   = 4
	exitConflict    = 5
	exitLockLost    = 6
	exitUnavailable = 7
	exitDenied      = 8
	exitTooLarge    = 9
	exitInterrupted = 130
)

// exitTable lists every exit code with the errors that lead to it, of which the
// first that fits counts.
var exitTable = []struct {
	code    int
	meaning string
	errs    []error
}{
	{exitOK, "done", nil},
	{exitFailure, "any failure that has no code of its own", nil},
	{exitUsage, "the command line, a setting or a value that the broker was given cannot be used", []error{errUsage, client.ErrInvalid}},
	{exitNotFound, "the name has no role, or the message is not there", []error{client.ErrNotFound}},
	{exitNoMessage, "no message came", []error{client.ErrNoMessage}},
	{exitConflict, "what is there stands against it, or has changed in the meantime", []error{client.ErrConflict, client.ErrStale}},
	{exitLockLost, "the lock is lost", []error{client.ErrGone}},
	{exitUnavailable, "the broker is out of reach, overloaded, or the queue or the disk is full", []error{client.ErrBusy, client.ErrNoAnswer}},
	{exitDenied, "not allowed", []error{client.ErrDenied}},
	{exitTooLarge, "the message is too large", []error{client.ErrTooLarge}},
	{exitInterrupted, "interrupted by a signal before it was done", []error{errInterrupted}},
}

// errUsage marks errors of which the command line or a setting is to blame.
var errUsage = errors.New("usage")

// marked is an error that is also another one, without saying so.
type marked struct {
	error
	as error
}

func (m marked) Unwrap() []error { return []error{m.error, m.as} }

// usage marks err as one of the command line.
func usage(err error) error { return marked{err, errUsage} }

// usagef returns an error of the command line.
func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// exitCode returns the program's exit code for an error.
func exitCode(err error) int {
	for _, row := range exitTable {
		for _, e := range row.errs {
			if errors.Is(err, e) {
				return row.code
			}
		}
	}
	if _, ok := errors.AsType[*problem.Field](err); ok { // a value that did not get as far as the broker
		return exitUsage
	}
	return exitFailure
}

// oneLine makes a text fit for one line of a terminal: no line ends, no escape
// sequences.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.TrimSpace(text))
}

// newExitCodesTopic is the help on exit codes.
func newExitCodesTopic() *cobra.Command {
	var b strings.Builder
	b.WriteString("Jitney ends with one of these exit codes:\n\n")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range exitTable {
		fmt.Fprintf(w, "  %d\t%s\n", row.code, row.meaning)
	}
	_ = w.Flush() // into memory
	b.WriteString("\njitney work ends with 0 also if commands failed: their messages are back in the queue.")
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: b.String()}
}

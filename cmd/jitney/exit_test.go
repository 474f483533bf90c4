package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/problem"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	rows := []struct {
		err  error
		want int
	}{
		{errors.New("x"), exitFailure},
		{usagef("x"), exitUsage},
		{fmt.Errorf("x: %w", problem.NewField("a", "b", "c")), exitUsage},
		{&client.Error{Status: 400}, exitUsage},
		{&client.Error{Status: 401}, exitDenied},
		{&client.Error{Status: 404}, exitNotFound},
		{client.ErrNoMessage, exitNoMessage},
		{&client.Error{Status: 409}, exitConflict},
		{&client.Error{Status: 412}, exitConflict},
		{errors.Join(nil, fmt.Errorf("x: %w", &client.Error{Status: 410})), exitLockLost},
		{&client.Error{Status: 413}, exitTooLarge},
		{&client.Error{Status: 500}, exitFailure},
		{&client.Error{Status: 503}, exitUnavailable},
		{&client.Error{Status: 507}, exitUnavailable},
		{client.ErrNoAnswer, exitUnavailable},
		{errInterrupted, exitInterrupted},
	}
	for _, row := range rows {
		if got := exitCode(row.err); got != row.want {
			t.Errorf("%v gave %d, want %d", row.err, got, row.want)
		}
	}
}

func TestExitCodesAreDocumented(t *testing.T) {
	t.Parallel()
	help := newExitCodesTopic().Long
	seen := map[int]bool{}
	for _, row := range exitTable {
		if seen[row.code] || !strings.Contains(help, row.meaning) {
			t.Errorf("exit code %d", row.code)
		}
		seen[row.code] = true
	}
}

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	rows := [][]string{
		{"fly"},
		{"send"},
		{"send", "/q"},
		{"send", "/q", "a", "b"},
		{"send", "/q", "a", "--file", "-"},
		{"send", "/q", "--lines", "-", "--id", "x"},
		{"send", "/q", "--ndjson", "-", "--label", "x"},
		{"send", "/q", "--file", "/does/not/exist"},
		{"send", "/q", "x", "--property", "=1"},
		{"send", "/q", "x", "--property", "a=1", "--property", "a=2"},
		{"send", "/q", "x", "--property", "a:int=x"},
		{"send", "/q", "x", "--ttl", "-1s"},
		{"receive", "/q", "--count", "0"},
		{"receive", "/q", "--mode", "receive-and-delete", "--settle", "abandon"},
		{"receive", "/q", "--settle", "defer"},
		{"receive", "/q", "-o", "xml"},
		{"receive", "/q", "--url", "localhost:1"},
		{"peek", "/q", "--from", "-1"},
		{"policy", "fly"},
		{"policy", "put", "/q", "--set", "LockDuration"},
		{"policy", "put", "/q", "--kind", "subscription"},
		{"policy", "put", "/q", "--kind", "queue", "--file", "-"},
		{"subscribe"},
		{"subscribe", "/r", "--filter", "a = 1", "--label", "x"},
		{"subscribe", "/r", "--property", "a:uuid=7c9e6679-7425-40de-944b-e07fc1f90ae7"},
		{"subscribe", "/r", "--header", "x"},
		{"subscribe", "/r", "--expires", "soon"},
		{"subscribe", "/r", "--expires", "0"},
		{"subscribe", "/r", "--max-in-flight", "101"},
		{"subscribe", "/r", "--to", "ftp://example.com/"},
		{"subscribe", "/r", "--set", "MaxDeliveryCount=0"},
		{"subscribe", "/r", "--file", "/does/not/exist"},
		{"unsubscribe"},
		{"subscriptions"},
		{"route"},
		{"route", "/r", "x", "--file", "-"},
		{"route", "/r", "--file", "/does/not/exist"},
		{"tree", "--format", "svg"},
		{"apply"},
		{"apply", "-f", "/does/not/exist"},
		{"apply", "-f", "-", "--below", "/x"},
		{"apply", "-f", "-", "--prune"},
		{"settle"},
		{"settle", "/q/messages/5"},
		{"settle", "/q/messages/5", "--delay", "1s"},
		{"settle", "/q/messages/5", "--reason", "x"},
		{"redrive", "/q", "--count", "-1"},
		{"work", "/q"},
		{"work", "/q", "--parallel", "0", "--", "true"},
		{"work", "/q", "--max", "-1", "--", "true"},
		{"work", "/q", "--lock-duration", "10ms", "--", "true"},
		{"work", "/q", "--", "/does/not/exist"},
	}
	for _, args := range rows {
		e := program(nil)
		if code := e.run(args); code != exitUsage {
			t.Errorf("%v: exit code %d", args, code)
		}
		said := fmt.Sprint(e.stderr)
		if !strings.HasPrefix(said, "jitney: ") || strings.Count(said, "\n") > 2 || strings.Contains(said, "Usage:") {
			t.Errorf("%v said %q", args, said)
		}
		if out := fmt.Sprint(e.stdout); out != "" {
			t.Errorf("%v wrote %q", args, out)
		}
	}
}

func TestErrorsAreOneLineEach(t *testing.T) {
	t.Parallel()
	if got := oneLine(" a\x1b[31m\tb\r\n"); got != "a [31m b" {
		t.Errorf("%q", got)
	}
}

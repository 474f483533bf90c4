// Command tally is what jitney work runs for each message of the worker
// example: it reads the file that the message on its standard input names,
// makes sure that the file is as the message says, and appends what it found
// to the file of its worker.
//
//	jitney work /files -- tally SOURCE FINDINGS
//
// Whatever goes wrong ends with an exit code that brings the message back.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/jitney-mq/jitney/examples/worker/record"
)

func main() {
	if err := run(os.Args[1:], os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(1)
	}
}

func run(args []string, stdin io.Reader) error {
	if len(args) != 2 {
		return errors.New("usage: tally SOURCE FINDINGS")
	}
	source, findings := args[0], args[1]
	body, err := io.ReadAll(stdin)
	if err != nil {
		return err
	}
	want, err := record.ParseFile(string(body))
	if err != nil {
		return err
	}
	got, err := record.Read(source, want.Path)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%s has changed", want.Path)
	}
	f, err := finding(got)
	if err != nil {
		return err
	}
	return appendLine(findings, f.String())
}

// finding adds what jitney work says of the message.
func finding(file record.File) (record.Finding, error) {
	number, numberErr := strconv.ParseInt(os.Getenv("JITNEY_SEQUENCE_NUMBER"), 10, 64)
	delivery, deliveryErr := strconv.Atoi(os.Getenv("JITNEY_DELIVERY_COUNT"))
	return record.Finding{
		Number:   number,
		ID:       os.Getenv("JITNEY_MESSAGE_ID"),
		Delivery: delivery,
		File:     file,
	}, errors.Join(numberErr, deliveryErr)
}

// appendLine appends a line in one write, so that commands that run at the
// same time do not mix theirs.
func appendLine(path, line string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}

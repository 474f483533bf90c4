package main

import (
	"context"
	"fmt"
	"io"
	"mime"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/client"
)

const textType = "text/plain; charset=utf-8"

// send is jitney send, as its flags say.
type send struct {
	*env
	messageFlags
	file   string // one message; -: standard input
	lines  string // a message a line
	ndjson string // a message object a line
	client *client.Client
}

func newSendCommand(e *env) *cobra.Command {
	s := send{env: e}
	cmd := &cobra.Command{
		Use:   "send NAME [TEXT]",
		Short: "Send messages to a name",
		Long: `Send one message, a text or a file, or a stream of them, each line of a file.
It is done when all of them are on disk. It shows the sequence number of the
one message, or how many messages of a stream were sent; of a message to a
router how many subscriptions got it.

A line of --ndjson is a message object, such as
{"label":"new","properties":{"n":1},"body":"two coffees"}.`,
		Example: `  jitney send /orders 'two coffees' --label new --property table=7
  jitney send /orders --file order.json --delay 5m
  jitney send /words --lines /usr/share/dict/words
  jitney peek /orders -o jsonl --count 10 | jq -c '{body}' | jitney send /copies --ndjson -`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if err := s.check(cmd, args); err != nil {
				return err
			}
			s.hasSession = cmd.Flags().Changed("session-id")
			if s.client, err = e.client(); err != nil {
				return err
			}
			ctx, stop := interruptible(cmd)
			defer stop()
			return s.run(ctx, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&s.file, "file", "", "send a `file` as one message, - for standard input")
	flags.StringVar(&s.lines, "lines", "", "send each line of a `file` as a message, - for standard input")
	flags.StringVar(&s.ndjson, "ndjson", "", "send each line of a `file`, a message object, - for standard input")
	markCommandLineOnly(cmd, "file", "lines", "ndjson")
	s.add(cmd)
	return cmd
}

// check makes sure that there is one thing to send, and no flag without effect.
func (s *send) check(cmd *cobra.Command, args []string) error {
	given := len(args) - 1
	for _, name := range []string{"file", "lines", "ndjson"} {
		if cmd.Flags().Changed(name) {
			given++
		}
	}
	if given != 1 {
		return usagef("want one thing to send: a text, --file, --lines or --ndjson")
	}
	if s.lines != "" && s.id != "" {
		return usagef("--id is for one message, not for --lines")
	}
	for _, name := range messageFlagNames {
		if s.ndjson != "" && cmd.Flags().Changed(name) {
			return usagef("--%s: the lines of --ndjson say it themselves", name)
		}
	}
	return nil
}

func (s *send) run(ctx context.Context, args []string) error {
	name := args[0]
	switch {
	case s.lines != "":
		return s.sendLines(ctx, name)
	case s.ndjson != "":
		return s.sendObjects(ctx, name)
	case s.file != "":
		return s.sendFile(ctx, name)
	}
	m := s.message(textType)
	m.Body = []byte(args[1])
	sent, err := s.client.Send(ctx, name, m)
	if err != nil {
		return err
	}
	return s.show(sent)
}

func (s *send) sendFile(ctx context.Context, name string) error {
	input, err := s.open(s.file)
	if err != nil {
		return err
	}
	defer input.Close()
	body, done := s.withProgress(input)
	sent, err := s.client.SendBody(ctx, name, s.message(typeOfFile(s.file)), body)
	done()
	if err != nil {
		return err
	}
	return s.show(sent)
}

func typeOfFile(path string) string {
	if t := mime.TypeByExtension(filepath.Ext(path)); t != "" {
		return t
	}
	return "application/octet-stream"
}

func (s *send) sendObjects(ctx context.Context, name string) error {
	return s.stream(s.ndjson, func(input io.Reader) (client.Committed, error) {
		return s.client.SendLines(ctx, name, input, nil)
	})
}

func (s *send) sendLines(ctx context.Context, name string) error {
	return s.stream(s.lines, func(input io.Reader) (client.Committed, error) {
		return s.client.SendStream(ctx, name, s.messages(input), nil)
	})
}

// stream sends what is in a file and shows how far that got, also if it did
// not get to the end.
func (s *send) stream(path string, sendAll func(io.Reader) (client.Committed, error)) error {
	input, err := s.open(path)
	if err != nil {
		return err
	}
	defer input.Close()
	reader, done := s.withProgress(input)
	committed, err := sendAll(reader)
	done()
	if err != nil && committed.Count > 0 {
		return fmt.Errorf("after %d messages: %w", committed.Count, err)
	}
	if err != nil {
		return err
	}
	return object(s.stdout, s.output, committed, strconv.FormatInt(committed.Count, 10))
}

func (s *send) show(sent client.Sent) error {
	text := strconv.FormatInt(sent.SequenceNumber, 10)
	switch {
	case sent.Outcome != client.Stored:
		text = string(sent.Outcome)
	case sent.Deliveries > 0:
		text = counted(int64(sent.Deliveries), "delivery", "deliveries")
	}
	return object(s.stdout, s.output, sent, text)
}

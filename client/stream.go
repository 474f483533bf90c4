package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"sync"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
)

// Committed says how far a stream of messages got: all up to here are on disk.
type Committed struct {
	Count     int64 `json:"committed"`           // messages of this stream
	Last      int64 `json:"last,omitempty"`      // the sequence number of the last of them
	Discarded int64 `json:"discarded,omitempty"` // messages that a full queue dropped, as its policy says
	Unrouted  int64 `json:"unrouted,omitempty"`  // messages that no subscription of a router wanted
}

// all is how many messages the broker is done with.
func (c Committed) all() int64 { return c.Count + c.Discarded + c.Unrouted }

// SendStream sends messages, any number, over one request, as fast as the
// broker commits them. It ranges over messages in the caller's goroutine and
// calls progress, which may be nil, from another one, with a count that only
// grows; it returns when the broker has answered for all of them.
//
// Whatever the error, the messages that Committed counts are safe. An *Error
// with a Document.Line is about that message, counted from 1: none from it on
// was sent. An error of messages itself ends the stream there. Without an
// answer it is unknown how many more than Committed the broker has taken. A
// broker ends a stream in which nothing comes for two minutes.
func (c *Client) SendStream(ctx context.Context, name string, messages iter.Seq2[*message.Message, error], progress func(Committed)) (Committed, error) {
	lines := newBacklog()
	var done Committed
	var answer error
	var answered sync.WaitGroup
	answered.Go(func() {
		done, answer = c.SendLines(ctx, name, lines, progress)
		lines.stop()
	})
	sent, err := appendAll(lines, messages)
	lines.end()
	answered.Wait()
	switch {
	case answer != nil:
		return done, answer
	case err != nil && !errors.Is(err, errStopped):
		return done, err
	case done.all() != sent || err != nil:
		return done, fmt.Errorf("the broker ended the stream after %d of %d messages", done.all(), sent)
	}
	return done, nil
}

// appendAll writes each message as a line and returns how many it wrote.
func appendAll(lines *backlog, messages iter.Seq2[*message.Message, error]) (int64, error) {
	var sent int64
	var line []byte
	for m, err := range messages {
		if err != nil {
			return sent, err
		}
		if err := m.Validate(); err != nil {
			return sent, err
		}
		line = append(message.AppendJSON(line[:0], &message.Received{Message: m}), '\n')
		if err := lines.append(line); err != nil {
			return sent, err
		}
		sent++
	}
	return sent, nil
}

// SendLines is SendStream for messages that are JSON objects already, one a
// line. It calls progress from the caller's goroutine. A read of lines that is
// under way when it returns early is not waited for.
func (c *Client) SendLines(ctx context.Context, name string, lines io.Reader, progress func(Committed)) (Committed, error) {
	response, err := c.do(ctx, &request{
		method: http.MethodPost,
		path:   escape(name) + "/messages",
		header: headers("Content-Type", ndjsonType),
		stream: lines,
		length: -1,
	})
	if err != nil {
		return Committed{}, err
	}
	defer drain(response.Body)
	return readProgress(response.Body, progress)
}

// progressLine is one line of the answer to a stream: how far it got, or, as
// the last one, the problem that ended it.
type progressLine struct {
	Committed
	problem.Document
}

func readProgress(body io.Reader, progress func(Committed)) (Committed, error) {
	var done Committed
	scanner := bufio.NewScanner(body)
	for scanner.Scan() {
		var line progressLine
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			return done, fmt.Errorf("the broker's progress cannot be read: %w", err)
		}
		if line.all() > done.all() {
			done = line.Committed
			if progress != nil {
				progress(done)
			}
		}
		if line.Status != 0 {
			e := &Error{Status: line.Status, Document: line.Document}
			return done, e.complete()
		}
	}
	return done, scanner.Err()
}

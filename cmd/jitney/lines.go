package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/jitney-mq/jitney/message"
)

// maxLine bounds a line of --lines, in bytes: no queue takes a longer body.
const maxLine = 100 << 20

// messages returns a message for each line of input, without its line end.
func (s *send) messages(input io.Reader) iter.Seq2[*message.Message, error] {
	return func(yield func(*message.Message, error) bool) {
		reader := bufio.NewReaderSize(input, 64<<10)
		for number := 1; ; number++ {
			line, err := readLine(reader, maxLine)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("line %d: %w", number, err))
				return
			}
			m := s.message(textType)
			m.Body = line
			if !yield(m, nil) {
				return
			}
		}
	}
}

// readLine returns the next line, of about limit bytes at most, without its
// end, LF or CRLF; the last line may lack one. The line is valid until the next
// call.
func readLine(r *bufio.Reader, limit int) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = readLong(r, line, limit)
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
		return nil, err
	}
	return cutLineEnd(line), nil
}

// readLong goes on with a line that is longer than the buffer.
func readLong(r *bufio.Reader, start []byte, limit int) ([]byte, error) {
	line := bytes.Clone(start)
	for {
		more, err := r.ReadSlice('\n')
		line = append(line, more...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
		if len(line) > limit {
			return nil, fmt.Errorf("want a line of at most %d bytes", limit)
		}
	}
}

func cutLineEnd(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line
}

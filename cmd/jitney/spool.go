package main

import (
	"bytes"
	"io"
	"os"
)

// maxSpooled is how many bytes of a body are kept in memory; a longer one goes
// to a temporary file.
const maxSpooled = 1 << 20

// spool is a body that is wholly on this side, so that a command never takes a
// broken connection for its end.
type spool struct {
	memory io.Reader
	file   *os.File // temporary; nil: the body is in memory
}

func newSpool(body io.Reader) (*spool, error) {
	start, err := io.ReadAll(io.LimitReader(body, maxSpooled+1))
	if err != nil {
		return nil, err
	}
	if len(start) <= maxSpooled {
		return &spool{memory: bytes.NewReader(start)}, nil
	}
	return newFileSpool(io.MultiReader(bytes.NewReader(start), body))
}

func newFileSpool(body io.Reader) (*spool, error) {
	f, err := os.CreateTemp("", "jitney-body-*")
	if err != nil {
		return nil, err
	}
	s := &spool{file: f}
	_, err = io.Copy(f, body)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// close gives the body's space back.
func (s *spool) close() {
	if s.file != nil {
		remove(s.file)
	}
}

// stdin returns the body as a command's standard input: a file as it is, so
// that nothing has to be copied.
func (s *spool) stdin() io.Reader {
	if s.file != nil {
		return s.file
	}
	return s.memory
}

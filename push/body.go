package push

import (
	"bytes"
	"io"
	"net/http"
	"sync"

	"github.com/jitney-mq/jitney/message"
)

// body is what a push sends after the header. It is read once for the
// signature and once for each connection that is tried.
type body struct {
	data []byte
	from io.WriterTo // nil: data
	size int64       // bytes

	mu      sync.Mutex // guards streams
	streams []*stream
}

func newBody(m *message.Received, from io.WriterTo) *body {
	if from == nil {
		return &body{data: m.Body, size: int64(len(m.Body))}
	}
	return &body{from: from, size: m.Size}
}

func (b *body) WriteTo(w io.Writer) (int64, error) {
	if b.from != nil {
		return b.from.WriteTo(w)
	}
	n, err := w.Write(b.data)
	return int64(n), err
}

// attach makes r send the body.
func (b *body) attach(r *http.Request) {
	r.ContentLength = b.size
	if b.size == 0 {
		r.Body = http.NoBody
		return
	}
	r.Body = b.open()
	r.GetBody = func() (io.ReadCloser, error) { return b.open(), nil }
}

func (b *body) open() io.ReadCloser {
	if b.from == nil {
		return io.NopCloser(bytes.NewReader(b.data))
	}
	r, w := io.Pipe()
	s := &stream{from: b.from, r: r, w: w, done: make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streams = append(b.streams, s)
	return s
}

// end returns once nothing reads the body any more.
func (b *body) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.streams {
		_ = s.Close()
	}
}

// stream turns an io.WriterTo into an io.Reader.
type stream struct {
	from  io.WriterTo
	r     *io.PipeReader
	w     *io.PipeWriter
	start sync.Once     // of the goroutine that writes, or of its never being needed
	done  chan struct{} // closed when it has ended
}

func (s *stream) Read(b []byte) (int, error) {
	s.start.Do(func() { go s.write() })
	return s.r.Read(b)
}

func (s *stream) write() {
	defer close(s.done)
	_, err := s.from.WriteTo(s.w)
	_ = s.w.CloseWithError(err)
}

// Close ends the stream and waits for its goroutine.
func (s *stream) Close() error {
	_ = s.r.Close()
	s.start.Do(func() { close(s.done) })
	<-s.done
	return nil
}

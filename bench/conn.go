package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	"golang.org/x/sync/errgroup"
)

// A conn is a keep-alive HTTP/1.1 connection that costs the machine as little
// as can be, so that the server is what is measured: requests are made
// beforehand, and of an answer no more is looked at than is needed.
type conn struct {
	net.Conn
	answers *bufio.Reader
}

func dial(ctx context.Context, address string) (*conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &conn{c, bufio.NewReaderSize(c, 4<<10)}, nil
}

// dialAll makes as many connections.
func dialAll(ctx context.Context, address string, count int) (conns, error) {
	list := make(conns, 0, count)
	for range count {
		c, err := dial(ctx, address)
		if err != nil {
			return nil, errors.Join(err, list.Close())
		}
		list = append(list, c)
	}
	return list, nil
}

type conns []*conn

// Close closes all of them. It may be called again, also beside others.
func (c conns) Close() error {
	var errs []error
	for _, one := range c {
		if err := one.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// together calls do for every connection at once. The first error and the end
// of ctx close all of them, so that nobody waits for an answer in vain.
func (c conns) together(ctx context.Context, do func(i int) error) error {
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	var group errgroup.Group
	for i := range c {
		group.Go(func() error {
			err := do(i)
			if err != nil {
				_ = c.Close()
			}
			return err
		})
	}
	return group.Wait()
}

// requestHead returns a request up to its body, of which length is the size,
// -1 if it comes in chunks.
func requestHead(method, path, contentType string, length int64) []byte {
	head := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: localhost\r\n", method, path)
	if contentType != "" {
		head = fmt.Appendf(head, "Content-Type: %s\r\n", contentType)
	}
	if length < 0 {
		return append(head, "Transfer-Encoding: chunked\r\n\r\n"...)
	}
	return fmt.Appendf(head, "Content-Length: %d\r\n\r\n", length)
}

// errAnswer is an answer that is not what was wanted.
type errAnswer struct {
	status int
	text   string // the beginning of its body
}

func (e *errAnswer) Error() string { return fmt.Sprintf("the answer is %d %s", e.status, e.text) }

// want returns an *errAnswer unless status is the one that was wanted.
func want(wanted, status int) error {
	if status == wanted {
		return nil
	}
	return &errAnswer{status: status}
}

// exchange writes a whole request and skips the answer, which must have a
// Content-Length. It returns the status. It allocates nothing.
func (c *conn) exchange(request []byte) (status int, err error) {
	if _, err := c.Write(request); err != nil {
		return 0, err
	}
	line, err := c.answers.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < len("HTTP/1.1 200\r\n") {
		return 0, errNoHTTP
	}
	for _, c := range line[9:12] {
		status = status*10 + int(c-'0')
	}
	length, err := c.contentLength()
	if err != nil {
		return 0, err
	}
	_, err = c.answers.Discard(length)
	return status, err
}

var errNoHTTP = errors.New("the answer is not HTTP with a Content-Length")

// contentLength reads header lines up to the empty one.
func (c *conn) contentLength() (length int, err error) {
	length = -1
	for {
		line, err := c.answers.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		const name = "content-length:"
		if len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name)) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(name):]))); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, errNoHTTP
	}
	return length, nil
}

// answer reads an answer with everything in it. The caller reads its body to
// the end before the next request.
func (c *conn) answer(wanted int) (*http.Response, error) {
	r, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return nil, err
	}
	if r.StatusCode != wanted {
		text, _ := io.ReadAll(io.LimitReader(r.Body, 1<<10))
		return nil, &errAnswer{r.StatusCode, string(text)}
	}
	return r, nil
}

// call writes a request without a body and reads the whole answer.
func (c *conn) call(method, path string, wanted int) (*http.Response, []byte, error) {
	if _, err := c.Write(requestHead(method, path, "", 0)); err != nil {
		return nil, nil, err
	}
	r, err := c.answer(wanted)
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(r.Body)
	return r, body, err
}

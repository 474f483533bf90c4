package client

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/jitney-mq/jitney/problem"
)

// escape returns the path of a name, percent-encoded segment by segment.
func escape(name string) string {
	segments := strings.Split(strings.TrimPrefix(name, "/"), "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return "/" + strings.Join(segments, "/")
}

// messagePath is the path of one message of a queue.
func messagePath(queue string, sequenceNumber int64) string {
	return escape(queue) + "/messages/" + strconv.FormatInt(sequenceNumber, 10)
}

// local returns the path, still encoded, of a URI that a broker gave: what it
// says about the host is left out, so that nothing is ever sent elsewhere.
func (c *Client) local(uri string) (string, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return "", err
	}
	path := u.EscapedPath()
	if prefix := strings.TrimPrefix(c.base, u.Scheme+"://"+u.Host); u.Host != "" && prefix != c.base {
		path = strings.TrimPrefix(path, prefix)
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return path, nil
}

// name returns the name that a URI of the broker leads to.
func (c *Client) name(uri string) (string, error) {
	path, err := c.local(uri)
	if err != nil {
		return "", err
	}
	path, _, _ = strings.Cut(path, "?")
	return url.PathUnescape(path)
}

// lockPath returns the path of a lock. It refuses whatever is not a lock:
// completing is a DELETE, which at another URI would delete something else.
func (c *Client) lockPath(lock string) (string, error) {
	path, err := c.local(lock)
	if err != nil || !isLock(path) {
		return "", problem.NewField("lock", lock, "the URI of a lock: /queue/messages/{sequence number}/{lock token}")
	}
	return path, nil
}

func isLock(path string) bool {
	parts := strings.Split(path, "/")
	n := len(parts)
	if n < 5 || parts[0] != "" || !strings.EqualFold(parts[n-3], "messages") {
		return false
	}
	if _, err := strconv.ParseUint(parts[n-2], 10, 63); err != nil {
		return false
	}
	return uuid.Validate(parts[n-1]) == nil
}

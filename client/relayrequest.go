package client

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/jitney-mq/jitney/relay/control"
)

// newRelayedRequest makes what a handler gets of a message. Its context has the
// mark of a server's, without which httputil.ReverseProxy would not panic when a
// response breaks off, and what there is of it would pass for all.
func (c *Client) newRelayedRequest(ctx context.Context, m *control.RequestMessage) (*http.Request, error) {
	target, err := url.ParseRequestURI(m.Target)
	if err != nil {
		return nil, err
	}
	header := http.Header(m.Headers).Clone()
	if header == nil {
		header = http.Header{}
	}
	r := &http.Request{
		Method: m.Method, URL: target, RequestURI: m.Target,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: http.NoBody,
		Host: c.relayedHost(header), RemoteAddr: relayedPeer(header),
	}
	header.Del("Host")
	return r.WithContext(context.WithValue(ctx, http.ServerContextKey, &http.Server{})), nil
}

// relayedHost returns the host that the sender meant.
func (c *Client) relayedHost(header http.Header) string {
	for _, name := range []string{"X-Forwarded-Host", "Host"} {
		if host, _, _ := strings.Cut(header.Get(name), ","); host != "" {
			return strings.TrimSpace(host)
		}
	}
	_, host, _ := strings.Cut(c.base, "://")
	host, _, _ = strings.Cut(host, "/")
	return host
}

// relayedPeer returns the address of whoever the broker talked to: the last
// one of the list, which the broker has put there itself.
func relayedPeer(header http.Header) string {
	list := header.Get("X-Forwarded-For")
	peer := strings.TrimSpace(list[strings.LastIndex(list, ",")+1:])
	if peer == "" {
		return ""
	}
	return net.JoinHostPort(strings.Trim(peer, "[]"), "0")
}

// takeBody gives a request a body that has come as a whole.
func takeBody(r *http.Request, body []byte) {
	if len(body) == 0 {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
}

// statedLength returns what a header says about the length of its body; -1:
// nothing, or nothing that can be read.
func statedLength(header http.Header) int64 {
	length, err := strconv.ParseUint(header.Get("Content-Length"), 10, 63)
	if err != nil {
		return -1
	}
	return int64(length)
}

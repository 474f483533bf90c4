package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// webServer is a local server to which what is relayed goes.
type webServer struct {
	url       *url.URL
	base      string // its path, escaped, without a slash at the end
	depth     int    // segments of the connection point's name
	keepHost  bool   // the sender's host goes on to it
	transport *http.Transport
}

func newWebServer(to *url.URL, name string, keepHost bool) *webServer {
	return &webServer{
		url:      to,
		base:     strings.TrimRight(to.EscapedPath(), "/"),
		depth:    depthOf(name),
		keepHost: keepHost,
		transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second,
			DisableCompression:  true, // bodies pass as they are
			MaxIdleConnsPerHost: 256,
			IdleConnTimeout:     30 * time.Second,
		},
	}
}

// depthOf returns how many segments a name has.
func depthOf(name string) int { return strings.Count(strings.Trim(name, "/"), "/") + 1 }

// flushInterval is how soon a piece of a response leaves that has a length, and may come
// slowly. What is whole by then needs no socket of its own. What has no length does not
// wait.
const flushInterval = 50 * time.Millisecond

// proxy returns what passes requests on, and responses as they come.
func (w *webServer) proxy() http.Handler {
	return &httputil.ReverseProxy{
		Rewrite:        w.rewrite,
		FlushInterval:  flushInterval,
		ModifyResponse: w.modify,
		ErrorHandler:   w.fail,
		Transport:      w.transport,
		ErrorLog:       log.New(io.Discard, "", 0), // a sender that goes away is no news
	}
}

// rewrite makes a relayed request one to the server.
func (w *webServer) rewrite(p *httputil.ProxyRequest) {
	p.Out.URL = w.target(p.In.URL)
	p.Out.Header = w.header(p.In)
	p.Out.Host = w.host(p.In)
}

// belowPoint returns what of a path is behind a connection point's name, which is as
// long as it was said to be, however the sender has spelled it.
func belowPoint(in *url.URL, depth int) string {
	rest := in.EscapedPath()
	for range depth {
		at := strings.IndexByte(rest[1:], '/')
		if at < 0 {
			return ""
		}
		rest = rest[1+at:]
	}
	return rest
}

// target returns the URL at the server for one at the broker.
func (w *webServer) target(in *url.URL) *url.URL {
	rest := belowPoint(in, w.depth)
	out := &url.URL{Scheme: w.url.Scheme, Host: w.url.Host, RawQuery: in.RawQuery}
	out.RawPath = cmp.Or(w.base+rest, "/")
	out.Path, _ = url.PathUnescape(out.RawPath) // it was parsed before
	return out
}

// header returns what the server gets of a request's header. The origin of the
// connection point's own pages becomes the server's, which compares the two.
func (w *webServer) header(in *http.Request) http.Header {
	own := in.Header.Clone()
	if origin, err := url.Parse(in.Header.Get("Origin")); err == nil && origin.Host != "" && !w.keepHost && strings.EqualFold(origin.Host, in.Host) {
		own.Set("Origin", w.url.Scheme+"://"+w.url.Host)
	}
	return own
}

func (w *webServer) host(in *http.Request) string {
	if w.keepHost {
		return in.Host
	}
	return w.url.Host
}

// fail answers for a server that does not. A sender that has gone is not
// answered.
func (w *webServer) fail(out http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler)
	}
	http.Error(out, w.down(err), http.StatusBadGateway)
}

// down says that the server cannot be reached.
func (w *webServer) down(err error) string { return unreachable(w.url.Host, err) }

// unreachable says why a local server cannot be reached.
func unreachable(host string, err error) string {
	if failed, ok := errors.AsType[*net.OpError](err); ok {
		err = failed.Err
	}
	return oneLine(fmt.Sprintf("the server behind the relay, %s, does not answer: %v", host, err))
}

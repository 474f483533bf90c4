package server

import (
	"cmp"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jitney-mq/jitney/relay/control"
)

// relayStall is how long a sender may take for the next piece of a body, in both
// directions: one that is slower is cut off.
const relayStall = 60 * time.Second

// request relays an HTTP request and its response, as they come [L1].
func (y *relayed) request() error {
	if err := y.chargeSmall(); err != nil {
		return err
	}
	body := y.pace()
	var failed error
	proxy := httputil.ReverseProxy{
		Rewrite:        y.rewrite,
		Transport:      y.server.broker.Relay().At(y.point.Name),
		FlushInterval:  -1, // also of a length that is known: it may come slowly
		ModifyResponse: y.modify,
		ErrorHandler:   func(_ http.ResponseWriter, _ *http.Request, err error) { failed = err },
		ErrorLog:       log.New(io.Discard, "", 0), // the sender's connection says it all
		BufferPool:     proxyBuffers,
	}
	proxy.ServeHTTP(&paced{y.exchange, y.control()}, y.incoming(body))
	return y.endBody(body, failed)
}

// pace prepares the bodies, which may come and go at the same time and have
// deadlines of their own.
func (y *relayed) pace() *pacedBody {
	y.duplex = true
	_ = y.control().EnableFullDuplex() // a writer that cannot is none of HTTP/1.1
	return &pacedBody{ReadCloser: y.r.Body, control: y.control(), turn: make(chan struct{}, 1), stopped: make(chan struct{})}
}

// incoming is the request with a body that has deadlines.
func (y *relayed) incoming(body *pacedBody) *http.Request {
	r := *y.r
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = body
	}
	return &r
}

// endBody reads what is left of a body that nobody wants, for what comes on its
// connection is taken for the next request otherwise. A sender that goes on for too
// long is broken off.
func (y *relayed) endBody(body *pacedBody, failed error) error {
	if y.status == 0 {
		_ = y.control().SetWriteDeadline(time.Now().Add(relayStall)) // for the problem that is answered
	}
	if y.r.ContentLength == 0 || body.ended.Load() {
		return failed
	}
	if y.status != 0 {
		_ = y.control().Flush() // or the sender has gone
	}
	if !body.stop() {
		y.abort()
	}
	if body.ended.Load() {
		return failed
	}
	if y.status == 0 {
		y.Header().Set("Connection", "close")
		_ = y.control().SetReadDeadline(time.Now().Add(discardTimeout))
		return failed
	}
	_ = y.control().SetReadDeadline(time.Now().Add(discardTimeout))
	if _, err := io.Copy(io.Discard, y.r.Body); err != nil {
		y.abort()
	}
	return failed
}

// outgoing is the request as a listener gets it, for what is not proxied.
func (y *relayed) outgoing() *http.Request {
	out := y.r.Clone(y.r.Context())
	out.Body = io.NopCloser(y.body(0))
	out.Header = http.Header(control.EndToEnd(out.Header)) // before the broker adds its own
	y.rewrite(&httputil.ProxyRequest{In: y.r, Out: out})
	return out
}

// rewrite makes a request what a listener gets: the whole path, with the point's
// name, and whom it comes from [L1].
func (y *relayed) rewrite(p *httputil.ProxyRequest) {
	path := cmp.Or(y.prefix, y.point.Name.Path()) + y.suffix
	plain, _ := url.PathUnescape(path) // it comes from a URL
	p.Out.URL = &url.URL{Path: plain, RawPath: path, RawQuery: y.query}
	h := p.Out.Header
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix"} {
		delete(h, name) // the broker answers for these
	}
	p.SetXForwarded()
	if y.prefix != "" {
		h["X-Forwarded-Prefix"] = []string{y.prefix}
	}
	h["Via"] = append(h["Via"], "1.1 "+y.r.Host)
}

// modify makes a listener's response what the sender gets. What the broker has said
// in its own name before stands back.
func (y *relayed) modify(r *http.Response) error {
	h := y.Header()
	for name := range h {
		if _, there := r.Header[name]; there || strings.HasPrefix(name, "Access-Control-") || name == "Vary" {
			delete(h, name)
		}
	}
	r.Header["Via"] = append(r.Header["Via"], "1.1 "+y.r.Host)
	if !y.relayOnly { // [L5]
		r.Header["Content-Security-Policy"] = append(r.Header["Content-Security-Policy"], sandbox[0])
		for _, name := range ofOrigin {
			delete(r.Header, name)
		}
	}
	return nil
}

// ofOrigin are the fields that a browser takes for all of an origin or host, which is
// the broker's and not the listener's to speak for.
var ofOrigin = []string{
	"Accept-Ch", "Alt-Svc", "Clear-Site-Data", "Critical-Ch", "Nel", "Origin-Agent-Cluster",
	"Report-To", "Reporting-Endpoints", "Service-Worker-Allowed", "Strict-Transport-Security",
}

// proxyBuffers are of those who copy bodies at this moment.
var proxyBuffers = bufferPool{&sync.Pool{New: func() any { return new([32 << 10]byte) }}}

// A bufferPool is an httputil.BufferPool.
type bufferPool struct{ pool *sync.Pool }

// Get is part of httputil.BufferPool.
func (p bufferPool) Get() []byte { return p.pool.Get().(*[32 << 10]byte)[:] }

// Put is part of httputil.BufferPool.
func (p bufferPool) Put(b []byte) { p.pool.Put((*[32 << 10]byte)(b)) }

// A paced writes to a sender that has relayStall for each piece.
type paced struct {
	*exchange
	control *http.ResponseController
}

// Write is part of io.Writer.
func (p *paced) Write(b []byte) (int, error) {
	p.bound()
	return p.exchange.Write(b)
}

// WriteHeader is part of http.ResponseWriter.
func (p *paced) WriteHeader(status int) {
	p.bound()
	p.exchange.WriteHeader(status)
}

func (p *paced) bound() {
	_ = p.control.SetWriteDeadline(time.Now().Add(relayStall)) // a writer without deadlines needs none
}

// A pacedBody is of a sender that has relayStall for each piece. Who reads it may do
// so when the handler has returned, and must not touch its connection then.
type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
	ended   atomic.Bool   // its end has been read
	turn    chan struct{} // has a token while it is read
	stopped chan struct{} // closed when no more is to be read
}

// Read is part of io.Reader.
func (p *pacedBody) Read(b []byte) (int, error) {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	select {
	case <-p.stopped:
		return 0, http.ErrBodyReadAfterClose
	default:
	}
	_ = p.control.SetReadDeadline(time.Now().Add(relayStall)) // a reader without deadlines needs none
	n, err := p.ReadCloser.Read(b)
	if err == io.EOF {
		p.ended.Store(true)
	}
	return n, err
}

// stop has nothing more read; false: somebody still waits for a piece.
func (p *pacedBody) stop() bool {
	close(p.stopped)
	timer := time.NewTimer(discardTimeout)
	defer timer.Stop()
	select {
	case p.turn <- struct{}{}:
		<-p.turn
		return true
	case <-timer.C:
		return false
	}
}

// Close is part of io.Closer. The connection is ended by endBody.
func (p *pacedBody) Close() error { return nil }

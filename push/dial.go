package push

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
)

// callKey is where a call's context keeps itself: net/http dials with a
// context that outlives the request.
type callKey struct{}

// callOf returns the context of the call that a connection is dialled for.
func callOf(ctx context.Context) context.Context {
	if call, ok := ctx.Value(callKey{}).(context.Context); ok {
		return call
	}
	return ctx
}

// dial connects to host:port unless the address that the host turns out to
// have is refused. The check is made on each socket just before it connects,
// so no spelling and no second answer of a name server gets around it. [S8]
func (c *Client) dial(ctx context.Context, network, target string) (net.Conn, error) {
	dialer := c.dialer
	dialer.Control = func(_, address string, _ syscall.RawConn) error { return c.checkAddress(target, address) }
	opened, err := dialer.DialContext(callOf(ctx), network, target)
	if err != nil {
		return nil, err
	}
	return c.track(opened)
}

// dialTLS connects and shakes hands, both within the call's time.
func (c *Client) dialTLS(ctx context.Context, network, target string) (net.Conn, error) {
	opened, err := c.dial(ctx, network, target)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		return nil, err
	}
	config := c.tls.Clone()
	config.ServerName = host
	secure := tls.Client(opened, config)
	if err := secure.HandshakeContext(callOf(ctx)); err != nil {
		_ = opened.Close()
		return nil, err
	}
	return secure, nil
}

// checkAddress returns a *refusedError unless a connection to address may be
// made for target, both host:port. [S8]
func (c *Client) checkAddress(target, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAddress, err)
	}
	addr := at.Addr().Unmap()
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAddress, err)
	}
	if c.allow.allowName(host, at.Port()) || c.allow.allowAddr(addr.WithZone(""), at.Port()) {
		return nil
	}
	why := refusal(addr)
	if why == "" && isOwn(addr) {
		why = "this machine's own"
	}
	if why == "" {
		return nil
	}
	c.logger.Warn("push address refused", "target", target, "address", addr, "because", why)
	return &refusedError{host, why}
}

// refusedError is an ErrAddress. It does not tell the address: whoever chose
// the name is not to learn what it means inside this network.
type refusedError struct{ host, why string }

func (e *refusedError) Error() string {
	return ErrAddress.Error() + ": " + e.host + " is " + e.why
}

func (e *refusedError) Unwrap() error { return ErrAddress }

// conn is a connection that its client can close and that counts what is
// written to it.
type conn struct {
	net.Conn
	client  *Client
	written atomic.Int64 // bytes, those of a Write under way among them
}

// track makes c know a new connection. A call that has one is not over, so the
// client's Close has yet to look at them; a call that has ended is not waited
// for, so it may have looked.
func (c *Client) track(opened net.Conn) (net.Conn, error) {
	tracked := &conn{Conn: opened, client: c}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = opened.Close()
		return nil, ErrClosed
	}
	c.conns[tracked] = struct{}{}
	return tracked, nil
}

func (c *conn) Write(b []byte) (int, error) {
	c.written.Add(int64(len(b))) // at once: the answer may be here before Write returns
	n, err := c.Conn.Write(b)
	c.written.Add(int64(n - len(b)))
	return n, err
}

func (c *conn) Close() error {
	c.client.mu.Lock()
	delete(c.client.conns, c)
	c.client.mu.Unlock()
	return c.Conn.Close()
}

package push

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// Headers of the CloudEvents web hook, version 1.0.2, as http.Header spells
// them.
const (
	requestOrigin = "Webhook-Request-Origin"
	allowedOrigin = "Webhook-Allowed-Origin"
)

// NeedsConsent reports whether the endpoint at a URL must be asked before it is
// pushed to: unless the operator has allowed its host by the name or the
// address that the URL has. [S8]
func (c *Client) NeedsConsent(text string) bool {
	u, err := CheckURL(text)
	return err != nil || !c.allow.allowURL(u)
}

// Consent asks an endpoint whether this broker may push to it: OPTIONS with
// WebHook-Request-Origin, to which it answers 2xx and WebHook-Allowed-Origin,
// the same or *. It returns nil if it does, ErrConsent with what was wrong if
// the answer is another, and the error that prevented one otherwise:
// *problem.Field, ErrAddress, a timeout. [S8]
//
// No rate is asked for, so WebHook-Allowed-Rate is not read: an endpoint that
// has enough says 429. WebHook-Request-Callback is not offered: consent is
// given in the answer or not at all.
func (c *Client) Consent(ctx context.Context, e Endpoint) error {
	r, err := c.newRequest(http.MethodOptions, e, http.Header{})
	if err != nil {
		return err
	}
	a := c.do(ctx, e, r)
	switch {
	case a.err != nil:
		return a.err
	case a.status < 200 || a.status > 299:
		return fmt.Errorf("%w: it answered %s to OPTIONS", ErrConsent, statusText(a.status))
	default:
		return c.readConsent(a.header[allowedOrigin])
	}
}

// readConsent checks the values of WebHook-Allowed-Origin.
func (c *Client) readConsent(values []string) error {
	switch {
	case len(values) == 0:
		return fmt.Errorf("%w: its answer to OPTIONS has no WebHook-Allowed-Origin; want %s or *", ErrConsent, c.origin)
	case len(values) > 1:
		return fmt.Errorf("%w: its answer to OPTIONS has WebHook-Allowed-Origin more than once", ErrConsent)
	case values[0] != "*" && !strings.EqualFold(values[0], c.origin):
		return fmt.Errorf("%w: its WebHook-Allowed-Origin is %.100q; want %s or *", ErrConsent, values[0], c.origin)
	}
	return nil
}

// newRequest returns a request to an endpoint with the headers h, its own, and
// those that say who asks.
func (c *Client) newRequest(method string, e Endpoint, h http.Header) (*http.Request, error) {
	u, err := CheckURL(e.URL)
	if err != nil {
		return nil, err
	}
	if err := CheckHeaders(e.Header); err != nil {
		return nil, err
	}
	e.add(h)
	h["User-Agent"] = []string{userAgent}
	h[requestOrigin] = []string{c.origin}
	return &http.Request{Method: method, URL: u, Host: u.Host, Header: h, Body: http.NoBody}, nil
}

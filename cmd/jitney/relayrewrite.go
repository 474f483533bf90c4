package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// modify makes a server's response one of the connection point: what it says
// about its own paths is put below the connection point's.
func (w *webServer) modify(response *http.Response) error {
	if response.StatusCode < 100 {
		return fmt.Errorf("its status is %q", response.Status)
	}
	prefix := strings.TrimRight(response.Request.Header.Get("X-Forwarded-Prefix"), "/")
	if location := response.Header.Get("Location"); location != "" {
		response.Header.Set("Location", w.publicLocation(location, response.Request, prefix))
	}
	cookies := response.Header["Set-Cookie"]
	for i, cookie := range cookies {
		cookies[i] = w.publicCookie(cookie, prefix)
	}
	return nil
}

// publicLocation returns where senders find what a server calls by a location.
// A location elsewhere stays as it is, and so does one with the prefix, of which
// the server was told.
func (w *webServer) publicLocation(location string, asked *http.Request, prefix string) string {
	to, err := asked.URL.Parse(location)
	if err != nil || !w.isOwn(to, asked) {
		return location
	}
	path, ok := w.publicPath(to.EscapedPath(), prefix)
	if !ok {
		return location
	}
	if to.RawQuery != "" || to.ForceQuery {
		path += "?" + to.RawQuery
	}
	if to.Fragment != "" {
		path += "#" + to.EscapedFragment()
	}
	return path
}

// isOwn reports whether a URL leads to the server, by its own name or by the one
// that it was called by.
func (w *webServer) isOwn(u *url.URL, asked *http.Request) bool {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return false
	case strings.EqualFold(u.Host, w.url.Host):
		return true
	}
	return strings.EqualFold(u.Host, asked.Host) || strings.EqualFold(u.Host, asked.Header.Get("X-Forwarded-Host"))
}

// publicPath returns where senders find a path of the server's; false: nowhere.
func (w *webServer) publicPath(path, prefix string) (string, bool) {
	if prefix != "" && isBelow(path, prefix) {
		return path, true
	}
	if !isBelow(path, w.base) {
		return "", false
	}
	rest := strings.TrimPrefix(path, w.base)
	if rest == "" {
		rest = "/"
	}
	return prefix + rest, true
}

// isBelow reports whether a path is another one or below it.
func isBelow(path, other string) bool {
	rest, ok := strings.CutPrefix(path, other)
	return ok && (rest == "" || rest[0] == '/')
}

// publicCookie returns a cookie whose path, if it states one, is below the
// prefix. One that has to be for all of a host cannot be.
func (w *webServer) publicCookie(cookie, prefix string) string {
	if prefix+w.base == "" || strings.HasPrefix(cookie, "__Host-") {
		return cookie
	}
	parts := strings.Split(cookie, ";")
	for i, part := range parts[1:] {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if !strings.EqualFold(name, "Path") {
			continue
		}
		if path, ok := w.publicPath(value, prefix); ok {
			parts[i+1] = " Path=" + cookiePath(path)
		}
	}
	return strings.Join(parts, ";")
}

// cookiePath returns a path without the slash at its end, which would leave
// out the connection point itself.
func cookiePath(path string) string {
	if short := strings.TrimRight(path, "/"); short != "" {
		return short
	}
	return "/"
}

package server

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
)

// logAccess notes what was asked and how it ended, at debug level. Queries,
// bodies and headers are not logged, nor are lock tokens.
func (x *exchange) logAccess(took time.Duration) {
	ctx := context.Background()
	if !x.server.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	x.server.log.LogAttrs(ctx, slog.LevelDebug, "request",
		slog.String("request", x.id), slog.String("method", x.r.Method), slog.String("path", withoutTokens(x.r.URL.EscapedPath())),
		slog.Int("status", x.status), slog.Duration("took", took), slog.String("client", x.r.RemoteAddr))
}

// withoutTokens replaces the segments of a path that could be lock tokens.
func withoutTokens(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if plain, err := url.PathUnescape(s); err == nil && isToken(plain) {
			segments[i] = "*"
		}
	}
	return strings.Join(segments, "/")
}

func isToken(segment string) bool {
	_, err := uuid.Parse(segment)
	return err == nil
}

// logFailure notes an error that the client is not told.
func (x *exchange) logFailure(err error) {
	x.server.log.Error("a request failed", "request", x.id, "method", x.r.Method, "route", x.label(), "error", err)
}

// label is what metrics and logs call the resource.
func (x *exchange) label() string {
	if x.route == nil {
		return "other"
	}
	return x.route.label
}

package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/relay"
	"github.com/jitney-mq/jitney/relay/control"
	"github.com/jitney-mq/jitney/router"
)

// Errors of the server's own.
var (
	errNoResource = errors.New("there is no such resource")
	errMethod     = errors.New("the resource has no such method")
	errHost       = errors.New("the broker is not known by the host that the request names")
	errOrigin     = errors.New("pages of this origin may not use the broker")
	errTooMany    = errors.New("too many requests are under way")
	errWaiting    = errors.New("too many receivers wait")
	errSockets    = errors.New("too many sockets are open")
	errVersion    = errors.New("the WebSocket protocol has another version")
	errMemory     = errors.New("too many bytes of bodies are in memory")
	errDraining   = errors.New("the broker is shutting down")
	errNotReady   = errors.New("the broker is not ready")
	errMediaType  = errors.New("a document of this type or encoding cannot be read")
	errDocument   = errors.New("the document is too large")
	errNoMatch    = errors.New("the request does not say which state of the policy it is about")
	errDiscarded  = errors.New("the queue is full and has discarded the message")
	errUnrouted   = errors.New("no subscription of the router takes the message")
	errTooSlow    = errors.New("the body came too slowly")
	errUnread     = errors.New("the client has gone or does not read")
	errPanicked   = errors.New("the handler panicked")
	errTokenEnded = errors.New("the token has expired")
	errRejected   = errors.New("the socket is rejected, as you wished")
)

// A kind is what a client is told about an error: the same for each occurrence.
type kind struct {
	err    error
	status int
	slug   string // ends the type of the problem
	title  string
	retry  int // seconds until another try makes sense; 0: it does not say
}

// kinds has a row for every error that a handler can return. The first row
// whose error fits counts [N6].
var kinds = []kind{
	{errNotReady, http.StatusServiceUnavailable, "not-ready", "The broker is not ready", 5},
	{queue.ErrFull, http.StatusServiceUnavailable, "queue-full", "The queue is full", 1},
	{queue.ErrOverloaded, http.StatusServiceUnavailable, "overloaded", "The broker is overloaded", 1},
	{errTooMany, http.StatusServiceUnavailable, "overloaded", "The broker is overloaded", 1},
	{errWaiting, http.StatusServiceUnavailable, "overloaded", "The broker is overloaded", 1},
	{errSockets, http.StatusServiceUnavailable, "overloaded", "The broker is overloaded", 1},
	{router.ErrManyListeners, http.StatusServiceUnavailable, "overloaded", "The broker is overloaded", 1},
	{router.ErrSlow, http.StatusServiceUnavailable, "overloaded", "The broker is overloaded", 1},
	{errMemory, http.StatusServiceUnavailable, "overloaded", "The broker is overloaded", 1},
	{relay.ErrBusy, http.StatusServiceUnavailable, "overloaded", "The broker is overloaded", 1},
	{relay.ErrClosed, http.StatusServiceUnavailable, "shutting-down", "The broker is shutting down", 5},
	{errDraining, http.StatusServiceUnavailable, "shutting-down", "The broker is shutting down", 5},
	{broker.ErrStoreClosed, http.StatusServiceUnavailable, "shutting-down", "The broker is shutting down", 5},
	{broker.ErrStoreFailed, http.StatusServiceUnavailable, "store-failed", "The store has failed", 5},
	{broker.ErrNoSpace, http.StatusInsufficientStorage, "no-space", "The disk is full", 30},

	{queue.ErrTooLarge, http.StatusRequestEntityTooLarge, "too-large", "The message is too large", 0},
	{queue.ErrTooMany, http.StatusRequestEntityTooLarge, "too-many-copies", "The messages go to too many queues", 0},
	{errDocument, http.StatusRequestEntityTooLarge, "document-too-large", "The document is too large", 0},
	{os.ErrDeadlineExceeded, http.StatusRequestTimeout, "too-slow", "The request came too slowly", 0},
	{errTooSlow, http.StatusRequestTimeout, "too-slow", "The request came too slowly", 0},
	{queue.ErrBadBody, http.StatusBadRequest, "incomplete-body", "The body could not be read", 0},
	{queue.ErrNoMessage, http.StatusNotFound, "no-message", "There is no such message", 0},
	{queue.ErrLocked, http.StatusConflict, "locked", "The message is locked", 0},
	{queue.ErrLockLost, http.StatusGone, "lock-lost", "The lock is lost", 0},
	{queue.ErrGone, http.StatusNotFound, "no-role", "The name has no role", 0},
	{queue.ErrDisabled, http.StatusForbidden, "disabled", "The name is disabled", 0},
	{errDiscarded, http.StatusConflict, "discarded", "The message was discarded", 0},
	{errUnrouted, http.StatusConflict, "unrouted", "The message was not routed", 0},

	{relay.ErrBody, http.StatusBadRequest, "incomplete-body", "The body could not be read", 0},
	{relay.ErrNoPoint, http.StatusNotFound, "no-role", "The name has no role", 0},
	{relay.ErrDisabled, http.StatusForbidden, "disabled", "The name is disabled", 0},
	{relay.ErrManyHere, http.StatusConflict, "too-many-listeners", "The connection point has too many listeners", 5},
	{relay.ErrNoListener, http.StatusBadGateway, "no-listener", "Nobody listens", 1},
	{relay.ErrListenerGone, http.StatusBadGateway, "listener-gone", "The listener went away", 0},
	{relay.ErrProtocol, http.StatusBadGateway, "bad-listener", "The listener did not keep to the protocol", 0},
	{relay.ErrTimeout, http.StatusGatewayTimeout, "listener-timeout", "The listener did not answer in time", 0},
	{relay.ErrNoMeeting, http.StatusNotFound, "no-meeting", "Nobody waits under this id", 0},
	{relay.ErrHeader, http.StatusRequestHeaderFieldsTooLarge, "header-too-large", "The header is too large", 0},
	{relay.ErrTooLarge, http.StatusRequestEntityTooLarge, "too-large", "The message is too large", 0},
	{control.ErrToken, http.StatusUnauthorized, "bad-token", "The token cannot be used", 0},
	{errTokenEnded, http.StatusUnauthorized, "bad-token", "The token cannot be used", 0},
	{errRejected, http.StatusGone, "rejected", "The socket is rejected", 0},

	{broker.ErrNoRole, http.StatusNotFound, "no-role", "The name has no role", 0},
	{broker.ErrWrongRole, http.StatusConflict, "wrong-role", "The name has another role", 0},
	{broker.ErrHasRole, http.StatusConflict, "has-role", "The name has a role already", 0},
	{broker.ErrStale, http.StatusPreconditionFailed, "stale", "The policy has changed", 0},
	{broker.ErrInTheWay, http.StatusConflict, "in-the-way", "Another name is in the way", 0},
	{broker.ErrCycle, http.StatusConflict, "cycle", "Messages would move in a circle", 0},
	{broker.ErrNoTarget, http.StatusConflict, "no-target", "The target takes no messages", 0},
	{broker.ErrCrowded, http.StatusConflict, "too-many-subscriptions", "The router has too many subscriptions", 0},
	{broker.ErrRules, http.StatusConflict, "no-rules", "The subscription may not have rules", 0},
	{errNoMatch, http.StatusPreconditionRequired, "if-match-required", "If-Match is required", 0},
	{policy.ErrFixed, http.StatusConflict, "fixed", "The element cannot be changed", 0},
	{policy.ErrNotAvailable, http.StatusBadRequest, "not-available-yet", "Not available yet", 0},
	{policy.ErrDuration, http.StatusBadRequest, "bad-value", "A value cannot be used", 0},

	{errNoResource, http.StatusNotFound, "no-resource", "There is no such resource", 0},
	{errMethod, http.StatusMethodNotAllowed, "no-method", "The resource has no such method", 0},
	{errMediaType, http.StatusUnsupportedMediaType, "media-type", "The document cannot be read", 0},
	{errVersion, http.StatusUpgradeRequired, "websocket-version", "The WebSocket protocol has another version", 0},
	{errHost, http.StatusMisdirectedRequest, "unknown-host", "The host is not known", 0},
	{errOrigin, http.StatusForbidden, "foreign-origin", "The origin is not allowed", 0},

	// These mean that the broker or what it stands on is broken.
	{message.ErrEnvelope, http.StatusInternalServerError, internal, internalTitle, 0},
	{broker.ErrStorePanic, http.StatusInternalServerError, internal, internalTitle, 0},
	{broker.ErrStoreInUse, http.StatusInternalServerError, internal, internalTitle, 0},
	{broker.ErrStoreFormat, http.StatusInternalServerError, internal, internalTitle, 0},
	{errPanicked, http.StatusInternalServerError, internal, internalTitle, 0},
}

const (
	internal      = "internal"
	internalTitle = "Internal error"
)

// kindOf returns the row of an error. A value that a client gave is to blame
// only if no row says more; what has no row at all is internal.
func kindOf(err error) kind {
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k
		}
	}
	if why, ok := errors.AsType[*relay.Rejected](err); ok {
		return kind{err, why.Status, "rejected", "The socket is rejected", 0}
	}
	if _, ok := errors.AsType[*problem.Field](err); ok {
		return kind{err, http.StatusBadRequest, "bad-value", "A value cannot be used", 0}
	}
	return kind{err, http.StatusInternalServerError, internal, internalTitle, 0}
}

// isGone reports whether err says no more than that the client has gone.
func isGone(err error) bool { return errors.Is(err, context.Canceled) }

// notYet says that something the protocol has is not there yet.
func notYet(element, value, want string) error {
	return fmt.Errorf("%w: %w", policy.ErrNotAvailable, problem.NewField(element, value, "%s", want))
}

package client

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/jitney-mq/jitney/relay/control"
)

// relaySteady is how long a connection lasts that counts as a good one. After
// a shorter one the next pause is longer, as after a failed try.
const relaySteady = 10 * time.Second

// RelayOptions say how to listen at a connection point. The zero value is fine
// for most.
type RelayOptions struct {
	MaxDelay    time.Duration // between two tries to connect; 0: 30 s
	MaxRequests int           // requests that are worked on at one time, beyond which senders are answered 503; 0: 1,000
	MaxSockets  int           // the same for sockets; 0: 10,000

	// Token, unless it is nil, is called for a token when a connection is made,
	// and again when a third of the time of the last one is left. Empty: none.
	Token func() string

	// Lost, unless it is nil, is called when there is no connection, with the
	// reason and the pause before the next try.
	Lost func(why error, pause time.Duration)

	// Open, unless it is nil, is called when there is a connection.
	Open func()

	Logger *slog.Logger // is told of handlers that panic and of what cannot be answered; nil: slog.Default()
}

func (o RelayOptions) withDefaults() RelayOptions {
	if o.MaxDelay == 0 {
		o.MaxDelay = 30 * time.Second
	}
	if o.MaxRequests == 0 {
		o.MaxRequests = 1000
	}
	if o.MaxSockets == 0 {
		o.MaxSockets = 10_000
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// token returns the token of the moment, or "".
func (o *RelayOptions) token() string {
	if o.Token == nil {
		return ""
	}
	return o.Token()
}

// A RelayHandler says what becomes of that which is relayed. Its functions are
// called from a goroutine for each request and each socket.
type RelayHandler struct {
	// HTTP answers requests; nil: 501. A request's URL is the sender's path,
	// with the connection point's name in front, and query. Its RemoteAddr is
	// the peer that the broker saw, with port 0. Its context ends when the
	// handler returns, when the connection to the broker is lost, when Serve
	// ends, when no response has begun for 60 s, or when the broker gives the
	// request up and there is a socket to learn it by.
	//
	// A response of up to 64 KiB leaves as a whole when the handler returns. A
	// longer one, and one that is flushed, is streamed. A panic is answered with
	// 500, or breaks off what has begun.
	HTTP http.Handler

	// Socket takes or rejects the sockets that senders open; nil: all are
	// rejected with 501. A socket ends when the function returns.
	Socket func(*RelayedSocket)
}

// A RelayListener is one of the listeners at a connection point.
type RelayListener struct {
	client *Client
	name   string
	opts   RelayOptions
}

// ListenRelay returns a listener at a connection point. It does not connect
// before Serve does.
func (c *Client) ListenRelay(name string, o RelayOptions) *RelayListener {
	return &RelayListener{client: c, name: name, opts: o.withDefaults()}
}

// Serve has h work on what is relayed, over connections that it makes anew when
// they break. It ends when ctx does, with the cause, or when the broker refuses
// the listener for good: ErrNotFound if the name has no role, ErrDenied if the
// token will not do, ErrConflict if the name has another role. Other errors are overcome, and Lost is told. It returns
// when the last call of h has returned.
func (l *RelayListener) Serve(ctx context.Context, h RelayHandler) error {
	s := &relayService{
		client: l.client, opts: l.opts, handler: h,
		requests: make(chan struct{}, l.opts.MaxRequests),
		sockets:  make(chan struct{}, l.opts.MaxSockets),
		refusals: make(chan struct{}, maxRelayRefusals),
	}
	defer s.work.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for failures := 0; ; failures++ {
		began := time.Now()
		err := s.listen(ctx, l.name)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if isFinalForRelay(err) {
			return err
		}
		if time.Since(began) > relaySteady {
			failures = 0
		}
		if l.wait(ctx, failures, err) != nil {
			return context.Cause(ctx)
		}
	}
}

// wait pauses before the next try.
func (l *RelayListener) wait(ctx context.Context, failures int, why error) error {
	delay := Retry{MaxDelay: l.opts.MaxDelay}.delay(failures+1, why)
	if l.opts.Lost != nil {
		l.opts.Lost(why, delay)
	}
	return pause(ctx, delay)
}

// errRelayLost marks the end of a connection that there was: another try may
// end otherwise, whatever the broker said.
var errRelayLost = errors.New("the connection is lost")

// isFinalForRelay reports whether another try to connect would end in the same
// way. A broker that says when to come back, as when there are too many
// listeners, does not think so.
func isFinalForRelay(err error) bool {
	refused, ok := errors.AsType[*Error](err)
	return ok && refused.Status < 500 && refused.RetryAfter == 0 && !errors.Is(err, errRelayLost) && !errors.Is(err, ErrBusy)
}

// maxRelayRefusals bounds the refusals that are under way at one time: to as many as
// the broker has wait for one listener. What is beyond that gets no answer of ours.
const maxRelayRefusals = 1000

// relayService is what all connections of one Serve share.
type relayService struct {
	client   *Client
	opts     RelayOptions
	handler  RelayHandler
	work     sync.WaitGroup
	requests chan struct{} // a place for each that is worked on
	sockets  chan struct{} // the same
	refusals chan struct{} // a place for each that is refused
	buffers  sync.Pool     // for writing to control channels and rendezvous sockets
}

// listen makes a connection and serves it until its end.
func (s *relayService) listen(ctx context.Context, name string) error {
	token := s.opts.token()
	header := http.Header{}
	if token != "" {
		header.Set(control.TokenHeader, token)
	}
	conn, err := s.client.dialSocket(ctx, socketDial{
		path: relayPath(name, control.Listen), header: s.client.relayHeader(header), bufferSize: relayBuffer, buffers: &s.buffers,
	})
	if err != nil {
		return err
	}
	c := newRelayChannel(ctx, s, conn)
	if s.opts.Open != nil {
		s.opts.Open()
	}
	return c.run(token)
}

// begin has a goroutine work, or refuse if there is no place. It never blocks.
func (s *relayService) begin(places chan struct{}, work, refuse func()) {
	do := work
	select {
	case places <- struct{}{}:
	default:
		places, do = s.refusals, refuse
		select {
		case places <- struct{}{}:
		default:
			return
		}
	}
	s.work.Go(func() {
		defer func() { <-places }()
		do()
	})
}

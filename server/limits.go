package server

import (
	"time"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/relay"
	"github.com/jitney-mq/jitney/relay/control"
)

// Limits of what clients can make the server do at one time. Beyond them a
// request is answered 503 at once.
const (
	maxRequests      = 20_000   // requests under way
	reservedRequests = 64       // more of them in the broker's own area, so that its health can be asked for
	maxWaiting       = 10_000   // receivers that may wait for a message
	maxBodyMemory    = 64 << 20 // bytes of request bodies; those above 256 KiB are mostly on disk
	maxReplyMemory   = 64 << 20 // bytes of messages that are written as JSON; beyond it a reply waits
)

// Limits of one request.
const (
	maxHeaderBytes = 96 << 10      // of the header; application properties take up to 64 KiB of it
	maxPolicyBytes = atom.MaxEntry // of a policy document
	maxBatchBytes  = 64 << 20      // of a batch [Q4]
	maxLineBytes   = 4 << 20       // of a line of a stream; a larger message is sent by itself
	maxGroupLines  = 1000          // of a stream, in one commit
	maxGroupBytes  = 1 << 20       // the same in bytes
	maxSettled     = 1000          // locks that one request settles
	maxSettleBytes = 8 << 20       // of the document that says how
	maxReasonBytes = 4096          // of a dead letter's reason, and of its description
	maxIgnored     = 64 << 10      // bytes of a body that means nothing
	maxFeed        = 100           // entries of a feed's page [N3]
	// maxFeedElements is of a page's policies: package atom reads 10,000 of a document.
	maxFeedElements = 8000
	browseCount     = 100    // messages of a page, unless the client says how many; at most queue.MaxCount
	maxDetail       = 10_000 // queues in /-/metrics?detail=queues
	maxRequestID    = 128    // bytes of an X-Request-Id
)

// Limits of sockets [S9].
const (
	maxSockets        = 20_000       // open at one time; beyond them an upgrade is answered 503
	maxSocketFrame    = maxLineBytes // bytes of a client's frame, whatever it is made of
	smallFrame        = 4 << 10      // bytes of a frame that are read before they are charged
	maxSocketFrames   = 64           // of a socket that are not yet answered; no more are read meanwhile
	maxCredit         = 1000         // messages that a client may ask for before they come
	maxUnsettled      = 1000         // locks that a socket holds; with that many no more messages come
	manyDeliveries    = 100          // messages that are received for a socket at a time
	fewDeliveries     = 50           // messages that may wait for the writer when more are received
	maxRenewed        = 100          // locks that a frame renews
	maxRefBytes       = 128          // of a ref
	maxControlFrames  = 100          // pings and pongs of a client in a second
	maxCloseReason    = 123          // bytes of a close frame's reason (RFC 6455, 5.5)
	socketReadBuffer  = 512          // bytes of each socket; longer reads go past it
	socketWriteBuffer = 4 << 10      // bytes of each socket that is being written to
	relayReadBuffer   = 8 << 10      // bytes of each socket that is relayed
	closeStatus       = 4000         // what the codes of sockets that end for an HTTP status begin at
)

// Timeouts of sockets [S9].
const (
	pingInterval       = 30 * time.Second
	pongTimeout        = 60 * time.Second // from the last frame, or pong, to the end of the socket
	socketWriteTimeout = 10 * time.Second // for each MiB of a frame
)

// Timeouts. A client has stepTimeout for each stepBytes of a body, in both
// directions: one that is slower is cut off.
const (
	headerTimeout  = 5 * time.Second
	idleTimeout    = 120 * time.Second // between two requests, and between two pieces of a stream
	stepBytes      = 64 << 10
	stepTimeout    = 20 * time.Second
	replyTimeout   = queue.MaxWait + 2*time.Minute // from a request's header to the end of a small reply
	discardTimeout = 5 * time.Second               // for the rest of a body that nobody wants
	drainTimeout   = 10 * time.Second              // of a shutdown
	lingerTimeout  = time.Second                   // for a client to read why its stream has ended
	readyTimeout   = 2 * time.Second               // for the store to answer a health check

	defaultWait = 60 * time.Second // of a receive [R1]
)

// limits are all of them as /-/info shows them: times in seconds.
func (s *Server) limits() map[string]int64 {
	seconds := func(d time.Duration) int64 { return int64(d / time.Second) }
	return map[string]int64{
		"requests":          int64(s.opts.MaxRequests),
		"reservedRequests":  reservedRequests,
		"waitingReceivers":  int64(s.opts.MaxWaiting),
		"bodyMemoryBytes":   maxBodyMemory,
		"replyMemoryBytes":  maxReplyMemory,
		"headerBytes":       maxHeaderBytes,
		"propertiesBytes":   message.MaxPropertiesBytes,
		"policyBytes":       maxPolicyBytes,
		"batchMessages":     message.MaxBatch,
		"batchBytes":        maxBatchBytes,
		"lineBytes":         maxLineBytes,
		"groupLines":        maxGroupLines,
		"groupBytes":        maxGroupBytes,
		"settlements":       maxSettled,
		"settlementBytes":   maxSettleBytes,
		"reasonBytes":       maxReasonBytes,
		"ignoredBodyBytes":  maxIgnored,
		"feedEntries":       maxFeed,
		"browseMessages":    queue.MaxCount,
		"receiveMessages":   queue.MaxCount,
		"receiveBytes":      queue.MaxReply,
		"receiveWait":       seconds(queue.MaxWait),
		"lockDuration":      seconds(queue.MaxLockLength),
		"sockets":           int64(s.opts.MaxSockets),
		"socketFrameBytes":  maxSocketFrame,
		"socketFrames":      maxSocketFrames,
		"socketCredit":      maxCredit,
		"socketLocks":       maxUnsettled,
		"socketRenewals":    maxRenewed,
		"socketRefBytes":    maxRefBytes,
		"socketControls":    maxControlFrames,
		"socketPing":        seconds(pingInterval),
		"socketPong":        seconds(pongTimeout),
		"socketWrite":       seconds(socketWriteTimeout),
		"relayListeners":    relay.MaxListeners,
		"relaySockets":      relay.MaxSockets,
		"relayWaiting":      relay.MaxMeetings,
		"relayInFlight":     relay.MaxInFlight,
		"relayBodyBytes":    relay.MaxBodies,
		"relayAccept":       seconds(relay.AcceptTimeout),
		"relayResponse":     seconds(control.ResponseTimeout),
		"relayStall":        seconds(relayStall),
		"detailQueues":      maxDetail,
		"requestIdBytes":    maxRequestID,
		"headerTimeout":     seconds(headerTimeout),
		"idleTimeout":       seconds(idleTimeout),
		"bodyStepBytes":     stepBytes,
		"bodyStepTimeout":   seconds(stepTimeout),
		"replyTimeout":      seconds(replyTimeout),
		"drainTimeout":      seconds(drainTimeout),
		"streamReadTimeout": seconds(idleTimeout),
	}
}

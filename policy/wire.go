package policy

import (
	"slices"
	"strings"
	"time"
)

// Namespace is the XML namespace of policy elements.
const Namespace = "http://schemas.microsoft.com/netservices/2009/05/servicebus/connect"

// earlierNamespace is read as Namespace.
const earlierNamespace = "http://schemas.microsoft.com/ws/2007/08/connect"

// MediaType is that of the JSON twin of a policy.
const MediaType = "application/vnd.jitney.policy+json"

// Limits of text that a client may leave here, in characters.
const (
	maxUserMetadata = 1024
	maxMetadata     = 4096
)

// maxMessageKilobytes is the largest body that a policy can allow, 100 MiB.
const maxMessageKilobytes = 102_400

// forms holds the table of each Kind. Parsing, writing, comparing and the
// documentation all follow these tables. [P2]
var forms = []form{
	QueueKind:           newTable("QueuePolicy", NewQueue, queueElements(), commonElements(inQueue)),
	MetadataKind:        newTable("MetadataPolicy", newMetadata, metadataElements(), commonElements(inMetadata)),
	RouterKind:          newTable("RouterPolicy", NewRouter, routerElements(), commonElements(inRouter)),
	ConnectionPointKind: newTable("ConnectionPointPolicy", NewConnectionPoint, connectionPointElements(), commonElements(inConnectionPoint)),
	SubscriptionKind: newTable("SubscriptionPolicy", NewSubscription, subscriptionElements(),
		within(queueOf, queueElements()), commonElements(inSubscription)),
}

func inQueue(q *Queue) *Common                     { return &q.Common }
func inMetadata(m *Metadata) *Common               { return &m.Common }
func inRouter(r *Router) *Common                   { return &r.Common }
func inSubscription(s *Subscription) *Common       { return &s.Common }
func inConnectionPoint(c *ConnectionPoint) *Common { return &c.Common }
func queueOf(s *Subscription) *Queue               { return &s.Queue }

func queueElements() rows[Queue] {
	return slices.Concat(deliveryElements(), sizeElements(), routeElements(), inspectionElements())
}

// deliveryElements are about how and how long messages are offered.
func deliveryElements() rows[Queue] {
	return rows[Queue]{
		of("LockDuration", span(time.Second, 12*time.Hour), func(q *Queue) *time.Duration { return &q.LockDuration }),
		of("MaxDeliveryCount", whole(1, 1_000_000), maxDeliveryCount).
			or(of("MaxDequeueRetries", retries(1_000_000), maxDeliveryCount)),
		of("DefaultMessageTimeToLive", lasting(time.Second), func(q *Queue) *time.Duration { return &q.TimeToLive }).
			also("MaxMessageAge"),
		of("DeadLetteringOnMessageExpiration", flag(), func(q *Queue) *bool { return &q.DeadLetterExpired }),
		of("MaxConcurrentReaders", ceiling(1, 1<<31-1), func(q *Queue) *int { return &q.MaxLocked }),
	}
}

func maxDeliveryCount(q *Queue) *int { return &q.MaxDeliveryCount }

// retries is a number of deliveries up to high, stated without the first one.
func retries(high int) value[int] {
	v := whole(0, high-1)
	without := v.parse
	v.parse = func(text string) (int, bool) {
		n, ok := without(text)
		return n + 1, ok
	}
	return v
}

// sizeElements are about how much a queue takes, and what it does with more.
func sizeElements() rows[Queue] {
	return rows[Queue]{
		of("MaxMessageSizeInKilobytes", whole(1, maxMessageKilobytes), func(q *Queue) *int { return &q.MaxMessageKilobytes }).
			also("MaxMessageSize"),
		of("MaxQueueLength", ceiling[int64](0, 1<<63-1), func(q *Queue) *int64 { return &q.MaxLength }),
		of("MaxSizeInMegabytes", ceiling[int64](0, 1<<43-1), func(q *Queue) *int64 { return &q.MaxMegabytes }),
		of("EnqueueTimeout", span(0, time.Minute), func(q *Queue) *time.Duration { return &q.EnqueueTimeout }),
		of("Overflow", overflow(), func(q *Queue) *Overflow { return &q.Overflow }),
	}
}

func overflow() value[Overflow] {
	return oneOf[Overflow]("RejectIncomingMessage", "DiscardIncomingMessage", "DiscardExistingMessage")
}

// routeElements are about where messages come in and go out.
func routeElements() rows[Queue] {
	return rows[Queue]{
		of("PoisonMessageDrop", word("a name", anything), func(q *Queue) *string { return &q.DeadLetterTo }).
			also("ForwardDeadLetteredMessagesTo").
			waitsUnless("a name", isNoURL, "pushing dead letters to a URL is not available yet"),
		of("ForwardTo", word("a name", anything), func(q *Queue) *string { return &q.ForwardTo }),
		status(inQueue),
	}
}

func anything(string) bool { return true }

// isNoURL reports whether target is a name, not the URL of a push endpoint.
func isNoURL(target string) bool {
	scheme, _, _ := strings.Cut(target, "://")
	return !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https")
}

// inspectionElements are about sessions, repeated messages and what becomes of
// processed ones.
func inspectionElements() rows[Queue] {
	return rows[Queue]{
		of("RequiresSession", flag(), func(q *Queue) *bool { return &q.RequiresSession }).
			fixedAtFirst().waits("sessions are not available yet"),
		of("RequiresDuplicateDetection", flag(), func(q *Queue) *bool { return &q.DetectsDuplicates }).
			fixedAtFirst().waits("duplicate detection is not available yet"),
		of("DuplicateDetectionHistoryTimeWindow", span(20*time.Second, 7*day),
			func(q *Queue) *time.Duration { return &q.DuplicateWindow }).
			waits("duplicate detection is not available yet"),
		of("DefaultStatus", word("a status", anything), func(q *Queue) *string { return &q.DefaultStatus }).
			waits("a status of messages is not available yet"),
		of("KeepProcessedMessagesFor", span(0, Forever).orNone(0),
			func(q *Queue) *time.Duration { return &q.KeepProcessedFor }).
			waits("keeping processed messages is not available yet"),
		of("IdempotentMessages", flag(), func(q *Queue) *bool { return &q.Idempotent }).
			waits("idempotent messages are not available yet"),
		of("PreviousVersion", flag(), func(q *Queue) *bool { return &q.KeepsPreviousVersion }).
			waits("previous versions are not available yet"),
		of("Index", paths(), func(*Queue) *string { return new(string) }).
			waits("property indexes are not available yet"),
		of("AutoDeleteOnIdle", lasting(time.Second), func(q *Queue) *time.Duration { return &q.DeleteWhenIdleFor }).
			waits("deleting an idle queue is not available yet"),
	}
}

func newMetadata() Metadata { return Metadata{} }

func metadataElements() rows[Metadata] {
	return rows[Metadata]{
		of("Address", word("an absolute URI with a host, such as https://example.com/about", isAddress),
			func(m *Metadata) *string { return &m.Address }).mustBeStated(),
		of("Metadata", text(maxMetadata), func(m *Metadata) *string { return &m.Text }),
		status(inMetadata).waits("disabling a reference is not available yet"),
	}
}

func connectionPointElements() rows[ConnectionPoint] {
	return rows[ConnectionPoint]{
		of("MaxListeners", whole(1, 1000), func(c *ConnectionPoint) *int { return &c.MaxListeners }),
		of("RequiresClientAuthorization", flag(), func(c *ConnectionPoint) *bool { return &c.RequiresAuthorization }).
			waits("rights are not available yet"),
		status(inConnectionPoint),
	}
}

// expiration is the element that a renewal changes.
const expiration = "ExpirationInstant"

// status is common, too, but not yet of use to every kind.
func status[P any](in func(*P) *Common) element[P] {
	return of("Status", statusValue(), func(p *P) *Status { return &in(p).Status })
}

func statusValue() value[Status] {
	return oneOf[Status]("Active", "Disabled", "SendDisabled", "ReceiveDisabled")
}

// commonElements are those that every kind of policy has.
func commonElements[P any](in func(*P) *Common) rows[P] {
	return rows[P]{
		of("Authorization", oneOf[Authorization]("Required", "NotRequired", "RequiredToSend", "RequiredToListen"),
			func(p *P) *Authorization { return &in(p).Authorization }).
			waits("rights are not available yet"),
		// Without rights everything is public, whatever is stated.
		of("Discoverability", oneOf[Discoverability]("Managers", "ManagersListeners", "ManagersListenersSenders", "Public"),
			func(p *P) *Discoverability { return &in(p).Discoverability }).
			waitsUnless("Public", func(stated string) bool { return stated == "Public" }, "rights are not available yet"),
		of("TransportProtection", oneOf[TransportProtection]("None", "AllPaths"),
			func(p *P) *TransportProtection { return &in(p).TransportProtection }).
			waits("requiring TLS is not available yet"),
		of(expiration, instant(), func(p *P) *time.Time { return &in(p).ExpiresAt }),
		of("UserMetadata", text(maxUserMetadata), func(p *P) *string { return &in(p).UserMetadata }),
	}
}

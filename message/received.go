package message

import "time"

// Received is a message together with what the broker knows of it: the form
// in which receivers and browsers get it. What is zero does not apply and is
// in no encoding.
type Received struct {
	*Message
	SequenceNumber         int64     // given by the queue; stable, never used again
	EnqueuedSequenceNumber int64     // the number it had where it was enqueued first
	EnqueuedAt             time.Time // when the queue took it
	DeliveryCount          int       // deliveries, this one included
	LockToken              string    // a GUID
	Lock                   string    // the lock's URI
	LockedUntil            time.Time // when the lock ends by itself
	State                  string    // Azure's word, in BrokerProperties: Active, Deferred, Scheduled
	Status                 string    // our word, in JSON
	DeadLetterReason       string    // why it is in a dead-letter queue, in a word
	DeadLetterDescription  string    // the same in a sentence
	DeadLetterSource       string    // the name of the queue that it was dead-lettered in
	Size                   int64     // bytes of the body, also where Body was not loaded; in no encoding
}

package policy

// Overflow says what becomes of a message that a full queue has no room for,
// once EnqueueTimeout is over.
type Overflow uint8

// The values of Overflow.
const (
	RejectIncoming  Overflow = iota // the sender is told
	DiscardIncoming                 // the new message is dropped and counted
	DiscardExisting                 // the oldest unlocked messages are dropped and counted
)

// Status says which directions are open.
type Status uint8

// The values of Status.
const (
	Active Status = iota
	Disabled
	SendDisabled
	ReceiveDisabled
)

// String returns the word for s that a policy states.
func (s Status) String() string { return statusValue().text(s) }

// Authorization says who must show rights.
type Authorization uint8

// The values of Authorization.
const (
	Required Authorization = iota
	NotRequired
	RequiredToSend
	RequiredToListen
)

// Discoverability says who sees a name in feeds.
type Discoverability uint8

// The values of Discoverability.
const (
	Managers Discoverability = iota
	ManagersListeners
	ManagersListenersSenders
	Public
)

// TransportProtection says which connections must be encrypted.
type TransportProtection uint8

// The values of TransportProtection.
const (
	NoProtection TransportProtection = iota
	AllPaths                         // TLS only
)

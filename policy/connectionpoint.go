package policy

// ConnectionPoint makes its name a connection point: what is sent to it is relayed
// to a listener. Start from NewConnectionPoint: the zero value is out of range.
type ConnectionPoint struct {
	Common

	MaxListeners          int
	RequiresAuthorization bool // of senders; without effect as long as there are no rights
}

// NewConnectionPoint returns the policy of a connection point about which nothing
// was said.
func NewConnectionPoint() ConnectionPoint {
	return ConnectionPoint{MaxListeners: 25, RequiresAuthorization: true}
}

// Kind returns ConnectionPointKind.
func (c ConnectionPoint) Kind() Kind { return ConnectionPointKind }

// Listens reports whether listeners are let in.
func (c ConnectionPoint) Listens() bool { return c.Status != Disabled && c.Status != ReceiveDisabled }

// Relays reports whether senders are let in.
func (c ConnectionPoint) Relays() bool { return c.Status != Disabled && c.Status != SendDisabled }

// MarshalJSON returns the twin of the policy element: {"ConnectionPointPolicy":{…}}.
func (c ConnectionPoint) MarshalJSON() ([]byte, error) { return marshal(c) }

func (c ConnectionPoint) sealed() {}

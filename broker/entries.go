package broker

import "github.com/jitney-mq/jitney/namespace"

// Entries returns every name that has a role, in no order.
func (b *Broker) Entries() []*namespace.Entry { return b.names.All() }

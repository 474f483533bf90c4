package broker

import "github.com/jitney-mq/jitney/store"

// What the store says, for those who do not know it.
var (
	ErrStoreInUse  = store.ErrInUse
	ErrStoreFormat = store.ErrFormat
	ErrStoreClosed = store.ErrClosed
	ErrStoreFailed = store.ErrFailed
	ErrStorePanic  = store.ErrPanic
	ErrNoSpace     = store.ErrNoSpace
)

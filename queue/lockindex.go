package queue

import (
	"cmp"
	"container/heap"
	"slices"
	"sync/atomic"
	"time"
)

// maxLocked bounds the locks in force of all queues of a store: what stands in
// memory for one takes about 150 bytes. At the limit receivers wait.
const maxLocked = 1_000_000

// lockIndex knows when each lock in force ends. Nothing of it is on disk: most
// locks are settled in time, and those in force at a start are found by
// reading the locked entries. It is owned by the writer, and follows commits.
type lockIndex struct {
	byKey map[lockKey]*lockItem
	heap  lockHeap
	next  atomic.Int64 // when the first one ends, in microseconds; 0: there is none
	count atomic.Int64
}

type lockKey struct {
	queue    ID
	sub      SubQueue
	position uint64
}

type lockItem struct {
	lockKey
	until time.Time
	index int // in the heap
}

// lockChange is what a commit does to a lock; a zero until ends it.
type lockChange struct {
	lockKey
	until time.Time
}

func (x *lockIndex) apply(changes []lockChange) {
	for _, c := range changes {
		item := x.byKey[c.lockKey]
		switch {
		case c.until.IsZero() && item != nil:
			heap.Remove(&x.heap, item.index)
			delete(x.byKey, c.lockKey)
		case c.until.IsZero():
		case item != nil:
			item.until = c.until
			heap.Fix(&x.heap, item.index)
		default:
			item = &lockItem{lockKey: c.lockKey, until: c.until}
			x.byKey[c.lockKey] = item
			heap.Push(&x.heap, item)
		}
	}
	x.publish()
}

// void is when locks have ended of which nobody knows when they do: those of the
// last process's own, and those of entries that cannot be read.
var void = time.UnixMicro(1)

func (x *lockIndex) isVoid(k lockKey) bool {
	item := x.byKey[k]
	return item != nil && item.until.Equal(void)
}

// publish tells the sweeper when the first lock ends, and everybody how many there are.
func (x *lockIndex) publish() {
	x.count.Store(int64(len(x.heap)))
	if len(x.heap) == 0 {
		x.next.Store(0)
	} else {
		x.next.Store(x.heap[0].until.UnixMicro())
	}
}

// ended returns the locks that have ended at the instant at, limit at the
// most, in the order of their messages. They stay until their end is committed.
func (x *lockIndex) ended(at time.Time, limit int) []lockKey {
	var keys []lockKey
	x.heap.visit(0, at, func(item *lockItem) bool {
		keys = append(keys, item.lockKey)
		return len(keys) < limit
	})
	slices.SortFunc(keys, func(a, b lockKey) int {
		return cmp.Or(cmp.Compare(a.queue, b.queue), cmp.Compare(a.sub, b.sub), cmp.Compare(a.position, b.position))
	})
	return keys
}

// A lockHeap is a container/heap of locks, the first to end on top.
type lockHeap []*lockItem

func (h lockHeap) Len() int           { return len(h) }
func (h lockHeap) Less(i, j int) bool { return h[i].until.Before(h[j].until) }
func (h lockHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *lockHeap) Push(x any) {
	item := x.(*lockItem)
	item.index = len(*h)
	*h = append(*h, item)
}
func (h *lockHeap) Pop() any {
	old := *h
	item := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return item
}

// visit calls fn for the items below i that have ended, until it returns false.
func (h lockHeap) visit(i int, at time.Time, fn func(*lockItem) bool) bool {
	if i >= len(h) || h[i].until.After(at) {
		return true
	}
	return fn(h[i]) && h.visit(2*i+1, at, fn) && h.visit(2*i+2, at, fn)
}

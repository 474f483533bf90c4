// Package queue is where messages are: it takes them in, hands them to
// receivers under a lock, settles them, and keeps every one of them until its
// receiver or its queue's policy says otherwise.
//
// Everything durable happens in ops of the store's one writer. What stands in
// memory is derived from the store, belongs to the writer and does not grow
// with the backlog: a window of the messages that are ready, the counts, the
// receivers that wait and the senders that are held, the locks in force.
//
// Each commit ends with a match: whatever became ready in it, by a send, an
// abandoned lock, a delay that ended, is locked for the receivers that wait,
// in that same commit. There is no other way from a queue to a receiver.
package queue

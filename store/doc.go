// Package store keeps ordered records on disk in one bbolt file with one
// writer, which commits in groups.
//
// Every durable change is an op: a function that is run by the writer, in the
// order of arrival, in a transaction shared with whatever else was waiting.
// An op sees the writes of the ops before it. Its caller is answered after
// the commit has been synced, so what Update has returned is on disk.
//
// The writes of a commit are collected as a value, a WriteSet, and reach bbolt
// only when all ops of the commit have run: an op that fails leaves nothing
// behind, and the same value can be written to a journal or sent to another
// machine before it is applied.
//
// The package knows nothing of queues or names. Tables are named by those who
// use them.
package store

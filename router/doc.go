// Package router distributes messages to subscriptions. It stores none: a
// subscription is a queue, and what a router keeps until it can be pushed is in
// a queue too.
package router

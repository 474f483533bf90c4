// Package bench measures the broker beside the bare limits of what it stands
// on, in the same run, so that a figure is a ratio and not a property of the
// machine.
//
// A [Scenario] puts a load on a [Subject] (the broker, or a bare limit), the
// two sides in turn and each several times, and reports the medians as [Row]s.
package bench

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"time"
)

// Options says where and how long is measured. The zero value of a field is
// its default.
type Options struct {
	// Dir is a folder on the disk that is to be measured; default the working
	// directory. What a scenario writes is in a folder of its own below it,
	// which goes with the scenario.
	Dir string
	// Quick has everything done in small: it shows that it works, and nothing
	// about speed.
	Quick bool
	// Broker returns the command that serves a data folder at an address, to
	// everybody. Scenarios that kill a broker need it.
	Broker func(dir, address string) *exec.Cmd
	// Part returns the command that calls RunPart with the arguments and with its
	// standard input and output. Scenarios of several processes need it.
	Part func(args ...string) *exec.Cmd
}

// ErrNoBroker says that a scenario needs Options.Broker.
var ErrNoBroker = errors.New("the scenario needs a command that runs a broker")

// A Scenario is one question that is answered by measuring.
type Scenario struct {
	Name string
	What string // a sentence
	// Run measures. It returns what it has measured also with an error, which
	// is not about speed: something did not work, or a message was lost.
	Run func(context.Context, Options) (Report, error)
}

// Scenarios returns all of them, in the order in which they are run.
func Scenarios() []Scenario {
	return []Scenario{
		{"send", "1, 64 and 256 callers send to one queue, in process", onStage(measureSend)},
		{"endtoend", "send, peek-lock and complete, in process", onStage(measureEndToEnd)},
		{"http", "64 connections send, one message a request", onStage(measureHTTP)},
		{"idle", "long polls wait at a broker that has nothing to do", onStage(measureIdle)},
		{"stream", "messages as lines of a request", onStage(measureStream)},
		{"backlog", "rates, memory and start beside many waiting messages", onStage(measureBacklog)},
		{"names", "finding one of many names, and starting with them", onStage(measureNames)},
		{"delete", "a steady sender while a long queue is deleted", onStage(measureDelete)},
		{"expire", "a steady sender while many messages expire at one instant", onStage(measureExpire)},
		{"large", "a steady sender while large bodies go in and out", onStage(measureLarge)},
		{"fanout", "64 callers send to a router with ten subscriptions, in process", onStage(measureFanOut)},
		{"filter", "rules of subscriptions, and finding the few that want a message", onStage(measureFilters)},
		{"sockets", "live subscribers, and receiving over WebSockets", onStage(measureSockets)},
		{"push", "pushes to 100 endpoints, of which two are in trouble", onStage(measurePush)},
		{"relay", "requests and sockets to a listener in a process of its own", onStage(measureRelay)},
	}
}

// sizes are how much a scenario does.
type sizes struct {
	rounds   int           // runs of each side, of which the median counts
	events   int           // the same for what takes a long queue or large bodies each time
	run      time.Duration // length of a run
	warmUp   time.Duration // before it, not counted
	exchange int           // messages that a run beside a backlog sends and then receives
	backlog  int           // waiting messages
	names    int           // names with a role
	fewNames int           // that they are compared with
	resolves int           // of paths in a run
	polls    int           // connections that wait
	idle     time.Duration // how long they do
	body     int64         // bytes of a large body
	rate     int           // messages a second of a steady sender
	window   time.Duration // how long it is measured undisturbed, twice a round

	listeners     int // live subscribers of a router
	subscriptions int // at one router, of which one matches
	evaluations   int // of a filter
	pushes        int // messages a second, to each of the endpoints

	relayListeners int   // that wait
	response       int64 // bytes of a response that is streamed
}

var fullSizes = sizes{
	rounds:   3,
	events:   3,
	run:      3 * time.Second,
	warmUp:   300 * time.Millisecond,
	exchange: 100_000,
	backlog:  1_000_000,
	names:    100_000,
	fewNames: 100,
	resolves: 1_000_000,
	polls:    1000,
	idle:     10 * time.Second,
	body:     100 << 20,
	rate:     1000,
	window:   3 * time.Second,

	listeners:     10_000,
	subscriptions: 1000,
	evaluations:   2_000_000,
	pushes:        20,

	relayListeners: 5000,
	response:       1 << 30,
}

var quickSizes = sizes{
	rounds:   3,
	events:   1,
	run:      50 * time.Millisecond,
	warmUp:   5 * time.Millisecond,
	exchange: 500,
	backlog:  20_000,
	names:    1000,
	fewNames: 10,
	resolves: 20_000,
	polls:    100,
	idle:     200 * time.Millisecond,
	body:     2 << 20,
	rate:     200,
	window:   200 * time.Millisecond,

	listeners:     100,
	subscriptions: 50,
	evaluations:   20_000,
	pushes:        20,

	relayListeners: 100,
	response:       8 << 20,
}

// A stage is where one scenario is measured.
type stage struct {
	sizes
	opts   Options
	dir    string // of this run, on the disk that is measured
	report Report
}

// onStage makes a Scenario's Run of a function that only measures.
func onStage(measure func(context.Context, *stage) error) func(context.Context, Options) (Report, error) {
	return func(ctx context.Context, o Options) (report Report, err error) {
		s := &stage{sizes: fullSizes, opts: o}
		if o.Quick {
			s.sizes = quickSizes
		}
		if o.Dir == "" {
			o.Dir = "."
		}
		if s.dir, err = os.MkdirTemp(o.Dir, "jitney-bench-"); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
		err = measure(ctx, s)
		return s.report, err
	}
}

// folder makes a new folder.
func (s *stage) folder() (string, error) { return os.MkdirTemp(s.dir, "data-") }

// clear removes a folder and waits until the disk is done with it, so that the
// next run does not pay for this one.
func (s *stage) clear(folder string) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	d, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

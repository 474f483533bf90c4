package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
)

// The parts of a scenario.
const (
	partBroker   = "broker"   // with a data folder
	partAnswerer = "answerer" // with the address of the broker to listen at
	partProxy    = "proxy"    // with the address that it is in front of
	partPipe     = "pipe"     // the same
)

// errPart says that RunPart was called by somebody else than a scenario.
var errPart = errors.New("no such part of a scenario")

// A part is a piece of a scenario that runs in a process of its own, so that it
// has its own heap and takes nothing but processors from the others.
type part struct {
	address string
	syncs   func() uint64 // so far; nil: it writes nothing
	close   func() error
}

// partHello is what a part says first.
type partHello struct {
	Address string `json:"address"`
}

// collectFirst is the line that has a part collect its garbage before it looks. Any
// other line has it look.
const collectFirst = "collect"

// partFigures are those of a part's process.
type partFigures struct {
	LiveHeap  uint64 `json:"liveHeap"`  // bytes in use at the last collection
	Processor int64  `json:"processor"` // nanoseconds since the process began
	Syncs     uint64 `json:"syncs"`
}

// RunPart runs the part of a scenario that the arguments name, until in ends. It
// writes JSON to out: where the part can be reached, and the figures of this process
// for each line that it reads.
func RunPart(ctx context.Context, args []string, in io.Reader, out io.Writer) (err error) {
	p, err := openPart(ctx, args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	say := json.NewEncoder(out)
	if err := say.Encode(partHello{p.address}); err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if lines.Text() == collectFirst {
			liveHeap()
		}
		figures, err := p.figures()
		if err != nil {
			return err
		}
		if err := say.Encode(figures); err != nil {
			return err
		}
	}
	return lines.Err()
}

func openPart(ctx context.Context, args []string) (*part, error) {
	if len(args) == 2 {
		switch args[0] {
		case partBroker:
			return openBrokerPart(ctx, args[1])
		case partAnswerer:
			return openAnswerer(ctx, args[1])
		case partProxy:
			return openProxy(args[1])
		case partPipe:
			return openPipe(args[1])
		}
	}
	return nil, fmt.Errorf("%w: %q", errPart, args)
}

func (p *part) figures() (partFigures, error) {
	used, err := processorTime()
	f := partFigures{LiveHeap: readHeap().live, Processor: int64(used)}
	if p.syncs != nil {
		f.Syncs = p.syncs()
	}
	return f, err
}

func openBrokerPart(ctx context.Context, dir string) (*part, error) {
	h, err := openHost(ctx, dir)
	if err != nil {
		return nil, err
	}
	address, err := h.listen()
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return &part{address: address, syncs: func() uint64 { return h.Written().Syncs }, close: h.Close}, nil
}

// serveWeb serves a handler at the address that it returns, until it is closed.
func serveWeb(handler http.Handler) (address string, end func() error, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	web := &http.Server{Handler: handler}
	var serving sync.WaitGroup
	serving.Go(func() { _ = web.Serve(l) }) // it ends with Close
	return l.Addr().String(), func() error {
		defer serving.Wait()
		return web.Close()
	}, nil
}

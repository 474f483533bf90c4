package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// relayRequests is how many connections send requests at one time.
const relayRequests = 64

// A relayed is a broker with a listener, and what it is compared with: each is a
// process, and so is the bench, which sends.
type relayed struct {
	*stage
	broker   *partProcess
	answerer *partProcess // is the listener, and can be reached without the broker too
	proxy    *partProcess // is in front of the answerer, for requests
	pipe     *partProcess // the same for sockets
}

func measureRelay(ctx context.Context, s *stage) error {
	if err := s.measureRelayed(ctx); err != nil {
		return err
	}
	return s.measureRelayListeners(ctx)
}

func (s *stage) measureRelayed(ctx context.Context) (err error) {
	r := &relayed{stage: s}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := r.open(ctx); err != nil {
		return err
	}
	for _, measure := range []func(context.Context) error{
		r.measureStream, r.measureSockets, r.measureRequests, r.measureLatency,
	} {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *relayed) open(ctx context.Context) (err error) {
	if r.broker, err = r.startBroker(ctx); err != nil {
		return err
	}
	if r.answerer, err = r.startPart(ctx, partAnswerer, r.broker.address); err != nil {
		return err
	}
	if r.proxy, err = r.startPart(ctx, partProxy, r.answerer.address); err != nil {
		return err
	}
	r.pipe, err = r.startPart(ctx, partPipe, r.answerer.address)
	return err
}

func (s *stage) startBroker(ctx context.Context) (*partProcess, error) {
	dir, err := s.folder()
	if err != nil {
		return nil, err
	}
	return s.startPart(ctx, partBroker, dir)
}

// Close ends the processes, those that there are.
func (r *relayed) Close() error {
	return errors.Join(r.pipe.Close(), r.proxy.Close(), r.answerer.Close(), r.broker.Close())
}

func (r *relayed) measureRequests(ctx context.Context) error {
	all, err := r.alternate(ctx, r.requests(r.broker, relayRequests), r.requests(r.proxy, relayRequests))
	if err != nil {
		return err
	}
	rows := all[0].withRate(0.4, fmt.Sprintf("requests over %d connections", relayRequests), "a bare reverse proxy", all[1])
	rows[rateRow].Unit = "requests/s"
	r.report.add(rows[:p99Row+1]...)
	return nil
}

// measureLatency measures what the relay adds to one request at a time, beside what
// any proxy adds.
func (r *relayed) measureLatency(ctx context.Context) error {
	all, err := r.alternate(ctx, r.requests(r.broker, 1), r.requests(r.answerer, 1), r.requests(r.proxy, 1))
	if err != nil {
		return err
	}
	r.report.add(
		addedLatency("over no relay at all", all[0], all[1]),
		addedLatency("over a bare reverse proxy", all[0], all[2]).atMost(300),
		all[0].rows("one request at a time", "a bare reverse proxy", all[2])[p50Row],
	)
	return nil
}

// p50Row is where the rows of samples have the latency that half of them did not
// exceed.
const p50Row = 1

// addedLatency is the median of what each run took longer than the one beside it.
func addedLatency(over string, relayed, without samples) Row {
	added := make([]float64, len(relayed))
	for i := range relayed {
		added[i] = 1e3 * (relayed[i].P50() - without[i].P50())
	}
	return Row{Name: "latency added " + over + ", p50", Value: median(added), Unit: "µs"}
}

// requests has callers send requests to a process, half of them without a body.
func (r *relayed) requests(to *partProcess, callers int) contender {
	body := newBody()[:answerSize]
	requests := [][]byte{
		requestHead("GET", answerPath, "", 0),
		append(requestHead("POST", answerPath, "text/plain", int64(len(body))), body...),
	}
	return func(ctx context.Context) (sample Sample, err error) {
		list, err := dialAll(ctx, to.address, callers)
		if err != nil {
			return sample, err
		}
		defer func() { err = errors.Join(err, list.Close()) }()
		defer context.AfterFunc(ctx, func() { _ = list.Close() })()
		load := Load{Callers: callers, For: r.warmUp, Do: func(_ context.Context, caller int) error {
			status, err := list[caller].exchange(requests[caller%len(requests)])
			return errors.Join(err, want(http.StatusOK, status))
		}}
		if _, err := load.Run(ctx); err != nil {
			return sample, err
		}
		load.For = r.run
		return load.Run(ctx)
	}
}

// measureStream has one long response come, whose length nobody has announced. It
// comes first: the memory of a broker that has worked is not that of an idle one.
func (r *relayed) measureStream(ctx context.Context) error {
	idle := residentMemory(r.broker.pid())
	peak := watchResident(r.broker.pid())
	all, err := r.alternate(ctx, r.download(r.broker), r.download(r.proxy))
	most := peak.end()
	if err != nil {
		return err
	}
	size := mebibytes(uint64(r.response))
	name := fmt.Sprintf("a response of %g MiB", size)
	rate := func(one Sample) float64 { return size * one.Rate() }
	r.report.add(
		Row{Name: name, Value: all[0].median(rate), Unit: "MiB/s"}.against("a bare reverse proxy", all[1].median(rate)),
		Row{Name: "resident memory of the broker above idle meanwhile, peak", Value: mebibytes(most) - mebibytes(idle), Unit: "MiB"},
	)
	return nil
}

// download gets one response from a process.
func (r *relayed) download(from *partProcess) contender {
	return func(ctx context.Context) (sample Sample, err error) {
		c, err := dial(ctx, from.address)
		if err != nil {
			return sample, err
		}
		defer c.Close()
		defer context.AfterFunc(ctx, func() { _ = c.Close() })()
		start := time.Now()
		if _, err := c.Write(requestHead("GET", downloadPath(r.response), "", 0)); err != nil {
			return sample, err
		}
		answer, err := c.answer(http.StatusOK)
		if err != nil {
			return sample, err
		}
		n, err := io.Copy(io.Discard, answer.Body)
		if err == nil && n != r.response {
			err = fmt.Errorf("%w: %d bytes of a response came, not %d", ErrLost, n, r.response)
		}
		return Sample{Messages: 1, Elapsed: time.Since(start), Latency: &Histogram{}}, err
	}
}

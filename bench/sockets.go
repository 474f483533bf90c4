package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
)

func measureSockets(ctx context.Context, s *stage) error {
	if err := s.measureListeners(ctx); err != nil {
		return err
	}
	for _, connections := range []int{1, 4, 16} {
		run := func(receive receiver) contender {
			return func(ctx context.Context) (Sample, error) { return s.receiveBy(ctx, connections, receive) }
		}
		all, err := s.alternate(ctx, run(receiveBySocket), run(receiveByRequests))
		if err != nil {
			return err
		}
		name := fmt.Sprintf("receive and complete, %d connections", connections)
		s.report.add(all[0].withRate(3, name, "HTTP requests", all[1])[rateRow])
	}
	return nil
}

// A receiver receives and completes until receiving ends, and calls begun with its
// first message.
type receiver func(ctx, receiving context.Context, c *client.Client, begun func()) error

// receiveBy has some connections receive from one queue for a run, which begins with
// the first message of any of them.
func (s *stage) receiveBy(ctx context.Context, connections int, receive receiver) (sample Sample, err error) {
	dir, err := s.folder()
	if err != nil {
		return sample, err
	}
	defer func() { err = errors.Join(err, s.clear(dir)) }()
	subject, err := openSend(ctx, dir, 1)
	if err != nil {
		return sample, err
	}
	defer func() { err = errors.Join(err, subject.Close()) }()
	if err := fill(ctx, subject.queue, &subject.ledger, s.backlog/10, func(*message.Message) {}); err != nil {
		return sample, err
	}
	address, err := subject.listen()
	if err != nil {
		return sample, err
	}
	c, err := client.New(client.Options{URL: "http://" + address})
	if err != nil {
		return sample, err
	}
	defer c.Close()
	before, err := subject.queue.Counts()
	if err != nil {
		return sample, err
	}
	elapsed, err := s.receiveAtOnce(ctx, c, connections, receive)
	if err != nil {
		return sample, err
	}
	after, err := subject.queue.Counts()
	done := before.Active - after.Active - after.Locked
	return Sample{Messages: int(done), Elapsed: elapsed, Latency: &Histogram{}, Written: subject.Written()}, err
}

func (s *stage) receiveAtOnce(ctx context.Context, c *client.Client, connections int, receive receiver) (elapsed time.Duration, err error) {
	receiving, end := context.WithCancel(ctx)
	defer end()
	start := time.Now()
	begun := sync.OnceFunc(func() {
		start = time.Now()
		time.AfterFunc(s.run, end)
	})
	var group errgroup.Group
	for range connections {
		group.Go(func() error { return receive(ctx, receiving, c, begun) })
	}
	err = group.Wait()
	return time.Since(start), err
}

// receiveByRequests receives and completes with a request each.
func receiveByRequests(ctx, receiving context.Context, c *client.Client, begun func()) error {
	for receiving.Err() == nil {
		list, err := c.Receive(ctx, "/bench", client.ReceiveOptions{})
		if errors.Is(err, client.ErrNoMessage) {
			return nil
		}
		if err != nil {
			return err
		}
		begun()
		if err := c.Complete(ctx, list[0].Lock); err != nil {
			return err
		}
	}
	return nil
}

// Of a socket that receives.
const (
	socketCredit  = 500
	socketSettles = 32 // frames that settle a message each, on their way at one time
)

// receiveBySocket has messages come and completes them, many on their way.
func receiveBySocket(ctx, receiving context.Context, c *client.Client, begun func()) error {
	socket, err := c.Dial(ctx, "/bench")
	if err != nil {
		return err
	}
	defer socket.Close()
	locks, settling := make(chan string, socketCredit), errgroup.Group{}
	for range socketSettles {
		settling.Go(func() error {
			for lock := range locks {
				if _, err := socket.Settle(ctx, client.Settlement{Lock: lock, Disposition: client.Complete}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = socket.Credit(socketCredit)
	for used := 1; err == nil; used++ {
		var m *message.Received
		if m, err = socket.Next(receiving); err == nil {
			begun()
			locks <- m.Lock
		}
		if used%50 == 0 && err == nil {
			err = socket.Credit(50)
		}
	}
	close(locks)
	if settleErr := settling.Wait(); settleErr != nil {
		return settleErr
	}
	if receiving.Err() != nil && ctx.Err() == nil {
		return nil // the time is over
	}
	return err
}

// measureListeners opens many WebSockets at a router, and measures the memory
// that they take and how soon all of them have a message.
func (s *stage) measureListeners(ctx context.Context) error {
	dir, err := s.folder()
	if err != nil {
		return err
	}
	p, err := s.startProcess(ctx, dir)
	if err != nil {
		return err
	}
	defer p.kill()
	c, err := client.New(client.Options{URL: "http://" + p.address})
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.PutPolicy(ctx, "/live", policy.NewRouter(), ""); err != nil {
		return err
	}
	idle := residentMemory(p.cmd.Process.Pid)
	list, err := dialAll(ctx, p.address, s.listeners)
	if err != nil {
		return err
	}
	defer list.Close()
	for _, l := range list {
		if err := l.upgrade("/live"); err != nil {
			return err
		}
	}
	s.report.add(Row{Name: fmt.Sprintf("resident memory of %d live subscribers", s.listeners),
		Value: mebibytes(residentMemory(p.cmd.Process.Pid) - idle), Unit: "MiB"}.atMost(256))
	return s.publish(ctx, c, list)
}

// publish sends a message and waits until everybody has it.
func (s *stage) publish(ctx context.Context, c *client.Client, list conns) error {
	var seconds []float64
	for range s.rounds {
		start := time.Now()
		var all sync.WaitGroup
		errs := make(chan error, len(list))
		for _, l := range list {
			all.Go(func() { errs <- l.frame() })
		}
		if _, err := c.Send(ctx, "/live", &message.Message{ContentType: "text/plain", Body: newBody()}); err != nil {
			return err
		}
		all.Wait()
		seconds = append(seconds, time.Since(start).Seconds())
		for range list {
			if err := <-errs; err != nil {
				return err
			}
		}
	}
	s.report.add(Row{Name: "until all of them have a message", Value: median(seconds), Unit: "s"}.atMost(1))
	return nil
}

// upgrade makes a WebSocket of the connection.
func (c *conn) upgrade(name string) error {
	_, err := fmt.Fprintf(c.Conn, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: jitney.push.v1\r\n\r\n", name)
	if err != nil {
		return err
	}
	answer, err := http.ReadResponse(c.answers, nil)
	if err == nil && answer.StatusCode != http.StatusSwitchingProtocols {
		err = fmt.Errorf("the broker did not open a WebSocket: %s", answer.Status)
	}
	return err
}

// frame reads a frame of less than 64 KiB from the broker.
func (c *conn) frame() error {
	var head [4]byte
	if _, err := io.ReadFull(c.answers, head[:2]); err != nil {
		return err
	}
	size := int(head[1] & 0x7f)
	if size == 126 {
		if _, err := io.ReadFull(c.answers, head[2:]); err != nil {
			return err
		}
		size = int(head[2])<<8 | int(head[3])
	}
	_, err := c.answers.Discard(size)
	return err
}

// residentMemory is what a process has in memory, in bytes; 0 where the system
// does not say so.
func residentMemory(pid int) uint64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	field, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kib, _ := strconv.ParseUint(field, 10, 64)
	return kib << 10
}

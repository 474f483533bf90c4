package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
)

// roles are what else this program can be: the services, each a process.
var roles = map[string]func(s *service, ctx context.Context) error{
	"audit":  (*service).audit,
	"pushed": (*service).bePushedTo,
	"pull":   (*service).pull,
	"socket": (*service).listen,
}

// A service is a process that takes jobs and writes what it did to its logbook.
type service struct {
	client *client.Client
	log    *logbook
	addr   string // to be pushed to at
}

func runRole(ctx context.Context, args []string) (err error) {
	var s service
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	url := flags.String("url", "", "the broker's")
	path := flags.String("log", "", "the logbook's")
	flags.StringVar(&s.addr, "addr", "", "the `address` to be pushed to at")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if s.log, err = openLogbook(*path); err != nil {
		return err
	}
	if s.client, err = client.New(client.Options{URL: *url}); err != nil {
		return err
	}
	defer s.client.Close()
	if err := roles[args[0]](&s, ctx); ctx.Err() == nil {
		return err
	}
	return nil
}

// work is what a worker does with a job.
func work(body []byte) {
	sum := sha256.Sum256(body)
	for range 2000 {
		sum = sha256.Sum256(sum[:])
	}
}

// audit copies what the audit queue has to the logbook, in its order. The policy
// of the queue has one message locked at a time: so none overtakes one whose lock
// is left over from a crash.
func (s *service) audit(ctx context.Context) error {
	return s.receive(ctx, audit, func([]byte) {})
}

// pull takes jobs from the subscription that is a queue.
func (s *service) pull(ctx context.Context) error {
	return s.receive(ctx, pulled, work)
}

// receive takes messages of a queue until ctx ends. While the broker is down it
// asks again.
func (s *service) receive(ctx context.Context, queue string, do func(body []byte)) error {
	for ctx.Err() == nil {
		list, err := s.client.Receive(ctx, queue, client.ReceiveOptions{Wait: 10 * time.Second})
		if errors.Is(err, client.ErrNoMessage) {
			continue
		}
		if err != nil {
			pause(ctx, 100*time.Millisecond)
			continue
		}
		for _, m := range list {
			do(m.Body)
		}
		if err := s.finish(ctx, queue, list); err != nil {
			return err
		}
	}
	return nil
}

// finish writes messages down and then completes them. One whose lock is lost
// comes again.
func (s *service) finish(ctx context.Context, queue string, list []*message.Received) error {
	var lines []done
	var settlements []client.Settlement
	for _, m := range list {
		lines = append(lines, newDone(m))
		settlements = append(settlements, client.Settlement{Lock: m.Lock, Disposition: client.Complete})
	}
	if err := s.log.write(lines...); err != nil {
		return err
	}
	_, _ = s.client.Settle(ctx, queue, settlements)
	return nil
}

// listen takes jobs over a WebSocket at the router itself, and opens another one
// when it has ended.
func (s *service) listen(ctx context.Context) error {
	for ctx.Err() == nil {
		socket, err := s.client.Dial(ctx, workers)
		if err != nil {
			pause(ctx, 100*time.Millisecond)
			continue
		}
		err = s.serve(ctx, socket)
		_ = socket.Close() // what it had not settled goes to somebody else
		if err != nil {
			return err
		}
	}
	return nil
}

// serve takes jobs one after the other, until the socket ends.
func (s *service) serve(ctx context.Context, socket *client.Socket) error {
	for {
		if err := socket.Credit(1); err != nil {
			return nil
		}
		m, err := socket.Next(ctx)
		if err != nil {
			return nil
		}
		work(m.Body)
		if err := s.log.write(newDone(m)); err != nil {
			return err
		}
		if _, err := socket.Settle(ctx, client.Settlement{Lock: m.Lock, Disposition: client.Complete}); err != nil {
			return nil
		}
	}
}

// bePushedTo takes jobs that are pushed to an address, until ctx ends.
func (s *service) bePushedTo(ctx context.Context) error {
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		return err
	}
	web := &http.Server{Handler: http.HandlerFunc(s.take), ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { web.Close() })
	defer stop()
	return web.Serve(l)
}

// take answers a push: 200 says that the job is done, and on disk here.
func (s *service) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		return
	}
	var p struct {
		MessageID      string `json:"MessageId"`
		SequenceNumber int64
		DeliveryCount  int
	}
	if err := json.Unmarshal([]byte(r.Header.Get("BrokerProperties")), &p); err != nil {
		http.Error(w, fmt.Sprintf("BrokerProperties: %v", err), http.StatusBadRequest)
		return
	}
	work(body)
	if err := s.log.write(done{number(p.MessageID), p.SequenceNumber, p.DeliveryCount}); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/push"
	"github.com/jitney-mq/jitney/server"
)

// defaultListen is where a broker listens: on this machine only.
const defaultListen = "127.0.0.1:5300"

// gcPercent lets the heap grow to five times what is live before it is
// collected: little is live in a broker, and at the default a third of the
// processor would go into collecting it. GOGC in the environment wins.
const gcPercent = 400

// serveOptions are the flags of serve, and of what starts a broker too.
type serveOptions struct {
	dir       string
	listen    string
	relay     string
	insecure  bool
	maxSize   byteSize
	minFree   byteSize
	hosts     []string
	origins   []string
	pushAllow []string
	pushName  string
	logLevel  string
	logFormat string
}

func newServeCommand(e *env) *cobra.Command {
	o := serveOptions{maxSize: 64 << 30, minFree: 256 << 20}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the broker",
		Long: `Runs the broker until SIGINT or SIGTERM. Then it takes no new requests, answers
those that wait, lets the others end for up to ten seconds, and closes the data folder.

There are no access rights yet: anybody who reaches the address may do
anything. So the broker wants to be told --insecure, and listens on this
machine only unless told otherwise.`,
		Example: `  jitney serve --insecure
  jitney serve --insecure --dir /var/lib/jitney --listen 127.0.0.1:8080`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.serve(cmd, &o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", "jitney-data", "the data `folder`; it is made if it is not there")
	f.StringVar(&o.listen, "listen", defaultListen, "the `address` to listen on")
	f.StringVar(&o.relay, "relay-listen", "", relayListenUsage)
	f.BoolVar(&o.insecure, "insecure", false, "let everybody who reaches the address do anything")
	f.Var(&o.maxSize, "max-size", "how large the data file may grow")
	f.Var(&o.minFree, "min-free", "how much of the disk stays free: below it sends are refused")
	f.StringSliceVar(&o.hosts, "host", nil, "a `name` besides those of this machine that clients may call the broker by")
	f.StringSliceVar(&o.origins, "origin", nil, "a web page's `origin` that may use the broker")
	f.StringSliceVar(&o.pushAllow, "push-allow", nil, "a `target` of pushes whose address and consent are not checked: a host, host:port, or addresses such as 10.0.0.0/8")
	f.StringVar(&o.pushName, "push-origin", "", "the host `name` by which endpoints know this broker (default this machine's)")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&o.logFormat, "log-format", "text", "text or json")
	return cmd
}

const relayListenUsage = "a second `address`, on which requests are relayed and nothing else, so that relayed pages have an origin of their own"

func (e *env) serve(cmd *cobra.Command, o *serveOptions) error {
	if !o.insecure {
		return usage(errors.New("access rights are not available yet: say --insecure to let everybody " +
			"who reaches " + o.listen + " do anything"))
	}
	log, err := o.logger(e.stderr)
	if err != nil {
		return usage(err)
	}
	ctx, stop := interruptible(cmd)
	defer stop()
	return runBroker(ctx, o, log, nil)
}

func (o *serveOptions) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return nil, fmt.Errorf("--log-level %q: want debug, info, warn or error", o.logLevel)
	}
	handler := &slog.HandlerOptions{Level: level}
	switch o.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(w, handler)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, handler)), nil
	}
	return nil, fmt.Errorf("--log-format %q: want text or json", o.logFormat)
}

// runBroker opens the folder, listens and serves until ctx ends or the store
// fails. It calls ready, if there is one, with the URL when it serves.
func runBroker(ctx context.Context, o *serveOptions, log *slog.Logger, ready func(url string)) (err error) {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(gcPercent)
	}
	slog.SetDefault(log) // libraries say something, too
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	relay, err := o.listenRelay()
	if err != nil {
		return err
	}
	pushes, err := o.pushOptions()
	if err != nil {
		return usage(err)
	}
	b, err := broker.Open(ctx, broker.Options{
		Push:    pushes,
		Dir:     o.dir,
		MaxSize: int64(o.maxSize),
		MinFree: int64(o.minFree),
		Logger:  log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	url := "http://" + listener.Addr().String()
	log.Info("serving", "url", url, "dir", o.dir, "version", version().Version)
	if relay != nil {
		log.Info("relaying", "url", "http://"+relay.Addr().String())
	}
	if ready != nil {
		ready(url)
	}
	err = serveAll(untilFailure(ctx, b), o.handler(b, log), listener, relay)
	return errors.Join(err, b.Failed())
}

// listenRelay returns the listener that only relays, nil if there is none.
func (o *serveOptions) listenRelay() (net.Listener, error) {
	if o.relay == "" {
		return nil, nil
	}
	return net.Listen("tcp", o.relay)
}

// serveAll serves on both listeners until ctx ends or one of them fails.
func serveAll(ctx context.Context, s *server.Server, main, relay net.Listener) error {
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error { return s.Serve(ctx, main) })
	if relay != nil {
		both.Go(func() error { return s.ServeRelay(ctx, relay) })
	}
	return both.Wait()
}

func (o *serveOptions) pushOptions() (push.Options, error) {
	options := push.Options{Origin: o.pushName}
	for _, text := range o.pushAllow {
		rule, err := push.ParseRule(text)
		if err != nil {
			return options, fmt.Errorf("--push-allow: %w", err)
		}
		options.Allow = append(options.Allow, rule)
	}
	return options, nil
}

func (o *serveOptions) handler(b *broker.Broker, log *slog.Logger) *server.Server {
	return server.New(b, server.Options{
		Hosts:   o.hosts,
		Origins: o.origins,
		Logger:  log,
		Version: version().Version,
	})
}

// untilFailure returns a context that also ends when the store has failed: a
// process that goes on would answer nothing any more.
func untilFailure(ctx context.Context, b *broker.Broker) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		select {
		case <-b.Failure():
		case <-ctx.Done():
		}
	}()
	return ctx
}

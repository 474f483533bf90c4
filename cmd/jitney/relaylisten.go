package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/policy"
)

// relayListen is jitney relay listen, as its flags say.
type relayListen struct {
	*env
	to       string // the URL of a local server
	keepHost bool
	credential

	opened bool // there has been a connection
	made   bool // the connection point has been made, or tried to
}

func newRelayListenCommand(e *env) *cobra.Command {
	l := relayListen{env: e}
	cmd := &cobra.Command{
		Use:   "listen NAME --to URL",
		Short: "Make a server or a folder of this machine reachable by a name",
		Long: `Make a server that this machine reaches, such as one on its own loopback
address, reachable at the broker by a name. No port needs to be open: the
connection is made from here, and made anew when it breaks. A name without a
role becomes a connection point.

With --to http://… requests and WebSockets to the name and everything below it
go to the server, with the name taken off: what is /wiki/x at the broker is /x
there. Redirects and the paths of cookies are put back below the name. Links
within pages are not: a page that links to /style.css wants a connection point
with a host name of its own, see --relay-listen of jitney serve.

Pages that are called at the broker's own address run no scripts: they would
speak to the broker in its own name. At --relay-listen they do; where that is, is
told too.

With --to tcp://… each WebSocket to the name is a TCP connection to the server.
jitney relay connect is the other end. With --to and a folder its files are
shown, for everybody to read who reaches the name.

It goes on until it is interrupted.`,
		Example: `  jitney relay listen /wiki --to http://127.0.0.1:8080
  jitney relay listen /home/ssh --to tcp://127.0.0.1:22
  jitney relay listen /site --to ./public`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := interruptible(cmd)
			defer stop()
			return l.run(ctx, args[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&l.to, "to", "", "the server's `URL`: http://host:port with or without a path, https://, tcp://host:port, or a folder")
	flags.BoolVar(&l.keepHost, "host", false, "give the server the host that the sender asked for, not its own")
	markCommandLineOnly(cmd, "to", "host")
	l.add(cmd)
	return cmd
}

func (l *relayListen) run(ctx context.Context, name string) error {
	handler, err := l.handler(name)
	if err != nil {
		return err
	}
	c, err := l.client()
	if err != nil {
		return err
	}
	defer c.Close()
	token, err := l.tokens(c.URL(), name)
	if err != nil {
		return err
	}
	if err := l.makePoint(ctx, c, name); err != nil {
		return err
	}
	public := l.public(ctx, c, name)
	listener := c.ListenRelay(name, client.RelayOptions{
		Token: token, Lost: l.tellLost,
		Open: func() { l.tellOpen(public) },
	})
	for {
		err := listener.Serve(ctx, handler)
		if errors.Is(err, errInterrupted) {
			return nil
		}
		if again := l.again(ctx, c, name, err); again != nil {
			return again
		}
	}
}

// pauseAfterRefusal is how long a listener that was one waits to be let in again.
const pauseAfterRefusal = 30 * time.Second

// again makes up for a refusal that may not be for ever, or returns it: the name may
// have lost its role, or not got it while the broker was not there; and whoever has
// listened before is let in again, perhaps, when somebody has changed a policy.
func (l *relayListen) again(ctx context.Context, c *client.Client, name string, refusal error) error {
	isMissing := errors.Is(refusal, client.ErrNotFound)
	if !l.opened && (!isMissing || l.made) {
		return refusal
	}
	if isMissing {
		return l.makePoint(ctx, c, name)
	}
	l.tellLost(refusal, pauseAfterRefusal)
	_ = pause(ctx, pauseAfterRefusal) // Serve says whether it is over
	return nil
}

// handler returns what passes everything on to the server.
func (l *relayListen) handler(name string) (client.RelayHandler, error) {
	to, err := url.Parse(l.to)
	if err != nil {
		to = &url.URL{} // it may be a folder
	}
	switch {
	case l.to == "":
		return client.RelayHandler{}, usagef("--to is missing: say which server is to be reached")
	case isFolder(l.to):
		f, err := openFolder(l.to, name)
		return client.RelayHandler{HTTP: f}, err
	case to.Host == "" || to.User != nil || to.RawQuery != "" || to.Fragment != "" || !isPort(to.Port()):
	case to.Scheme == "tcp" && to.Port() != "" && strings.Trim(to.Path, "/") == "":
		return client.RelayHandler{Socket: tcpSockets(to.Host)}, nil
	case to.Scheme == "http", to.Scheme == "https":
		w := newWebServer(to, name, l.keepHost)
		return client.RelayHandler{HTTP: w.proxy(), Socket: w.socket}, nil
	}
	return client.RelayHandler{}, usagef("--to %q: want http://host:port, https://host:port, tcp://host:port or a folder", l.to)
}

// isPort reports whether a URL's port can be one; none is as good.
func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// makePoint makes a connection point of a name without a role. Whatever else
// stands against listening there is found out by listening.
func (l *relayListen) makePoint(ctx context.Context, c *client.Client, name string) error {
	_, err := c.Policy(ctx, name)
	switch {
	case errors.Is(err, client.ErrInvalid):
		return err
	case !errors.Is(err, client.ErrNotFound):
		return nil
	}
	l.made = true
	_, err = c.PutPolicy(ctx, name, policy.NewConnectionPoint(), "")
	if err == nil {
		fmt.Fprintf(l.stderr, "jitney: %s is a connection point now\n", name)
	}
	if errors.Is(err, client.ErrConflict) { // somebody was faster, or a name is in the way
		if _, there := c.Policy(ctx, name); there == nil {
			return nil
		}
	}
	return err
}

// tellOpen says where the server is reached, the first time to whoever reads
// the output.
func (l *relayListen) tellOpen(public string) {
	if l.opened {
		fmt.Fprintln(l.stderr, "jitney: listening again")
	} else {
		fmt.Fprintln(l.stdout, public)
	}
	l.opened = true
}

// tellLost says why the server is not reached for a while.
func (l *relayListen) tellLost(why error, pause time.Duration) {
	fmt.Fprintf(l.stderr, "jitney: %s; another try in %.1fs\n", oneLine(why.Error()), pause.Seconds())
}

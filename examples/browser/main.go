// Command browser serves a web page that talks to a broker by itself: it shows
// what is sent to a router while it is open, sends, and goes on when the broker
// was away.
//
//	go run ./examples/browser [-listen 127.0.0.1:8080] [-url http://127.0.0.1:5300]
//
// Without -url the broker runs in this process. With it, the broker has to allow
// the page's origin: jitney serve --insecure --origin http://127.0.0.1:8080
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/examples/inprocess"
	"github.com/jitney-mq/jitney/policy"
)

// board is the router whose messages the page shows.
const board = "/examples/board"

//go:embed page.html
var page string

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "the `address` that the page is served at")
	url := flag.String("url", "", "the `URL` of a broker; empty: one in this process")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *listen, *url); err != nil {
		log.Fatal(err)
	}
}

// run serves the page until ctx ends, with the broker at url or one of its own.
func run(ctx context.Context, out io.Writer, listen, url string) (err error) {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	origin := "http://" + listener.Addr().String()
	if url == "" {
		b, err := inprocess.Open(ctx, inprocess.Options{Origins: []string{origin}})
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		defer func() { err = errors.Join(err, b.Close()) }()
		url = b.URL
	}
	if err := makeBoard(ctx, url); err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Fprintf(out, "open %s\nor send: curl -d 'hello' %s%s\n", origin, url, board)
	return serve(ctx, listener, url)
}

// makeBoard makes the name a router: all who listen get what is sent to it.
func makeBoard(ctx context.Context, url string) error {
	c, err := client.New(client.Options{URL: url})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.PutPolicy(ctx, board, policy.NewRouter(), "")
	return err
}

// serve serves the page, which is told where the broker is.
func serve(ctx context.Context, listener net.Listener, url string) error {
	t, err := template.New("page").Parse(page)
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = t.Execute(w, map[string]string{"Module": url + "/-/jitney.js", "Board": url + board}) // a browser that has gone needs no page
	})
	ended := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer ended()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

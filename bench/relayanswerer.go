package bench

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/policy"
)

// What an answerer answers, and where: at the same path with and without the relay.
const (
	answerPoint = "/bench"
	answerPath  = answerPoint + "/answer"
	answerSize  = 100 // bytes
	streamPath  = answerPoint + "/stream"
	streamPiece = 64 << 10 // bytes that are written at once
)

// downloadPath is where a response of that many bytes is.
func downloadPath(size int64) string { return streamPath + "?bytes=" + strconv.FormatInt(size, 10) }

// webSocketBuffer is the size of a socket's buffers at both ends, with the relay and
// without: that which package client has for them.
const webSocketBuffer = 32 << 10

var (
	socketUpgrader = websocket.Upgrader{ReadBufferSize: webSocketBuffer, WriteBufferSize: webSocketBuffer}
	socketDialer   = websocket.Dialer{ReadBufferSize: webSocketBuffer, WriteBufferSize: webSocketBuffer}
)

// openAnswerer makes a web server that listens at a broker's connection point too.
func openAnswerer(ctx context.Context, broker string) (*part, error) {
	c, err := client.New(client.Options{URL: "http://" + broker})
	if err != nil {
		return nil, err
	}
	if _, err := c.PutPolicy(ctx, answerPoint, policy.NewConnectionPoint(), ""); err != nil {
		return nil, err
	}
	address, end, err := serveWeb(answerHandler())
	if err != nil {
		return nil, err
	}
	stop, err := listenRelayed(ctx, c)
	if err != nil {
		return nil, errors.Join(err, end())
	}
	return &part{address: address, close: func() error {
		defer c.Close()
		return errors.Join(stop(), end())
	}}, nil
}

// listenRelayed returns when the listener is one.
func listenRelayed(ctx context.Context, c *client.Client) (stop func() error, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var serving sync.WaitGroup
	open, ended := make(chan struct{}), make(chan error, 1)
	l := c.ListenRelay(answerPoint, client.RelayOptions{Open: sync.OnceFunc(func() { close(open) })})
	serving.Go(func() {
		ended <- l.Serve(ctx, client.RelayHandler{HTTP: answerHandler(), Socket: takeSocket})
	})
	stop = func() error {
		cancel()
		serving.Wait()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}
	select {
	case <-open:
		return stop, nil
	case err := <-ended:
		cancel()
		return nil, err
	}
}

func answerHandler() http.Handler {
	answer := newBody()[:answerSize]
	mux := http.NewServeMux()
	mux.HandleFunc(answerPath, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(answer) // who does not get it says so
	})
	mux.HandleFunc(streamPath, answerLong)
	mux.HandleFunc(answerPoint, upgradeSocket)
	return mux
}

// answerLong answers with as many bytes as are asked for.
func answerLong(w http.ResponseWriter, r *http.Request) {
	left, err := strconv.Atoi(r.URL.Query().Get("bytes"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	piece := bytes.Repeat(newBody(), streamPiece/bodySize)
	for left > 0 {
		n, err := w.Write(piece[:min(left, len(piece))])
		if left -= n; err != nil {
			return
		}
	}
}

func upgradeSocket(w http.ResponseWriter, r *http.Request) {
	conn, err := socketUpgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it has been answered
	}
	defer conn.Close()
	_ = sink(conn) // who sends misses the answer
}

func takeSocket(s *client.RelayedSocket) {
	conn, err := s.Accept("")
	if err != nil {
		return // the sender is told
	}
	_ = sink(conn) // who sends misses the answer
}

// sink counts what comes in binary messages, and answers text messages with it.
func sink(conn *websocket.Conn) error {
	var count, size int64
	piece := make([]byte, webSocketBuffer)
	for {
		kind, r, err := conn.NextReader()
		if err != nil {
			return err
		}
		n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, piece)
		if err != nil {
			return err
		}
		if kind == websocket.BinaryMessage {
			count, size = count+1, size+n
		} else if err := conn.WriteMessage(websocket.TextMessage, sunk(count, size)); err != nil {
			return err
		}
	}
}

// sunk is what a sink says.
func sunk(count, size int64) []byte {
	return []byte(strconv.FormatInt(count, 10) + " messages, " + strconv.FormatInt(size, 10) + " bytes")
}

// openProxy makes a reverse proxy that does no more than it must. It keeps as many
// connections as it needs: by default it would make new ones all the time.
func openProxy(to string) (*part, error) {
	target := &url.URL{Scheme: "http", Host: strings.TrimSpace(to)}
	address, end, err := serveWeb(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.SetXForwarded()
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 2 * relayRequests},
	})
	if err != nil {
		return nil, err
	}
	return &part{address: address, close: end}, nil
}

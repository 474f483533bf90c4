package bench

import (
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/gorilla/websocket"
)

// openPipe makes the least that can stand between two ends of a WebSocket: for each
// that is opened it opens another one, and copies messages.
func openPipe(to string) (*part, error) {
	target := "ws://" + strings.TrimSpace(to)
	address, end, err := serveWeb(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		near, err := socketUpgrader.Upgrade(w, r, nil)
		if err != nil {
			return // it has been answered
		}
		defer near.Close()
		far, answer, err := socketDialer.DialContext(r.Context(), target+r.URL.Path, nil)
		if err != nil {
			return // who sends misses the answer
		}
		_ = answer.Body.Close() // it has been read
		copyBothWays(near, far)
	}))
	if err != nil {
		return nil, err
	}
	return &part{address: address, close: end}, nil
}

func copyBothWays(near, far *websocket.Conn) {
	var back sync.WaitGroup
	back.Go(func() {
		defer near.Close()
		_ = copyMessages(near, far) // who has gone misses what it did not get
	})
	_ = copyMessages(far, near) // as above
	_ = far.Close()
	back.Wait()
}

func copyMessages(to, from *websocket.Conn) error {
	for {
		kind, r, err := from.NextReader()
		if err != nil {
			return err
		}
		w, err := to.NextWriter(kind)
		if err != nil {
			return err
		}
		if _, err := io.Copy(w, r); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
}

package main

import (
	"net"
	"net/http"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/relay/duplex"
)

// tcpSockets makes of each sender's socket a TCP connection to an address.
func tcpSockets(address string) func(*client.RelayedSocket) {
	return func(s *client.RelayedSocket) {
		d := net.Dialer{Timeout: dialTimeout}
		conn, err := d.DialContext(s.Request.Context(), "tcp", address)
		if err != nil {
			_ = s.Reject(http.StatusBadGateway, unreachable(address, err)) // the sender may be gone
			return
		}
		defer conn.Close()
		sender, err := s.Accept("")
		if err != nil {
			return // nobody is there to talk to
		}
		p := pipe{
			socket: duplex.Dialled(sender), from: conn, to: conn,
			endWrite: conn.(*net.TCPConn).CloseWrite,
			abort:    func() { _ = conn.Close() }, // it is at its end
		}
		_ = p.run(s.Request.Context()) // the close frame says it
	}
}

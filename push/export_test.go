package push

import "io"

// Refusal lets a test ask about addresses that it must not connect to.
var Refusal = refusal

// IsOwn lets a test ask about addresses that are refused for another reason.
var IsOwn = isOwn

// Sign lets a test choose the instant of a signature.
func Sign(secret []byte, id string, timestamp int64, body io.WriterTo) (string, error) {
	return sign(secret, id, timestamp, body)
}

// OpenConns lets a test count a client's connections.
func OpenConns(c *Client) int { return len(c.open()) }

package duplex

import (
	"crypto/rand"
	"encoding/binary"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// A frame is one as RFC 6455, 5.2 has it. Its type is that of its message, 0 if it
// goes on with one.
type frame struct {
	kind    int
	final   bool
	payload []byte
}

// Bits of the first two bytes of a frame.
const (
	finalBit = 0x80
	maskBit  = 0x80
)

// Bounds of the buffer of a frame.
const (
	maxHeader = 14       // bytes of a frame's header
	maxCopied = 8 << 10  // bytes of a payload that is copied to be written at once
	maxBuffer = 72 << 10 // bytes of a buffer that is kept for the next frames
)

// buffers hold frames while they are written.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// writeFrames writes frames with nothing in between. The caller has the turn.
func (s *Socket) writeFrames(frames ...frame) error {
	if s.err != nil {
		return s.err
	}
	if now := time.Now(); s.stallsBy.Sub(now) < StallTimeout-deadlineStep {
		s.stallsBy = now.Add(StallTimeout)
		_ = s.conn.NetConn().SetWriteDeadline(s.stallsBy) // of a closed connection, and then a write says so
	}
	if s.err = s.put(frames); s.err != nil {
		s.EndReading(CloseTimeout) // whoever takes nothing is not listened to for ever
	}
	if last := frames[len(frames)-1]; s.err == nil && last.kind == websocket.CloseMessage {
		s.err = ErrClosed
		return nil
	}
	return s.err
}

// put writes frames by one call. A large payload goes out from where it is, unless
// it has to be masked.
func (s *Socket) put(frames []frame) error {
	var parts net.Buffers
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	b, at := (*buffer)[:0], 0
	for _, f := range frames {
		var key [4]byte
		b, key = f.appendHeader(b, s.masks)
		if !s.masks && len(f.payload) > maxCopied {
			parts, at = append(parts, b[at:len(b):len(b)], f.payload), len(b)
			continue
		}
		start := len(b)
		b = append(b, f.payload...)
		if s.masks {
			mask(key, b[start:])
		}
	}
	if cap(b) <= maxBuffer {
		*buffer = b
	}
	if parts == nil {
		_, err := s.conn.NetConn().Write(b)
		return err
	}
	if at < len(b) {
		parts = append(parts, b[at:])
	}
	_, err := parts.WriteTo(s.conn.NetConn())
	return err
}

func (f *frame) appendHeader(b []byte, masks bool) ([]byte, [4]byte) {
	first, second := byte(f.kind), byte(0)
	if f.final {
		first |= finalBit
	}
	if masks {
		second = maskBit
	}
	switch n := len(f.payload); {
	case n < 126:
		b = append(b, first, second|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, first, second|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, first, second|127), uint64(n))
	}
	var key [4]byte
	if masks {
		_, _ = rand.Read(key[:]) // it never fails
		b = append(b, key[:]...)
	}
	return b, key
}

// mask applies a key to a payload, eight bytes at a time (RFC 6455, 5.3).
func mask(key [4]byte, b []byte) {
	half := uint64(binary.LittleEndian.Uint32(key[:]))
	both := half | half<<32
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^both)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= key[i%4]
	}
}

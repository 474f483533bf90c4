package queue

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/store"
)

const (
	// maxWhole is the largest body that stands in one record with its envelope.
	maxWhole = 2 << 10
	// chunkSize is the size of the records of a larger one: with its key and
	// checksum it fills a page of bbolt's.
	chunkSize = 4040
	// maxInMemory is the largest body that one op writes; what is larger is
	// staged, in chunks of stagedChunk, a few of them a commit.
	maxInMemory = 256 << 10
	stagedChunk = 64 << 10
	stagedStep  = 4
)

// A bodyRef says where a body is. Record 0 holds the envelope, and the payload
// if chunks is 0; else the payload is in records 1 to chunks.
type bodyRef struct {
	id     uint64
	chunks uint32
	size   int64 // bytes of the payload
}

func (b bodyRef) key(chunk uint32) []byte {
	k := make([]byte, 0, 12)
	k = binary.BigEndian.AppendUint64(k, b.id)
	return binary.BigEndian.AppendUint32(k, chunk)
}

// Record 0 begins with its version and the form of the payload.
const (
	bodyVersion = 1
	opaqueBytes = 0 // any bytes; the envelope has their content type
)

// head is record 0 of a body: version, form, length of the envelope as an
// unsigned varint, envelope, and the payload if it is small.
func head(m *message.Message) []byte {
	envelope := message.AppendEnvelope(make([]byte, 0, 256), m)
	b := make([]byte, 0, 16+len(envelope)+min(len(m.Body), maxWhole))
	b = append(b, bodyVersion, opaqueBytes)
	b = binary.AppendUvarint(b, uint64(len(envelope)))
	b = append(b, envelope...)
	if len(m.Body) <= maxWhole {
		b = append(b, m.Body...)
	}
	return b
}

// parseHead returns the message of record 0, with as much of its body as the
// record holds: it shares v's memory.
func parseHead(v []byte) (*message.Message, error) {
	if len(v) < 3 || v[0] != bodyVersion || v[1] != opaqueBytes {
		return nil, errRecord
	}
	n, size := binary.Uvarint(v[2:])
	if size <= 0 || n > uint64(len(v)-2-size) {
		return nil, errRecord
	}
	envelope, payload := v[2+size:2+size+int(n)], v[2+size+int(n):]
	m, err := message.DecodeEnvelope(envelope)
	if err != nil {
		return nil, err
	}
	if len(payload) > 0 {
		m.Body = payload[:len(payload):len(payload)]
	}
	return m, nil
}

// putBody writes an in-memory body, whose record 0 is given.
func putBody(tx *store.Tx, first, payload []byte) bodyRef {
	b := bodyRef{id: tx.NewID(), size: int64(len(payload))}
	tx.Insert(bodiesTable, b.key(0), first)
	if len(payload) <= maxWhole {
		return b
	}
	for rest := payload; len(rest) > 0; {
		n := min(len(rest), chunkSize)
		b.chunks++
		tx.Insert(bodiesTable, b.key(b.chunks), append(make([]byte, 0, n+4), rest[:n]...))
		rest = rest[n:]
	}
	return b
}

// maxDeletes is the number of chunks that an op deletes itself.
const maxDeletes = 64

// deleteBody removes a body, or leaves a large one to be emptied in steps.
func deleteBody(tx *store.Tx, b bodyRef) {
	if b.chunks > maxDeletes {
		tx.Put(trashTable, trashBody.key(b.id), trashValue())
		return
	}
	for i := uint32(0); i <= b.chunks; i++ {
		tx.Delete(bodiesTable, b.key(i))
	}
}

// writeBody writes the chunks of b to w. Each is read in a transaction of its
// own, so that a slow w holds nothing.
func (s *Set) writeBody(b bodyRef, w io.Writer) (written int64, err error) {
	var buf []byte
	for i := uint32(1); i <= b.chunks; i++ {
		err := s.store.View(func(r *store.Reader) error {
			v, err := r.Get(bodiesTable, b.key(i))
			if err == nil && v == nil {
				return ErrNoMessage
			}
			buf = append(buf[:0], v...)
			return err
		})
		if err != nil {
			return written, err
		}
		n, err := w.Write(buf)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// A Staged body is on disk but in no queue yet. It goes into one by a Send,
// or away by Discard; when the broker starts, those that are left go away.
type Staged struct {
	set  *Set
	body bodyRef
}

// Size is the number of bytes.
func (s *Staged) Size() int64 { return s.body.size }

// ReadBody reads r to its end, at most limit bytes, else ErrTooLarge. A small
// body is returned as bytes; a large one is staged while it is read and takes
// no more memory than a few chunks. An error of r comes as ErrBadBody.
func (s *Set) ReadBody(ctx context.Context, r io.Reader, limit int64) ([]byte, *Staged, error) {
	first, err := io.ReadAll(io.LimitReader(r, min(limit, maxInMemory)+1))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrBadBody, err)
	}
	if int64(len(first)) > limit {
		return nil, nil, ErrTooLarge
	}
	if len(first) <= maxInMemory {
		return first, nil, nil
	}
	staged, err := s.stage(ctx, first, r, limit)
	return nil, staged, err
}

// stage writes first and what r still has.
func (s *Set) stage(ctx context.Context, first []byte, r io.Reader, limit int64) (_ *Staged, err error) {
	staged := &Staged{set: s}
	if err := s.store.Update(ctx, staged.begin); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			staged.Discard()
		}
	}()
	chunks := chunker{rest: first, r: r, left: limit}
	for {
		step, readErr := chunks.next()
		if err := s.store.Update(ctx, func(tx *store.Tx) error { return staged.write(tx, step) }); err != nil {
			return nil, err
		}
		staged.body.chunks += uint32(len(step))
		for _, c := range step {
			staged.body.size += int64(len(c))
		}
		if errors.Is(readErr, io.EOF) {
			return staged, nil
		}
		if readErr != nil {
			return nil, readErr
		}
	}
}

func (s *Staged) begin(tx *store.Tx) error {
	if err := tx.Room(); err != nil {
		return err
	}
	s.body.id = tx.NewID()
	tx.Insert(trashTable, trashStaged.key(s.body.id), trashValue())
	return nil
}

// write puts the next chunks. Record 0 is written when the body is sent.
func (s *Staged) write(tx *store.Tx, step [][]byte) error {
	if err := tx.Room(); err != nil {
		return err
	}
	for i, c := range step {
		tx.Insert(bodiesTable, s.body.key(s.body.chunks+uint32(i)+1), c)
	}
	return nil
}

// publish makes the body part of a message whose record 0 is given.
func (s *Staged) publish(tx *store.Tx, first []byte) bodyRef {
	tx.Delete(trashTable, trashStaged.key(s.body.id))
	return s.write0(tx, first)
}

// write0 writes record 0, and leaves the body staged.
func (s *Staged) write0(tx *store.Tx, first []byte) bodyRef {
	tx.Insert(bodiesTable, s.body.key(0), first)
	return s.body
}

// Discard removes the body if it has not been sent.
func (s *Staged) Discard() {
	s.set.discard(trashStaged.key(s.body.id))
}

// discard gives up a body that stands under a key of the trash. If the store
// takes nothing any more the next start does it.
func (s *Set) discard(key []byte) {
	_ = s.store.Update(context.Background(), func(tx *store.Tx) error {
		v, err := tx.Get(trashTable, key)
		if v == nil || err != nil {
			return err
		}
		giveUp(tx, key)
		tx.OnCommit(func() { s.wake(time.Time{}) })
		return nil
	})
}

// giveUp does what the end of a staged or held body asks for.
func giveUp(tx *store.Tx, key []byte) {
	tx.Delete(trashTable, key)
	id := binary.BigEndian.Uint64(key[1:])
	if trash(key[0]) == trashHeld && !unshare(tx, id) {
		return
	}
	tx.Put(trashTable, trashBody.key(id), trashValue())
}

// holdBody keeps the body of an entry that is removed until the one who got it
// has read it: if others have it too, one hold for each.
func (e *entry) holdBody(tx *store.Tx) (key []byte) {
	key = trashStaged.key(e.body.id)
	if e.flags&isShared != 0 {
		key = binary.BigEndian.AppendUint64(trashHeld.key(e.body.id), tx.NewID())
	}
	tx.Put(trashTable, bytes.Clone(key), trashValue())
	return key
}

// chunker cuts what it reads into chunks.
type chunker struct {
	rest []byte // read already
	r    io.Reader
	left int64
}

// next returns up to stagedStep chunks, with io.EOF if they are the last.
func (c *chunker) next() (step [][]byte, err error) {
	for len(step) < stagedStep && err == nil {
		chunk := make([]byte, stagedChunk, stagedChunk+4)
		n := copy(chunk, c.rest)
		c.rest = c.rest[n:]
		if n < stagedChunk {
			var more int
			more, err = io.ReadFull(c.r, chunk[n:])
			n += more
		}
		if c.left -= int64(n); c.left < 0 {
			return nil, ErrTooLarge
		}
		if n > 0 {
			step = append(step, chunk[:n])
		}
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = io.EOF
	case err != nil && !errors.Is(err, io.EOF):
		err = fmt.Errorf("%w: %w", ErrBadBody, err)
	}
	return step, err
}

package message

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// ErrEnvelope says that stored bytes are no envelope.
var ErrEnvelope = errors.New("message: damaged envelope")

// An envelope is everything of a message but its body:
//
//	version    1 byte, 1
//	present    uvarint, bit i for the parts below in this order
//	  0–10     the fields, each as text: uvarint length, bytes
//	  11       TimeToLive: uvarint nanoseconds
//	  12       ScheduledAt: uvarint Unix seconds, uvarint nanoseconds
//	  13       Properties: uvarint count, and in the order of names: the name
//	           as text, 1 byte kind, and by kind
//	             null                 nothing
//	             bool                 1 byte, 0 or 1
//	             int64                varint
//	             double               8 bytes, big-endian
//	             timestamp            varint Unix seconds, uvarint nanoseconds
//	             uuid                 16 bytes
//	             string, binary, AMQP as text
//
// It has no checksum; the record that it stands in has one.
const (
	envelopeVersion = 1

	bitTimeToLive  = fieldCount
	bitScheduledAt = fieldCount + 1
	bitProperties  = fieldCount + 2
	bitCount       = fieldCount + 3
)

// minPropertyBytes is what the shortest property takes: an empty name's
// length and a kind.
const minPropertyBytes = 2

// AppendEnvelope appends the stored form of m without its body.
func AppendEnvelope(dst []byte, m *Message) []byte {
	dst = append(dst, envelopeVersion)
	dst = binary.AppendUvarint(dst, m.present())
	for i := range fields {
		if s, ok := fields[i].get(m); ok {
			dst = appendText(dst, s)
		}
	}
	if m.TimeToLive > 0 {
		dst = binary.AppendUvarint(dst, uint64(m.TimeToLive))
	}
	if m.isScheduled() {
		dst = binary.AppendUvarint(dst, uint64(m.ScheduledAt.Unix()))
		dst = binary.AppendUvarint(dst, uint64(m.ScheduledAt.Nanosecond()))
	}
	if m.Properties.Len() > 0 {
		dst = binary.AppendUvarint(dst, uint64(m.Properties.Len()))
		for name, v := range m.Properties.All() {
			dst = appendValue(appendText(dst, name), v)
		}
	}
	return dst
}

// present returns which parts m has.
func (m *Message) present() (bits uint64) {
	set := func(bit int, ok bool) {
		if ok {
			bits |= 1 << bit
		}
	}
	for i := range fields {
		_, ok := fields[i].get(m)
		set(i, ok)
	}
	set(bitTimeToLive, m.TimeToLive > 0)
	set(bitScheduledAt, m.isScheduled())
	set(bitProperties, m.Properties.Len() > 0)
	return bits
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendValue(dst []byte, v Value) []byte {
	dst = append(dst, byte(v.kind))
	switch v.kind {
	case KindBool:
		return append(dst, byte(v.num))
	case KindInt64:
		return binary.AppendVarint(dst, int64(v.num))
	case KindDouble:
		return binary.BigEndian.AppendUint64(dst, v.num)
	case KindTimestamp:
		return binary.AppendUvarint(binary.AppendVarint(dst, int64(v.num)), uint64(v.nanos))
	case KindUUID:
		return append(dst, v.str...)
	case KindString, KindBinary, KindAMQP:
		return appendText(dst, v.str)
	}
	return dst
}

// DecodeEnvelope reads what AppendEnvelope wrote; the Body is nil. It takes
// any bytes and returns an error that wraps ErrEnvelope for all that are not
// an envelope. The message shares nothing with data.
func DecodeEnvelope(data []byte) (*Message, error) {
	r := envelopeReader{rest: string(data)}
	m := r.message()
	if r.rest != "" {
		r.fail("bytes behind the end")
	}
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// envelopeReader cuts parts from the front of rest. After the first error it
// returns zero values.
type envelopeReader struct {
	rest string
	err  error
}

func (r *envelopeReader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrEnvelope, what)
	}
	r.rest = ""
}

func (r *envelopeReader) message() *Message {
	if version := r.byte(); version != envelopeVersion {
		r.fail(fmt.Sprintf("version %d", version))
		return nil
	}
	bits := r.uvarint()
	if bits>>bitCount != 0 {
		r.fail("unknown parts")
	}
	has := func(bit int) bool { return bits>>bit&1 != 0 }
	m := new(Message)
	for i := range fields {
		if has(i) {
			fields[i].put(m, r.text())
		}
	}
	if has(bitTimeToLive) {
		m.TimeToLive = time.Duration(r.below(uint64(longest)))
	}
	if has(bitScheduledAt) {
		seconds := r.below(uint64(maxInstant.Unix()))
		m.ScheduledAt = time.Unix(int64(seconds), int64(r.below(uint64(time.Second)))).UTC()
	}
	if has(bitProperties) {
		m.Properties = r.properties()
	}
	return m
}

func (r *envelopeReader) properties() Properties {
	count := r.uvarint()
	if count > uint64(len(r.rest)/minPropertyBytes) {
		r.fail("more properties than bytes")
		return Properties{}
	}
	list := make([]property, count)
	for i := range list {
		list[i] = property{r.text(), r.value()}
		if i > 0 && list[i].name <= list[i-1].name {
			r.fail("properties out of order")
		}
		if r.err != nil {
			return Properties{}
		}
	}
	return Properties{list}
}

func (r *envelopeReader) value() Value {
	v := Value{kind: Kind(r.byte())}
	switch v.kind {
	case KindNull:
	case KindBool:
		v.num = uint64(r.byte() & 1)
	case KindInt64:
		v.num = uint64(r.varint())
	case KindDouble:
		if b := r.take(8); b != "" {
			v.num = binary.BigEndian.Uint64([]byte(b))
		}
	case KindTimestamp:
		v.num = uint64(r.varint())
		v.nanos = uint32(r.below(uint64(time.Second)))
		if t := v.Time(); t.Before(minTimestamp) || t.After(maxTimestamp) {
			r.fail("timestamp out of range")
		}
	case KindUUID:
		v.str = r.take(16)
	case KindString, KindBinary, KindAMQP:
		v.str = r.text()
	default:
		r.fail("unknown kind of value")
	}
	return v
}

func (r *envelopeReader) text() string {
	length := r.uvarint()
	if length > uint64(len(r.rest)) {
		r.fail("text cut short")
		return ""
	}
	return r.take(int(length))
}

// take returns the next count bytes, or "" if there are fewer.
func (r *envelopeReader) take(count int) (s string) {
	if count > len(r.rest) {
		r.fail("cut short")
		return ""
	}
	s, r.rest = r.rest[:count], r.rest[count:]
	return s
}

func (r *envelopeReader) byte() byte {
	if b := r.take(1); b != "" {
		return b[0]
	}
	return 0
}

// below returns a uvarint that is less than limit.
func (r *envelopeReader) below(limit uint64) uint64 {
	u := r.uvarint()
	if u >= limit {
		r.fail("number out of range")
		return 0
	}
	return u
}

func (r *envelopeReader) uvarint() (u uint64) {
	for shift := 0; shift < 64; shift += 7 {
		b := r.byte()
		if shift == 63 && b > 1 {
			break
		}
		u |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return u
		}
	}
	r.fail("number too long")
	return 0
}

func (r *envelopeReader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

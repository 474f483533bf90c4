package message

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Kind is the type of a Value.
type Kind uint8

// The kinds of values. Their numbers are part of the envelope's format.
const (
	KindNull Kind = iota
	KindBool
	KindInt64
	KindDouble
	KindString
	KindTimestamp
	KindUUID
	KindBinary
	KindAMQP // one encoded AMQP value of a type that has no kind of its own
)

// Value is the typed value of an application property: small, immutable, and
// the same as another if == says so. The zero Value is null. [Q3]
//
// The accessor of another kind than the value's own returns the zero value of
// its type.
type Value struct {
	kind  Kind
	nanos uint32 // of a timestamp: nanoseconds within the second
	num   uint64 // a bool, an int64, a double's bits, a timestamp's Unix seconds
	str   string // a string; the bytes of a UUID, a binary or an AMQP value
}

// The first and the last instant that RFC 3339 can write.
var (
	minTimestamp = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	maxTimestamp = time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
)

// Null returns the value of no kind of its own.
func Null() Value { return Value{} }

// Bool returns a boolean.
func Bool(b bool) Value {
	if b {
		return Value{kind: KindBool, num: 1}
	}
	return Value{kind: KindBool}
}

// Int64 returns an integer.
func Int64(i int64) Value { return Value{kind: KindInt64, num: uint64(i)} }

// Double returns a floating-point number.
func Double(f float64) Value { return Value{kind: KindDouble, num: math.Float64bits(f)} }

// String returns a string.
func String(s string) Value { return Value{kind: KindString, str: s} }

// Timestamp returns an instant, to the nanosecond, moved into the years 0 to
// 9999.
func Timestamp(t time.Time) Value {
	switch {
	case t.Before(minTimestamp):
		t = minTimestamp
	case t.After(maxTimestamp):
		t = maxTimestamp
	}
	return Value{kind: KindTimestamp, num: uint64(t.Unix()), nanos: uint32(t.Nanosecond())}
}

// UUID returns a UUID.
func UUID(u uuid.UUID) Value { return Value{kind: KindUUID, str: string(u[:])} }

// Binary returns a copy of bytes.
func Binary(b []byte) Value { return Value{kind: KindBinary, str: string(b)} }

// AMQP returns a copy of one encoded AMQP value.
func AMQP(b []byte) Value { return Value{kind: KindAMQP, str: string(b)} }

// Kind returns the type of v.
func (v Value) Kind() Kind { return v.kind }

// Bool returns a boolean.
func (v Value) Bool() bool { return v.kind == KindBool && v.num != 0 }

// Int64 returns an integer.
func (v Value) Int64() int64 {
	if v.kind != KindInt64 {
		return 0
	}
	return int64(v.num)
}

// Double returns a floating-point number.
func (v Value) Double() float64 {
	if v.kind != KindDouble {
		return 0
	}
	return math.Float64frombits(v.num)
}

// Text returns a string. String is for every kind.
func (v Value) Text() string {
	if v.kind != KindString {
		return ""
	}
	return v.str
}

// Time returns a timestamp, in UTC.
func (v Value) Time() time.Time {
	if v.kind != KindTimestamp {
		return time.Time{}
	}
	return time.Unix(int64(v.num), int64(v.nanos)).UTC()
}

// UUID returns a UUID.
func (v Value) UUID() (u uuid.UUID) {
	if v.kind == KindUUID {
		copy(u[:], v.str)
	}
	return u
}

// Bytes returns a copy of a binary or AMQP value.
func (v Value) Bytes() []byte {
	if v.kind != KindBinary && v.kind != KindAMQP {
		return nil
	}
	return []byte(v.str)
}

// String returns v as text for a person or an environment variable; it does
// not tell the kinds apart. Timestamps are RFC 3339, bytes base64, null is
// empty.
func (v Value) String() string {
	switch v.kind {
	case KindBool:
		return strconv.FormatBool(v.Bool())
	case KindInt64:
		return strconv.FormatInt(v.Int64(), 10)
	case KindDouble:
		return strconv.FormatFloat(v.Double(), 'g', -1, 64)
	case KindTimestamp:
		return v.Time().Format(time.RFC3339Nano)
	case KindUUID:
		return v.UUID().String()
	case KindBinary, KindAMQP:
		return base64.StdEncoding.EncodeToString([]byte(v.str))
	}
	return v.str
}

// size is what v counts towards MaxPropertiesBytes.
func (v Value) size() int { return 8 + len(v.str) }

package queue

import (
	"github.com/jitney-mq/jitney/message"
)

// What the fuzz targets of stored records need: each decodes bytes and
// encodes again what they said.

// KeySize is the size of the key of an entry.
const KeySize = keySize

// RecodeEntry is for the value of an entry that stands under key.
func RecodeEntry(key, value []byte) ([]byte, error) {
	e, err := decodeEntry(key, value)
	if err != nil {
		return nil, err
	}
	return e.encode(), nil
}

// EntryKey is the key that an entry has which was read from under key.
func EntryKey(key, value []byte) ([]byte, error) {
	e, err := decodeEntry(key, value)
	if err != nil {
		return nil, err
	}
	return queueOf(key).keyOf(e), nil
}

// RecodeCounts is for the counts of a queue.
func RecodeCounts(value []byte) ([]byte, error) {
	c, err := decodeCounts(value)
	if err != nil {
		return nil, err
	}
	return c.encode(), nil
}

// RecodeHead is for record 0 of a body.
func RecodeHead(value []byte) ([]byte, *message.Message, error) {
	m, err := parseHead(value)
	if err != nil {
		return nil, nil, err
	}
	return head(m), m, nil
}

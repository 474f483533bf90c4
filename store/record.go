package store

import (
	"encoding/binary"
	"hash/crc32"
)

// A value on disk ends with a CRC-32C, big-endian, over table, key and value,
// so that a record that was changed or stands in the wrong place is found.
// bbolt itself has no checksum on its data pages.
const sumSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(t Table, key, value []byte) uint32 {
	sum := crc32.Update(uint32(len(t)), castagnoli, key)
	return crc32.Update(sum^uint32(t[0]), castagnoli, value)
}

// seal appends the checksum to value.
func seal(t Table, key, value []byte) []byte {
	return binary.BigEndian.AppendUint32(value, checksum(t, key, value))
}

// unseal returns the value without its checksum, or a *CorruptError.
func unseal(t Table, key, sealed []byte) ([]byte, error) {
	n := len(sealed) - sumSize
	if n < 0 || checksum(t, key, sealed[:n]) != binary.BigEndian.Uint32(sealed[n:]) {
		return nil, &CorruptError{Table: t, Key: append([]byte(nil), key...)}
	}
	return sealed[:n:n], nil
}

package queue

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"

	"github.com/google/uuid"
)

// tokens makes lock tokens and reads them. A token is a GUID: one block,
// encrypted under the store's secret, of
//
//	sub-queue (2 bits) and position (62 bits) | the lock's random half (64 bits)
//
// so that it says where its message is without an index, also after a
// restart, and cannot be made by somebody who was not given it [R5].
type tokens struct{ block cipher.Block }

func newTokens(secret []byte) (tokens, error) {
	block, err := aes.NewCipher(secret[:16])
	return tokens{block}, err
}

const positionBits = 62

func (t tokens) seal(sub SubQueue, position, random uint64) (token uuid.UUID) {
	binary.BigEndian.PutUint64(token[:], uint64(sub)<<positionBits|position)
	binary.BigEndian.PutUint64(token[8:], random)
	t.block.Encrypt(token[:], token[:])
	return token
}

// open returns what was sealed. Of a token that is none it returns anything:
// only the random half of the message that stands there decides.
func (t tokens) open(token uuid.UUID) (sub SubQueue, position, random uint64) {
	t.block.Decrypt(token[:], token[:])
	where := binary.BigEndian.Uint64(token[:])
	return SubQueue(where >> positionBits), where & (1<<positionBits - 1), binary.BigEndian.Uint64(token[8:])
}

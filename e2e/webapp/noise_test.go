package webapp_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"math/rand/v2"
	"os"
	"testing"
)

// noise is so many bytes that do not compress, the same in each run.
func noise(size int64) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{1}), size)
}

func hexSum(digest hash.Hash) string { return hex.EncodeToString(digest.Sum(nil)) }

// writeNoise makes a file of noise and returns its SHA-256 in hexadecimal.
func writeNoise(t testing.TB, path string, size int64) string {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, digest), noise(size))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return hexSum(digest)
}

package client

import (
	"io"
	"io/fs"
)

// lengthOf returns how many bytes a reader has left, or -1.
func lengthOf(r io.Reader) int64 {
	switch r := r.(type) {
	case interface{ Len() int }: // bytes.Buffer, bytes.Reader, strings.Reader
		return int64(r.Len())
	case file:
		return lengthOfFile(r)
	}
	return -1
}

type file interface {
	io.Seeker
	Stat() (fs.FileInfo, error)
}

func lengthOfFile(f file) int64 {
	stat, err := f.Stat()
	if err != nil || !stat.Mode().IsRegular() {
		return -1
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return -1
	}
	return max(stat.Size()-at, 0)
}

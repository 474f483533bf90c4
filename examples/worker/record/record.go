// Package record is what the programs of the worker example write to each
// other: lines about files.
package record

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// File is a line of the data set, and the body of a message: what a file
// should be.
type File struct {
	Hash string // SHA-256, in hexadecimal
	Size int64  // in bytes
	Path string // below the source folder, with slashes
}

// Read returns what the file at a path below the source folder is.
func Read(source, path string) (File, error) {
	f, err := os.Open(filepath.Join(source, filepath.FromSlash(path)))
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, f)
	return File{hex.EncodeToString(hash.Sum(nil)), size, path}, err
}

// ParseFile reads what String has written.
func ParseFile(line string) (File, error) {
	hash, rest, _ := strings.Cut(line, " ")
	size, path, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil || len(hash) != hex.EncodedLen(sha256.Size) || path == "" {
		return File{}, fmt.Errorf("%q is not a hash, a size and a path", line)
	}
	return File{hash, n, path}, nil
}

func (f File) String() string { return f.Hash + " " + strconv.FormatInt(f.Size, 10) + " " + f.Path }

// Package returns the folder of the file: the package that it is part of.
func (f File) Package() string { return path.Dir(f.Path) }

// Finding is what a worker's command has found out for one message.
type Finding struct {
	Number   int64  // the message's sequence number
	ID       string // the message's
	Delivery int    // 1 the first time
	File     File   // as it was found
}

// ParseFinding reads what String has written.
func ParseFinding(line string) (f Finding, err error) {
	words := strings.SplitN(line, " ", 4)
	if len(words) < 4 {
		return f, fmt.Errorf("%q is no finding", line)
	}
	f.ID = words[1]
	var errs [3]error
	f.Number, errs[0] = strconv.ParseInt(words[0], 10, 64)
	f.Delivery, errs[1] = strconv.Atoi(words[2])
	f.File, errs[2] = ParseFile(words[3])
	return f, errors.Join(errs[:]...)
}

func (f Finding) String() string {
	return fmt.Sprintf("%d %s %d %s", f.Number, f.ID, f.Delivery, f.File)
}

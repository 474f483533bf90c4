package server

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/jitney-mq/jitney/js"
)

// module answers the module for web pages, for as long as it stays the same from
// their own memory [S9].
func (x *exchange) module() error {
	sum := sha256.Sum256([]byte(js.Source()))
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	h := x.Header()
	h["Etag"], h["Cache-Control"] = []string{tag}, []string{"no-cache"}
	if x.r.Header.Get("If-None-Match") == tag {
		x.WriteHeader(http.StatusNotModified)
		return nil
	}
	return x.write(http.StatusOK, "text/javascript; charset=utf-8", []byte(js.Source()))
}

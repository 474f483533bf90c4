package main

import (
	"net/http"
	"net/url"
	"os"
)

// folder serves the files of a folder, and of none above it, at a connection point.
type folder struct {
	files http.Handler
	depth int // segments of the connection point's name
}

func openFolder(dir, name string) (*folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &folder{http.FileServerFS(root.FS()), depthOf(name)}, nil
}

// ServeHTTP answers with a file, or a list of those in a folder.
func (f *folder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	prefix := r.Header.Get("X-Forwarded-Prefix")
	if prefix != "" && r.URL.EscapedPath() == prefix {
		http.Redirect(w, r, prefix+"/", http.StatusMovedPermanently) // links are relative to the folder
		return
	}
	below, err := url.PathUnescape(belowPoint(r.URL, f.depth))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	own := r.Clone(r.Context())
	own.URL = &url.URL{Path: below}
	f.files.ServeHTTP(w, own)
}

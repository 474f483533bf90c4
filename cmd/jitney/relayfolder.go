package main

import (
	"cmp"
	"io/fs"
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
	return &folder{http.FileServerFS(plainFiles{root}), depthOf(name)}, nil
}

// ServeHTTP answers with a file, or a list of those in a folder.
func (f *folder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "files are shown here, and not changed", http.StatusMethodNotAllowed)
		return
	}
	prefix := r.Header.Get("X-Forwarded-Prefix")
	if prefix != "" && r.URL.EscapedPath() == prefix {
		to := url.URL{RawQuery: r.URL.RawQuery}
		http.Redirect(w, r, prefix+"/"+to.String(), http.StatusMovedPermanently) // links are relative to the folder
		return
	}
	below, err := url.PathUnescape(cmp.Or(belowPoint(r.URL, f.depth), "/"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	own := r.Clone(r.Context())
	own.URL = &url.URL{Path: below, RawQuery: r.URL.RawQuery}
	f.files.ServeHTTP(w, own)
}

// plainFiles are the files and folders below a root: no pipes and devices, which
// would hold a reader up, and nothing that a link leads out to.
type plainFiles struct{ root *os.Root }

// Open is part of fs.FS.
func (p plainFiles) Open(name string) (fs.File, error) {
	info, err := p.root.Stat(name)
	if err != nil || !info.Mode().IsRegular() && !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return p.root.Open(name)
}

package namespace_test

import (
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/store"
)

func openStore(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir, store.Options{Tables: namespace.Tables, MinFree: -1, GrowBy: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func openRegistry(t *testing.T, s *store.Store) *namespace.Registry {
	t.Helper()
	r, err := namespace.OpenRegistry(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func put(t *testing.T, s *store.Store, r *namespace.Registry, names ...string) {
	t.Helper()
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		for _, n := range names {
			e := &namespace.Entry{Name: namespace.MustParse(n), Policy: policy.NewQueue(), CreatedAt: tx.Now, UpdatedAt: tx.Now}
			if err := r.In(tx).Put(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// [N5]: the longest name with a role wins.
func TestResolve(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir())
	r := openRegistry(t, s)
	put(t, s, r, "/a", "/a/b/c")
	for path, want := range map[string]string{
		"/a": "/a 1", "/A/messages/head": "/a 1", "/a/b": "/a 1", "/a/b/C/messages": "/a/b/c 3", "/b": " 0", "/": " 0",
	} {
		p, err := namespace.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		e, depth := r.Resolve(p)
		got := " 0"
		if e != nil {
			got = e.Name.String() + " " + string(rune('0'+depth))
		}
		if got != want {
			t.Errorf("%s resolves to %q, want %q", path, got, want)
		}
	}
}

// [N3]: what leads to something is listed once, in pages.
func TestChildren(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir())
	r := openRegistry(t, s)
	put(t, s, r, "/Shop", "/shop/orders", "/shop/orders/new", "/shop/x/y/z", "/shop-b", "/shop/b")
	var seen []string
	after := ""
	for more := true; more; {
		var list []namespace.Child
		var err error
		list, more, err = r.Children(namespace.MustParse("/shop"), after, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			after = c.Name.Base()
			mark := ""
			if c.Entry == nil {
				mark = " (none)"
			}
			seen = append(seen, after+mark)
		}
	}
	if got, want := strings.Join(seen, ","), "b,orders,x (none)"; got != want {
		t.Errorf("below /shop: %q, want %q", got, want)
	}
}

// [N2]: keys that were made with other Unicode tables are made anew at start.
func TestRekey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir)
	put(t, s, openRegistry(t, s), "/Ärger")
	key := []byte(namespace.MustParse("/ärger").Key())
	old := []byte("\x00as another version folds it")
	moveKey(t, s, key, old)
	r := openRegistry(t, s)
	if r.Get(namespace.MustParse("/ÄRGER")) == nil {
		t.Error("the name is not found under the key of this version")
	}
	if err := s.View(func(v *store.Reader) error {
		if value, err := v.Get(namespace.Tables[0], old); value != nil || err != nil {
			t.Errorf("the old key is still there: %q, %v", value, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// moveKey makes the store look as one that another version has written.
func moveKey(t *testing.T, s *store.Store, from, to []byte) {
	t.Helper()
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		v, err := tx.Get(namespace.Tables[0], from)
		if err != nil {
			return err
		}
		tx.Put(namespace.Tables[0], to, append([]byte(nil), v...))
		tx.Delete(namespace.Tables[0], from)
		tx.Put(namespace.Tables[0], []byte("unicode"), []byte("1.0"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

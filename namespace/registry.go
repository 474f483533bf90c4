package namespace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/store"
)

// Tables are what a store of names has to have.
var Tables = []store.Table{namesTable}

// namesTable: key of the name → Entry.
const namesTable = store.Table("names")

// DueExpiry is the class of the store's due index under which the expiry of
// names stands; the reference is the key of the name.
const DueExpiry byte = 16

// An Entry is a name that has a role. It is not changed once it is in a
// Registry: a change puts another one in its place.
type Entry struct {
	Name      Name
	Policy    policy.Policy
	Number    uint64 // of the primitive that has the messages; 0 for a role without any
	Version   uint64 // the commit that put the entry
	CreatedAt time.Time
	UpdatedAt time.Time
}

// ETag is the entity tag of the entry's policy: it changes with every change [P3].
func (e *Entry) ETag() string { return `"` + strconv.FormatUint(e.Version, 16) + `"` }

// stored is the JSON form of an Entry; it follows a version byte.
type stored struct {
	Name      string          `json:"name"`
	Policy    json.RawMessage `json:"policy"`
	Number    uint64          `json:"number,omitempty"`
	Version   uint64          `json:"version"`
	CreatedAt time.Time       `json:"createdAt"`
	UpdatedAt time.Time       `json:"updatedAt"`
}

const entryVersion = 1

func (e *Entry) encode() ([]byte, error) {
	p, err := json.Marshal(e.Policy)
	if err != nil {
		return nil, err
	}
	v, err := json.Marshal(stored{e.Name.String(), p, e.Number, e.Version, e.CreatedAt, e.UpdatedAt})
	return append([]byte{entryVersion}, v...), err
}

// policies remembers what it has parsed: most names of a namespace have one of
// a few policies.
type policies map[string]policy.Policy

// maxPolicies bounds what is remembered.
const maxPolicies = 1000

func (m policies) parse(text []byte) (policy.Policy, error) {
	if p, ok := m[string(text)]; ok {
		return p, nil
	}
	p, err := policy.ParseJSON(text)
	if err == nil && m != nil && len(m) < maxPolicies {
		m[string(text)] = p
	}
	return p, err
}

func (m policies) decode(v []byte) (*Entry, error) {
	if len(v) == 0 || v[0] != entryVersion {
		return nil, errors.New("a name's record has a layout that this version does not read")
	}
	var s stored
	if err := json.Unmarshal(v[1:], &s); err != nil {
		return nil, err
	}
	name, err := Parse(s.Name)
	if err != nil {
		return nil, err
	}
	p, err := m.parse(s.Policy)
	if err != nil {
		return nil, fmt.Errorf("policy of %s: %w", s.Name, err)
	}
	return &Entry{name, p, s.Number, s.Version, s.CreatedAt, s.UpdatedAt}, nil
}

// A Registry knows the names that have a role. What it answers is what is on
// disk; an op that changes it asks In(tx), which sees the ops before it.
type Registry struct {
	store   *store.Store
	mu      sync.RWMutex // guards entries
	entries map[string]*Entry
}

// unicodeKey is where namesTable has the version of the tables that its keys
// were made with. No name has such a key: theirs begin with a zero byte.
const unicodeKey = "unicode"

// OpenRegistry reads all names of the store. If their keys were made with other
// Unicode tables they are made anew [N2].
func OpenRegistry(ctx context.Context, s *store.Store) (*Registry, error) {
	r, version, err := readRegistry(s)
	if err != nil || version == UnicodeVersion {
		return r, err
	}
	if err := s.Update(ctx, r.rekey); err != nil {
		return nil, err
	}
	r, _, err = readRegistry(s)
	return r, err
}

// rekey puts every entry under the key that its name has now.
func (r *Registry) rekey(tx *store.Tx) error {
	taken := make(map[string]*Entry, len(r.entries))
	for _, e := range r.entries {
		if other := taken[e.Name.Key()]; other != nil {
			return fmt.Errorf("%s and %s are the same name under Unicode tables %s", other.Name, e.Name, UnicodeVersion)
		}
		taken[e.Name.Key()] = e
	}
	for key, e := range r.entries {
		if key == e.Name.Key() {
			continue
		}
		v, err := e.encode()
		if err != nil {
			return err
		}
		tx.Delete(namesTable, []byte(key))
		tx.Put(namesTable, []byte(e.Name.Key()), v)
		if at := e.Policy.Shared().ExpiresAt; !at.IsZero() {
			tx.DeleteDue(store.Due{Class: DueExpiry, At: at, Ref: []byte(key)})
			tx.PutDue(expiry(e, at))
		}
	}
	tx.Put(namesTable, []byte(unicodeKey), []byte(UnicodeVersion))
	return nil
}

// readRegistry reads the entries under the keys that they have, and the
// version of the tables that these were made with.
func readRegistry(s *store.Store) (*Registry, string, error) {
	r := &Registry{store: s, entries: make(map[string]*Entry)}
	known := make(policies)
	var version string
	err := s.View(func(v *store.Reader) error {
		text, err := v.Get(namesTable, []byte(unicodeKey))
		if err != nil {
			return err
		}
		version = string(text)
		for rec := range v.Scan(namesTable, []byte{0}, []byte{1}) {
			if rec.Err != nil {
				return rec.Err
			}
			e, err := known.decode(rec.Value)
			if err != nil {
				return err
			}
			r.entries[string(rec.Key)] = e
		}
		return nil
	})
	return r, version, err
}

// All returns every entry, in no order.
func (r *Registry) All() []*Entry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	list := make([]*Entry, 0, len(r.entries))
	for _, e := range r.entries {
		list = append(list, e)
	}
	return list
}

// Len is how many names have a role.
func (r *Registry) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.entries)
}

// Get returns the entry of a name, nil if it has no role.
func (r *Registry) Get(n Name) *Entry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.entries[n.Key()]
}

// Resolve returns the entry of the longest name with a role that the path is
// or is below of, nil if there is none, and how many segments it has [N5].
func (r *Registry) Resolve(p Path) (*Entry, int) {
	longest := p.Longest()
	r.mu.RLock()
	defer r.mu.RUnlock()
	for depth := longest.Depth(); depth > 0; depth-- {
		if e := r.entries[longest.Prefix(depth).Key()]; e != nil {
			return e, depth
		}
	}
	return nil, 0
}

// A Child is a name directly below another one that leads to something.
type Child struct {
	Name  Name
	Entry *Entry // nil if it has no role itself
}

// Children returns up to limit names directly below n that have a role or have
// names with one below them, in the order of keys, beginning behind the segment
// after; and whether there are more [N3]. Its cost grows with limit alone.
func (r *Registry) Children(n Name, after string, limit int) (list []Child, more bool, err error) {
	from, to := n.Below()
	if after != "" {
		from = n.Key() + "\x00" + FoldSegment(after) + "\x01"
	}
	err = r.store.View(func(v *store.Reader) error {
		for {
			e, err := first(v, from, to)
			if e == nil || err != nil {
				return err
			}
			if len(list) == limit {
				more = true
				return nil
			}
			child := Child{Name: e.Name.Prefix(n.Depth() + 1)}
			if e.Name.Depth() == child.Name.Depth() {
				child.Entry = e
			}
			list = append(list, child)
			from = child.Name.Key() + "\x01"
		}
	})
	return list, more, err
}

// first returns the first entry of a range of keys, nil if there is none.
func first(v *store.Reader, from, to string) (*Entry, error) {
	for rec := range v.Scan(namesTable, []byte(from), []byte(to)) {
		if rec.Err != nil {
			return nil, rec.Err
		}
		return policies(nil).decode(rec.Value)
	}
	return nil, nil
}

// Change is a Registry as an op sees and changes it.
type Change struct {
	registry *Registry
	tx       *store.Tx
}

// In returns the registry for an op.
func (r *Registry) In(tx *store.Tx) Change { return Change{r, tx} }

// Get returns the entry of a name, nil if it has no role.
func (c Change) Get(n Name) (*Entry, error) { return c.GetKey(n.Key()) }

// GetKey is Get for the key of a name.
func (c Change) GetKey(key string) (*Entry, error) {
	v, err := c.tx.Get(namesTable, []byte(key))
	if v == nil || err != nil {
		return nil, err
	}
	return policies(nil).decode(v)
}

// FirstBelow returns an entry below n whose next segment is one of words, or
// any entry below n if there are no words; nil if there is none.
func (c Change) FirstBelow(n Name, words ...string) (*Entry, error) {
	if len(words) == 0 {
		from, to := n.Below()
		return first(&c.tx.Reader, from, to)
	}
	for _, word := range words {
		from := n.Key() + "\x00" + FoldSegment(word)
		if e, err := first(&c.tx.Reader, from, from+"\x01"); e != nil || err != nil {
			return e, err
		}
	}
	return nil, nil
}

// Each calls fn with every entry below n whose next segment is word, until fn
// returns an error, and returns that.
func (c Change) Each(n Name, word string, fn func(*Entry) error) error {
	from := n.Key() + separator + FoldSegment(word) + separator
	for rec := range c.tx.Scan(namesTable, []byte(from), []byte(from[:len(from)-1]+below)) {
		if rec.Err != nil {
			return rec.Err
		}
		e, err := policies(nil).decode(rec.Value)
		if err != nil {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

// Count returns how many names below n have a role and word as their next segment.
func (c Change) Count(n Name, word string) int {
	from := n.Key() + separator + FoldSegment(word) + separator
	count := 0
	for range c.tx.Scan(namesTable, []byte(from), []byte(from[:len(from)-1]+below)) {
		count++
	}
	return count
}

// Put gives the name of e the role of e, in place of an entry that it has.
func (c Change) Put(e *Entry) error {
	old, err := c.Get(e.Name)
	if err != nil {
		return err
	}
	e.Version = c.tx.Number
	v, err := e.encode()
	if err != nil {
		return err
	}
	if old != nil {
		c.undue(old)
	}
	c.tx.Put(namesTable, []byte(e.Name.Key()), v)
	if at := e.Policy.Shared().ExpiresAt; !at.IsZero() {
		c.tx.PutDue(expiry(e, at))
	}
	c.tx.OnCommit(func() {
		c.registry.mu.Lock()
		defer c.registry.mu.Unlock()
		c.registry.entries[e.Name.Key()] = e
	})
	return nil
}

// Delete takes the role of e's name away.
func (c Change) Delete(e *Entry) {
	c.undue(e)
	c.tx.Delete(namesTable, []byte(e.Name.Key()))
	c.tx.OnCommit(func() {
		c.registry.mu.Lock()
		defer c.registry.mu.Unlock()
		delete(c.registry.entries, e.Name.Key())
	})
}

func (c Change) undue(e *Entry) {
	if at := e.Policy.Shared().ExpiresAt; !at.IsZero() {
		c.tx.DeleteDue(expiry(e, at))
	}
}

func expiry(e *Entry, at time.Time) store.Due {
	return store.Due{Class: DueExpiry, At: at, Ref: []byte(e.Name.Key())}
}

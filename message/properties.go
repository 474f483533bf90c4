package message

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jitney-mq/jitney/problem"
)

// Properties are an application's own: typed values in the order of their
// names, which keep their case and are unique. The zero value is empty. A copy
// shares its content with the original, so Set and Delete are for the owner
// only; others Clone first. [Q3]
type Properties struct {
	list []property // sorted by name
}

type property struct {
	name  string
	value Value
}

// Len returns the number of properties.
func (p Properties) Len() int { return len(p.list) }

// Get returns the value of a property and whether there is one.
func (p Properties) Get(name string) (Value, bool) {
	i, ok := p.find(name)
	if !ok {
		return Value{}, false
	}
	return p.list[i].value, true
}

// Set adds a property or gives it another value. Limits are checked by
// Message.Validate.
func (p *Properties) Set(name string, v Value) {
	i, ok := p.find(name)
	if ok {
		p.list[i].value = v
		return
	}
	p.list = slices.Insert(p.list, i, property{name, v})
}

// Delete removes a property if there is one of that name.
func (p *Properties) Delete(name string) {
	if i, ok := p.find(name); ok {
		p.list = slices.Delete(p.list, i, i+1)
	}
}

// All yields the properties in the order of their names.
func (p Properties) All() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for _, o := range p.list {
			if !yield(o.name, o.value) {
				return
			}
		}
	}
}

// Clone returns a copy that shares nothing that changes.
func (p Properties) Clone() Properties { return Properties{slices.Clone(p.list)} }

// Equal reports whether p and q have the same names with the same values.
func (p Properties) Equal(q Properties) bool { return slices.Equal(p.list, q.list) }

// Size returns what the properties count towards MaxPropertiesBytes: the bytes
// of each name and of each string or binary value, and 8 for each value.
func (p Properties) Size() int {
	size := 0
	for _, o := range p.list {
		size += len(o.name) + o.value.size()
	}
	return size
}

func (p Properties) find(name string) (int, bool) {
	return slices.BinarySearchFunc(p.list, name, func(o property, name string) int {
		return strings.Compare(o.name, name)
	})
}

// sorted makes properties of a list in any order. It returns the name that
// occurs twice, if one does.
func sorted(list []property) (p Properties, twice string, ok bool) {
	slices.SortFunc(list, func(a, b property) int { return cmp.Compare(a.name, b.name) })
	for i := 1; i < len(list); i++ {
		if list[i].name == list[i-1].name {
			return Properties{}, list[i].name, false
		}
	}
	return Properties{list}, "", true
}

// check returns the first limit that the properties break. The element of the
// problem is the property's name behind prefix.
func (p Properties) check(prefix string) error {
	for _, o := range p.list {
		switch {
		case !utf8.ValidString(o.name), o.value.kind == KindString && !utf8.ValidString(o.value.str):
			return problem.NewField(prefix+shorten(o.name), o.value.String(), "UTF-8")
		case o.name == "", utf8.RuneCountInString(o.name) > MaxPropertyNameCharacters:
			return problem.NewField(prefix+shorten(o.name), o.name, "a name of 1 to %d characters", MaxPropertyNameCharacters)
		}
	}
	if size := p.Size(); size > MaxPropertiesBytes {
		largest := slices.MaxFunc(p.list, func(a, b property) int { return cmp.Compare(a.value.size(), b.value.size()) })
		return problem.NewField(prefix+shorten(largest.name), largest.value.String(),
			"application properties of at most %d bytes in all, not %d", MaxPropertiesBytes, size)
	}
	return nil
}

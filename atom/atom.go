// Package atom reads and writes Atom entries and feeds, as XML (RFC 4287, with
// the links of RFC 5023 and RFC 5005) and as their JSON twins. It trusts no
// byte that it reads.
package atom

// Namespace is the XML namespace of Atom.
const Namespace = "http://www.w3.org/2005/Atom"

// Media types of the XML documents that this package writes. A JSON twin is
// application/json.
const (
	EntryType = "application/atom+xml;type=entry;charset=utf-8"
	FeedType  = "application/atom+xml;type=feed;charset=utf-8"
)

// Limits of a document that is read. One that exceeds them is refused whole.
const (
	MaxEntry      = 256 << 10 // bytes of an entry, XML or JSON
	MaxFeed       = 8 << 20   // bytes of a feed
	maxDepth      = 64        // elements inside one another, the root included
	maxElements   = 10_000    // elements, or JSON values, of a document
	maxAttributes = 64        // attributes of one element, declarations included
	maxName       = 128       // bytes of a name and of a prefix
)

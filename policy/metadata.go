package policy

import (
	"net/url"
	"slices"
	"strings"
)

// Metadata makes its name a reference to something elsewhere. Its zero value
// lacks nothing but an Address.
type Metadata struct {
	Common

	Address string // an absolute URI with a host; required
	Text    string // about it, for people; at most 4,096 characters
}

// Kind returns MetadataKind.
func (m Metadata) Kind() Kind { return MetadataKind }

// MarshalJSON returns the twin of the policy element: {"MetadataPolicy":{…}}.
func (m Metadata) MarshalJSON() ([]byte, error) { return marshal(m) }

func (m Metadata) sealed() {}

// maxAddress bounds an address, in bytes; it is sent in a header.
const maxAddress = 2048

// isAddress reports whether a browser can safely be sent to address: it is a
// URI in the characters of RFC 3986 that names a host, and its scheme neither
// runs a script nor reads the visitor's own machine.
func isAddress(address string) bool {
	if len(address) > maxAddress || strings.Trim(address, uriCharacters) != "" {
		return false
	}
	u, err := url.Parse(address)
	return err == nil && u.IsAbs() && u.Hostname() != "" && !slices.Contains(localSchemes, u.Scheme)
}

const uriCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" +
	"-._~:/?#[]@!$&'()*+,;=%"

// localSchemes are the schemes that a browser carries out itself.
var localSchemes = []string{
	"javascript", "vbscript", "livescript", "mocha", "data", "blob", "file", "filesystem", "about", "view-source", "jar",
}

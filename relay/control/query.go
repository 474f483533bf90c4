package control

import (
	"net/url"
	"strings"
)

// WithoutOwn returns a query without the arguments that are the relay's own, whose
// names begin with Prefix in any case. The others stay as they were written.
func WithoutOwn(query string) string {
	if query == "" {
		return ""
	}
	var kept []string
	for argument := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(argument, "="); !isOwn(name) {
			kept = append(kept, argument)
		}
	}
	return strings.Join(kept, "&")
}

func isOwn(name string) bool {
	plain, err := url.QueryUnescape(name)
	return err == nil && len(plain) >= len(Prefix) && strings.EqualFold(plain[:len(Prefix)], Prefix)
}

// Package js holds the module by which web pages talk to a broker. What it
// offers is documented at its top.
package js

import _ "embed"

//go:embed jitney.js
var source string

// Source returns jitney.js, an ES module.
func Source() string { return source }

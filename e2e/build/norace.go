//go:build !race

package build

// Race says whether this program has the race detector.
const Race = false

var jitney = []string{Jitney}

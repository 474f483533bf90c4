//go:build race

package build

// Race says whether this program has the race detector.
const Race = true

var jitney = []string{"-race", Jitney}

//go:build race

package crash_test

const raceEnabled = true // the program is built likewise then

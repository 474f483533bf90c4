//go:build race

package store_test

const raceEnabled = true // tests that do the same thing very often do it less often then

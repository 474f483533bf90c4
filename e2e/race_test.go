//go:build race

package e2e_test

const raceEnabled = true // the program is built likewise then

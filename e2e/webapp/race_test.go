//go:build race

package webapp_test

const raceEnabled = true // the program is built likewise then

//go:build !race

package webapp_test

const raceEnabled = false

//go:build !race

package broker_test

// checks is how many random histories a run of the tests tries.
const checks = 200

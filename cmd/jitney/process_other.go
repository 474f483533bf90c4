//go:build !unix

package main

import "os/exec"

// ownGroup does nothing: a command's children outlive it when it is killed.
func ownGroup(*exec.Cmd) {}

//go:build !linux

package crash_test

import "syscall"

func endWithTest() *syscall.SysProcAttr { return nil }

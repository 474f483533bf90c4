package crash_test

import "syscall"

// endWithTest has the system kill a broker whose test has been killed.
func endWithTest() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

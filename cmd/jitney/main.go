// Command jitney is a service bus in one program: the broker, and the tools to
// talk to one.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

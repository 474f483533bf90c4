// Package e2e drives a running broker from outside, as its users do. Its tests
// run the scripts in testdata/script, which are written without Go, and every
// command that the documentation shows.
//
// A script is a text archive of github.com/rogpeppe/go-internal/testscript:
// commands, and behind them the files that they use. The commands of ours are
//
//	broker start [flag…]     run jitney serve in the script's folder
//	broker stop              have it shut down, which it must do well
//	broker kill              kill it with SIGKILL
//	broker restart [flag…]   kill it and start it again at the same address
//	jitney argument…         run the program; it must succeed
//	exits code command…      run a command that ends with this exit code
//	http METHOD path […]     make a request, see below
//	let NAME regexp          set $NAME to the first group of regexp in the last output
//	instant NAME duration    set $NAME to the instant so long after now
//	await FILE regexp        wait until a file has a line that matches
//
// What http and jitney print is held for stdout, cmp and let. For cmp, what is
// different in every run is replaced: GUID, TIME (an instant), TAG (an
// entity tag), URL (the broker's). So cmp compares with a file of the script, and
//
//	go test ./e2e -run TestScripts/name -update
//
// writes these files anew; read what changed.
//
// The arguments of http are, in any order behind the method and the path,
// headers such as 'Content-Type: text/plain', -d 'the body', -f FILE with the
// body, and -v to be shown all headers. It prints the status, the headers and
// the body, JSON and XML indented.
//
// When a script has ended the broker is stopped and jitney check reads the
// data folder that it leaves.
package e2e

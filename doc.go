// Package jitney is the module of Jitney, a service bus in one program. It
// holds no code: README.md says what Jitney is, ARCHITECTURE.md where to begin
// to read, cmd/jitney is the program, package client is for applications that
// talk to a broker, and package broker is for those that want one inside.
package jitney

package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jitney-mq/jitney/client"
)

// public returns by which URLs the server is reached, a line each. Those of a web
// server end in a slash, so that links that are relative lead below it. The last one
// is where its pages run their scripts, if the broker has such an address.
func (l *relayListen) public(ctx context.Context, c *client.Client, name string) string {
	broker := c.URL()
	if strings.HasPrefix(l.to, "tcp:") {
		return broker + pathOf(name)
	}
	lines := broker + pathOf(name) + "/"
	info, err := c.Info(ctx)
	if err != nil || info.RelayPort == 0 { // whoever cannot be asked has none
		return lines
	}
	u, err := url.Parse(broker)
	if err != nil || u.Scheme != "http" { // how a proxy for TLS is reached only its owner knows
		return lines
	}
	return lines + "\n" + relayPlace(u.Hostname(), name, info.RelayPort)
}

func pathOf(name string) string {
	return (&url.URL{Path: "/" + strings.Trim(name, "/")}).EscapedPath()
}

// hostLabel is a segment of a name that can be a host's label.
var hostLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// relayPlace returns where a name is at the relaying address: on this machine at a
// host of its own. That another one's name server has them is not known.
func relayPlace(broker, name string, port int) string {
	labels := strings.Split(strings.ToLower(strings.Trim(name, "/")), "/")
	ip, err := netip.ParseAddr(broker)
	isHere := err == nil && ip.IsLoopback() || broker == "localhost"
	if !isHere || slices.ContainsFunc(labels, func(l string) bool { return !hostLabel.MatchString(l) }) {
		return "http://" + net.JoinHostPort(broker, strconv.Itoa(port)) + pathOf(name) + "/"
	}
	slices.Reverse(labels)
	return fmt.Sprintf("http://%s.localhost:%d/", strings.Join(labels, "."), port)
}

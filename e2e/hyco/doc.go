// Package hyco has Microsoft's published clients of Azure Relay, hyco-ws and
// hyco-https, use a running broker as their relay, unmodified as npm installs them.
// The broker's own listeners and senders have no part in it.
//
// The clients are used by four small programs, which can be used by hand as well:
//
//	npm ci
//	curl http://127.0.0.1:5300/echo -H 'Content-Type: application/vnd.jitney.policy+json' -d '{"ConnectionPointPolicy":{}}'
//	node listen.js 127.0.0.1:5300 echo
//	node connect.js 127.0.0.1:5300 echo
//
// The tests install the clients into a folder of their own and fail where npm or
// Node is missing; go test -short leaves them out.
package hyco

package message

import (
	"net/http"
	"strings"
)

// closedHeaders are headers that never are application properties: the field
// names that IANA has registered (permanent, provisional, deprecated and
// obsolete), then what browsers, proxies and gateways add of themselves, then
// what holds credentials. [Q3]
//
// Registered, and left out on purpose: Traceparent and Tracestate, as a trace
// has to reach whoever handles the message; and Label, Position, Priority,
// Protocol, Public, Safe, Timeout, Topic and Urgency, which are words that
// applications choose, Azure's own examples among them, and which no client
// sends with a message of itself. Priority alone is told by its value, see
// isProperty.
const closedHeaders = `
A-IM Accept Accept-Additions Accept-CH Accept-Charset Accept-Datetime
Accept-Encoding Accept-Features Accept-Language Accept-Patch Accept-Post
Accept-Query Accept-Ranges Accept-Signature Access-Control
Access-Control-Allow-Credentials Access-Control-Allow-Headers
Access-Control-Allow-Methods Access-Control-Allow-Origin
Access-Control-Expose-Headers Access-Control-Max-Age
Access-Control-Request-Headers Access-Control-Request-Method
Activate-Storage-Access Age Allow ALPN Alt-Svc Alt-Used Alternates
AMP-Cache-Transform Apply-To-Redirect-Ref Authentication-Control
Authentication-Info Authorization Available-Dictionary C-Ext C-Man C-Opt C-PEP
C-PEP-Info Cache-Control Cache-Group-Invalidation Cache-Groups Cache-Status
Cal-Managed-ID CalDAV-Timezones Capsule-Protocol CDN-Cache-Control CDN-Loop
Cert-Not-After Cert-Not-Before Clear-Site-Data Client-Cert Client-Cert-Chain
Close CMCD-Object CMCD-Request CMCD-Session CMCD-Status CMSD-Dynamic
CMSD-Static Concealed-Auth-Export Configuration-Context Connection Content-Base
Content-Digest Content-Disposition Content-Encoding Content-ID Content-Language
Content-Length Content-Location Content-MD5 Content-Range Content-Script-Type
Content-Security-Policy Content-Security-Policy-Report-Only Content-Style-Type
Content-Type Content-Version Cookie Cookie2
Cross-Origin-Embedder-Policy Cross-Origin-Embedder-Policy-Report-Only
Cross-Origin-Opener-Policy Cross-Origin-Opener-Policy-Report-Only
Cross-Origin-Resource-Policy CTA-Common-Access-Token DASL Date DAV
Default-Style Delta-Base Deprecation Depth Derived-From Destination
Detached-JWS Dictionary-ID Differential-ID Digest DPoP DPoP-Nonce Early-Data
EDIINT-Features ETag Expect Expect-CT Expires Ext Forwarded From GetProfile
Hobareg Host HTTP2-Settings If If-Match If-Modified-Since If-None-Match If-Range
If-Schedule-Tag-Match If-Unmodified-Since IM Include-Referred-Token-Binding-ID
Incremental Integrity-Policy Integrity-Policy-Report-Only Isolation Keep-Alive
Last-Event-ID Last-Modified Link Link-Template Location Lock-Token Man
Max-Forwards Memento-Datetime Meter Method-Check
Method-Check-Expires MIME-Version Negotiate NEL OData-EntityId OData-Isolation
OData-MaxVersion OData-Version Opt Optional-WWW-Authenticate Ordering-Type
Origin Origin-Agent-Cluster OSCORE OSLC-Core-Version Overwrite P3P PEP PEP-Info
Permissions-Policy Permissions-Policy-Report-Only PICS-Label Ping-From Ping-To
Pragma Prefer Preference-Applied ProfileObject Protocol-Info Protocol-Query
Protocol-Request Proxy-Authenticate Proxy-Authentication-Info
Proxy-Authorization Proxy-Connection Proxy-Features Proxy-Instruction
Proxy-Status Public-Key-Pins Public-Key-Pins-Report-Only Range Redirect-Ref
Referer Referer-Root Referrer-Policy Refresh Repeatability-Client-ID
Repeatability-First-Sent Repeatability-Request-ID Repeatability-Result
Replay-Nonce Report-To Reporting-Endpoints Repr-Digest
Retry-After Schedule-Reply Schedule-Tag Security-Scheme Server Server-Timing
Set-Cookie Set-Cookie2 Set-Login Set-Txn SetProfile Signature Signature-Input
SLUG SoapAction Speculation-Rules Status-URI Strict-Transport-Security Sunset
Supports-Loading-Mode Surrogate-Capability Surrogate-Control TCN TE
Timing-Allow-Origin Trailer Transfer-Encoding TTL Unencoded-Digest Upgrade
Upgrade-Insecure-Requests URI Use-As-Dictionary User-Agent Variant-Vary Vary Via
Want-Content-Digest Want-Digest Want-Repr-Digest Want-Unencoded-Digest Warning
WWW-Authenticate X-Content-Type-Options X-Frame-Options

Attribution-Reporting-Eligible Content-DPR Device-Memory DNT Downlink DPR ECT
Front-End-Https Purpose RTT Save-Data Service-Worker
Service-Worker-Navigation-Preload SourceMap Viewport-Width
X-Accel-Buffering X-Accel-Redirect X-Amz-Cf-Id X-Amzn-Trace-Id X-ARR-LOG-ID
X-ARR-SSL X-Att-Deviceid X-Client-Ip X-Cloud-Trace-Context X-Cluster-Client-Ip
X-Correlation-ID X-DNS-Prefetch-Control X-Download-Options X-HTTP-Method
X-HTTP-Method-Override X-Method-Override X-Permitted-Cross-Domain-Policies
X-Powered-By X-ProxyUser-Ip X-Real-Ip X-Remote-Addr X-Remote-User
X-Request-ID X-Requested-With X-Robots-Tag X-SITE-DEPLOYMENT-ID X-UA-Compatible
X-UIDH X-WAP-Profile X-XSS-Protection True-Client-Ip Client-Ip Remote-User
Max-DataServiceVersion DataServiceVersion X-Ms-RetryPolicy X-Ms-Version
X-Ms-Date X-Ms-Client-Request-Id BrokerProperties

Api-Key Apikey X-Api-Key X-Apikey X-Auth X-Auth-Key X-Auth-Email X-Auth-User
X-Jwt X-Session X-Session-Id X-SSL-Client-Cert X-Client-Cert
Ocp-Apim-Subscription-Key X-Functions-Key X-ZUMO-AUTH AEG-SAS-Key
X-Amz-Date X-Amz-Content-Sha256 X-Goog-Authenticated-User-Email
X-Goog-Authenticated-User-Id X-Goog-IAP-JWT-Assertion
`

// traceHeaders are properties whose text is not quoted, so that whoever reads
// traces finds them as they were sent.
const traceHeaders = "Traceparent Tracestate Baggage"

// closedPrefixes begin the headers of whole families: hop-by-hop and proxies',
// browsers', the broker's own, and those of well-known gateways.
var closedPrefixes = []string{
	"Access-Control-", "Cf-", "Fastly-", "Fly-", "Jitney-", "Proxy-", "Sec-", "X-Appengine-", "X-Azure-",
	"X-Envoy-", "X-Forwarded-", "X-Ms-Client-", "X-Ms-Token-", "X-Original-", "X-Vercel-",
}

// credentialWords are the words of a header's name, between its hyphens, that
// tell that its value is a secret.
const credentialWords = "Authorization Authentication Cookie Credential Credentials Csrf " +
	"Csrftoken Jwt Passwd Password Secret Token Xsrf"

var (
	isClosed     = setOf(closedHeaders)
	isCredential = setOf(credentialWords)
	isTrace      = setOf(traceHeaders)
)

// setOf returns the words of a text, spelled as http.Header spells its keys.
func setOf(text string) map[string]bool {
	set := make(map[string]bool)
	for word := range strings.FieldsSeq(text) {
		set[http.CanonicalHeaderKey(word)] = true
	}
	return set
}

// IsPropertyHeader reports whether a header of this name, in any case, may
// carry an application property: it is a token of HTTP and not on the closed
// list. [Q3]
func IsPropertyHeader(name string) bool {
	if !isToken(name) {
		return false
	}
	name = http.CanonicalHeaderKey(name)
	if isClosed[name] || strings.HasSuffix(name, "authorization") {
		return false
	}
	for _, prefix := range closedPrefixes {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	return !hasCredentialWord(name)
}

func hasCredentialWord(name string) bool {
	if strings.HasSuffix(name, "-Api-Key") {
		return true
	}
	for word := range strings.SplitSeq(name, "-") {
		if isCredential[word] {
			return true
		}
	}
	return false
}

// isToken reports whether s can be the name of a header (RFC 9110, 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

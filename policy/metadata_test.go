package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/policy"
)

// [P2]
func TestMetadataAddress(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"http://example.com",
		"https://user@example.com:8443/a/b;c?d=e&f=%20#g",
		"HTTPS://EXAMPLE.COM/",
		"amqps://broker.example.com:5671/queue",
		"sb://example.servicebus.windows.net/a",
		"soap.tcp://[2001:db8::1]:80/",
		"ftp://example.com/a",
		"https://example.com/" + strings.Repeat("a", 2048-20),
	} {
		body := inMetadata("<Address> " + strings.ReplaceAll(address, "&", "&amp;") + "\n</Address><Metadata>about\nit</Metadata>")
		want := policy.Metadata{Address: address, Text: "about\nit"}
		if got := mustParse(t, body); got != policy.Policy(want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestMetadataRefuses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"",
		"/relative",
		"//example.com/a",
		"example.com",
		"https:",
		"https:///path",
		"https://:443/",
		"http:example.com",
		"javascript:alert(1)",
		"JavaScript://example.com/%0aalert(1)",
		"vbscript://example.com/",
		"data:text/html,a",
		"data://example.com/",
		"blob:https://example.com/a",
		"file:///etc/passwd",
		"file://example.com/etc/passwd",
		"about:blank",
		"mailto:a@example.com",
		"urn:isbn:0451450523",
		"https://example.com/a b",
		"https://example.com/\u00e9",
		"https://example.com/\\a",
		"https://example.com/%zz",
		"https://exa\nmple.com/",
		"https://[::1/",
		"https://example.com:http/",
		"1https://example.com/",
	} {
		_, err := parse(inMetadata("<Address>" + address + "</Address>"))
		if err == nil {
			t.Errorf("accepted %q", address)
			continue
		}
		wantField(t, err, "Address", address, "an absolute URI with a host")
	}
	_, err := parse(inMetadata("<Address>https://example.com/" + strings.Repeat("a", 2048-19) + "</Address>"))
	wantField(t, err, "Address", "https://example.com/"+strings.Repeat("a", 180)+"…", "an absolute URI")
	_, err = parse(inMetadata("<Metadata>alone</Metadata>"))
	wantField(t, err, "Address", "", "an absolute URI")
	_, err = parse(inMetadata("<Address>http://a/</Address><Metadata>" + strings.Repeat("a", 4097) + "</Metadata>"))
	wantField(t, err, "Metadata", strings.Repeat("a", 200)+"…", "at most 4096 characters")
	_, err = parse(inMetadata("<Address>http://a/</Address><LockDuration>PT1S</LockDuration>"))
	wantField(t, err, "LockDuration", "PT1S", "an element of MetadataPolicy: Address, Metadata")
	_, err = parse(inMetadata("<Address>http://a/</Address><Status>Disabled</Status>"))
	wantField(t, err, "Status", "Disabled", "Active, the default")
	if !errors.Is(err, policy.ErrNotAvailable) {
		t.Errorf("got %v", err)
	}
}

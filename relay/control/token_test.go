package control_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/relay/control"
)

// The string that is signed is the resource, percent-encoded, a line feed and the
// end in seconds.
func TestSign(t *testing.T) {
	mac := hmac.New(sha256.New, []byte("key+/="))
	fmt.Fprint(mac, "http%3A%2F%2Flocalhost%2Fteam%2Fwiki\n1700000000")
	signature := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	escaped := strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(signature)
	want := "SharedAccessSignature sr=http%3A%2F%2Flocalhost%2Fteam%2Fwiki&sig=" + escaped + "&se=1700000000&skn=Root"
	got := control.Sign("http://localhost/team/wiki", "Root", "key+/=", time.Unix(1_700_000_000, 0))
	if got != want {
		t.Errorf("%s,\n want %s", got, want)
	}
	if end, err := control.ExpiresAt(got); err != nil || end.Unix() != 1_700_000_000 {
		t.Errorf("%v, %v", end, err)
	}
}

// What createRelayToken of hyco-ws 1.0 made of ws://localhost:5300/$hc/wiki, Root
// and "secret".
func TestSignAsNodeDoes(t *testing.T) {
	const want = "SharedAccessSignature sr=http%3A%2F%2Flocalhost%3A5300%2Fwiki&sig=x%2FUUm1vNCuGdB57iYoKxhN4voss%2Bcq7TCuKsmsHW4eE%3D&se=2000000000&skn=Root"
	if got := control.Sign("http://localhost:5300/wiki", "Root", "secret", time.Unix(2_000_000_000, 0)); got != want {
		t.Errorf("%s,\n want %s", got, want)
	}
	if end, err := control.ExpiresAt(want); err != nil || end.Unix() != 2_000_000_000 {
		t.Errorf("%v, %v", end, err)
	}
}

func TestExpiresAt(t *testing.T) {
	const token = "SharedAccessSignature sr=a&sig=b&se=END&skn=c"
	for text, want := range map[string]int64{
		strings.Replace(token, "END", "0", 1):              0,
		strings.Replace(token, "END", "1700000000", 1):     1_700_000_000,
		strings.Replace(token, "END", "253402300799", 1):   253_402_300_799,
		"SharedAccessSignature skn=&se=5&sig=&sr=&other=1": 5,
	} {
		if end, err := control.ExpiresAt(text); err != nil || end.IsZero() || end.Unix() != want {
			t.Errorf("%s: %v, %v", text, end, err)
		}
	}
	for _, text := range []string{"", "x", "Bearer x", "sharedaccesssignature sr=a&sig=b&se=1&skn=c", "SharedAccessSignature"} {
		if end, err := control.ExpiresAt(text); err != nil || !end.IsZero() {
			t.Errorf("%q: %v, %v", text, end, err)
		}
	}
	for _, end := range []string{"", "x", "-1", "1.5", "1e9", "0x1", "253402300800", "9223372036854775807", "9223372036854775808", "1700000000000", " 1", "1&se=2", "1;", "%31%zz"} {
		if at, err := control.ExpiresAt(strings.Replace(token, "END", end, 1)); !errors.Is(err, control.ErrToken) {
			t.Errorf("se=%s: %v, %v", end, at, err)
		}
	}
	for _, part := range []string{"sr=a&", "sig=b&", "se=END&", "&skn=c"} {
		if _, err := control.ExpiresAt(strings.Replace(strings.Replace(token, part, "", 1), "END", "1", 1)); !errors.Is(err, control.ErrToken) {
			t.Errorf("without %s: %v", part, err)
		}
	}
}

// FuzzExpiresAt checks that a token either ends in the years that there are, or is
// an error that says so.
func FuzzExpiresAt(f *testing.F) {
	for _, seed := range []string{
		"", "SharedAccessSignature sr=a&sig=b&se=1&skn=c", "SharedAccessSignature sr=a&sig=b&se=1700000000000&skn=c", "Bearer x",
		"SharedAccessSignature sr=%2&sig=b&se=1&skn=c", "SharedAccessSignature se=1;sr=a", "SharedAccessSignature sr=a&sig=b&se=-0&skn=c&skn=d",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		end, err := control.ExpiresAt(token)
		switch {
		case err != nil && !errors.Is(err, control.ErrToken):
			t.Errorf("%q: %v", token, err)
		case err == nil && !end.IsZero() && (end.Unix() < 0 || end.UTC().Year() > 9999):
			t.Errorf("%q ends %v", token, end)
		case err == nil && end.IsZero() == control.IsToken(token):
			t.Errorf("%q ends %v", token, end)
		}
	})
}

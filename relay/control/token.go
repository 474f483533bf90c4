package control

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// tokenScheme begins a shared access signature.
const tokenScheme = "SharedAccessSignature "

// ErrToken is returned for a token that has the name of a shared access signature
// and not the parts of one.
var ErrToken = errors.New("not a shared access signature")

// Sign makes a shared access signature for a resource, a URL without port and
// query, with a key of the given name.
func Sign(resource, keyName, key string, until time.Time) string {
	escaped, end := url.QueryEscape(resource), strconv.FormatInt(until.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = mac.Write([]byte(escaped + "\n" + end)) // it never fails
	signature := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return tokenScheme + "sr=" + escaped + "&sig=" + url.QueryEscape(signature) + "&se=" + end + "&skn=" + url.QueryEscape(keyName)
}

// ExpiresAt returns when a token ends, zero if it is none of the relay's or empty.
// It says nothing about who signed it.
func ExpiresAt(token string) (time.Time, error) {
	parts, ours := strings.CutPrefix(token, tokenScheme)
	if !ours {
		return time.Time{}, nil
	}
	values, err := url.ParseQuery(parts)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	for _, part := range []string{"sr", "sig", "se", "skn"} {
		if len(values[part]) != 1 {
			return time.Time{}, fmt.Errorf("%w: want one %s", ErrToken, part)
		}
	}
	seconds, err := strconv.ParseInt(values.Get("se"), 10, 64)
	if err != nil || seconds < 0 || seconds > maxSeconds {
		return time.Time{}, fmt.Errorf("%w: want se in seconds since 1970", ErrToken)
	}
	return time.Unix(seconds, 0), nil
}

// maxSeconds is the year 9999.
const maxSeconds = 253_402_300_799

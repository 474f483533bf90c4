package push

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"github.com/jitney-mq/jitney/problem"
)

// Limits of a secret, in bytes: those of Standard Webhooks 1.0.0.
const (
	MinSecretBytes = 24
	MaxSecretBytes = 64
)

// secretPrefix begins the text of a secret.
const secretPrefix = "whsec_"

// ParseSecret reads a secret that endpoints verify messages with: whsec_ and
// 24 to 64 random bytes in base64. The error is a *problem.Field that does not
// repeat it. [S7]
func ParseSecret(text string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	secret, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil || len(secret) < MinSecretBytes || len(secret) > MaxSecretBytes || strings.ContainsAny(encoded, "\r\n") {
		return nil, problem.NewField("Secret", "", "%s and %d to %d bytes in base64", secretPrefix, MinSecretBytes, MaxSecretBytes)
	}
	return secret, nil
}

// sign returns the content of webhook-signature: the symmetric scheme, v1, of
// Standard Webhooks 1.0.0, which signs id.timestamp.body. The body is not held
// in memory, which is why the project's library for Go does not do it. [S7]
func sign(secret []byte, id string, timestamp int64, body io.WriterTo) (string, error) {
	mac := hmac.New(sha256.New, secret)
	if _, err := fmt.Fprintf(mac, "%s.%d.", id, timestamp); err != nil {
		return "", err
	}
	if _, err := body.WriteTo(mac); err != nil {
		return "", err
	}
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

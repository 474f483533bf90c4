package main

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/relay/control"
)

const (
	tokenLife = time.Hour
	maxKey    = 4 << 10 // bytes of a file with a key
)

// credential is by which a listener or a sender may use a connection point, as
// the flags say.
type credential struct {
	fixed   string // a token; empty: one is signed, if there is a key
	keyName string
	key     string
	keyFile string
}

func (c *credential) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&c.fixed, "token", "", "a shared access `signature`, to be used as it is")
	flags.StringVar(&c.keyName, "key-name", "", "the `name` of a key to sign tokens with, each for an hour")
	flags.StringVar(&c.key, "key", "", "the `key`; others on this machine may see it on a command line")
	flags.StringVar(&c.keyFile, "key-file", "", "a `file` with the key")
}

// tokens returns what makes tokens for a name at a broker; nil: none are wanted.
func (c *credential) tokens(broker, name string) (func() string, error) {
	key, err := c.readKey()
	switch {
	case err != nil:
		return nil, err
	case c.fixed != "" && (key != "" || c.keyName != ""):
		return nil, usagef("--token, or --key-name with its key, not both")
	case c.fixed != "":
		return func() string { return c.fixed }, nil
	case (key == "") != (c.keyName == ""):
		return nil, usagef("--key-name needs --key or --key-file, and they need it")
	case key == "":
		return nil, nil
	}
	resource, err := resourceOf(broker, name)
	return func() string { return control.Sign(resource, c.keyName, key, time.Now().Add(tokenLife)) }, err
}

func (c *credential) readKey() (string, error) {
	if c.keyFile == "" || c.key != "" {
		if c.keyFile != "" {
			return "", usagef("--key or --key-file, not both")
		}
		return c.key, nil
	}
	text, err := readFile(c.keyFile, maxKey)
	if err == nil && strings.TrimSpace(text) == "" {
		err = errors.New(c.keyFile + ": want a key")
	}
	if err != nil {
		return "", usage(err)
	}
	return strings.TrimSpace(text), nil
}

// resourceOf returns what a token for a name is for.
func resourceOf(broker, name string) (string, error) {
	u, err := url.Parse(broker)
	if err != nil {
		return "", usage(err)
	}
	path, _, _ := strings.Cut(name, "?")
	resource := url.URL{Scheme: "http", Host: u.Hostname(), Path: "/" + strings.Trim(path, "/")}
	return resource.String(), nil
}

// header returns a header with a token of the moment, if there are any.
func (c *credential) header(broker, name string) (http.Header, error) {
	token, err := c.tokens(broker, name)
	if token == nil || err != nil {
		return nil, err
	}
	return http.Header{http.CanonicalHeaderKey(control.TokenHeader): {token()}}, nil
}

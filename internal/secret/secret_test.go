package secret_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/internal/secret"
)

func TestKeyIsNeverPrinted(t *testing.T) {
	type config struct {
		Name string
		Key  secret.Key
		key  secret.Key // fmt prints this one by reflection
	}
	key := secret.New("hunter2")
	own := config{"shop", key, key}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		_, _ = fmt.Fprintf(&out, verb+verb+verb+verb, key, &key, own, &own)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", key, "config", own)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", key, "config", &own)
	text, err := json.Marshal(own)
	require.NoError(t, err)
	out.Write(text)
	assert.NotContains(t, out.String(), "hunter2")
	assert.NotContains(t, out.String(), "68756e74657232") // the same in hexadecimal
	assert.Contains(t, string(text), `"Key":"[redacted]"`)
}

func TestKey(t *testing.T) {
	var none, key secret.Key
	require.NoError(t, json.Unmarshal([]byte(`"hunter2"`), &key))
	assert.Equal(t, "hunter2", secret.Text(key))
	assert.True(t, key.Equal(secret.New("hunter2")))
	assert.False(t, key.Equal(none))
	assert.False(t, key.IsZero())
	assert.True(t, none.IsZero())
	assert.True(t, secret.New("").IsZero())
	assert.Empty(t, secret.Text(none)+none.String())
	assert.Equal(t, "[redacted]", key.String())
	assert.ErrorContains(t, key.UnmarshalText([]byte("[redacted]")), "cannot be read back")
	assert.Equal(t, "hunter2", secret.Text(key), "a refused text changes nothing")
}

func TestScrub(t *testing.T) {
	for text, want := range map[string]string{
		"nothing to hide":                           "nothing to hide",
		"token Atza|IwEB, and atza%7CIwEB.":         "token [redacted], and [redacted]",
		"Atzr|IwEB Atza%257CIwEB Atnr|x":            "[redacted] [redacted] [redacted]",
		"of ana.b@example.com":                      "of [redacted]",
		"amzn.mws.4ea38b7b-f563-7709-4bae-87aea":    "[redacted]",
		"amzn1.oa2-cs.v1.00ff":                      "[redacted]",
		"code c+d or c%2Bd":                         "code [redacted] or [redacted]",
		" a\r\nb\x00 ":                              "a  b",
		strings.Repeat("ä", 1001):                   strings.Repeat("ä", 1000) + "…",
		`Atzr\u007cM "Atzr\\u007cM" Atzr&#124;M`:    `[redacted] "[redacted]" [redacted]`,
		"Atzr&#x7C;M Atza&amp;verbar;M Atzr&vert;M": "[redacted] [redacted] [redacted]",
		"no\u2028level=\u202eERROR\u2029":           "no level= ERROR",
	} {
		assert.Equal(t, want, secret.Scrub(text, "", "c+d"), text)
	}
}

func TestScrubEscaped(t *testing.T) {
	assert.Equal(t, "[redacted] [redacted] [redacted]", secret.Scrub("c/d+e f c%2Fd%2Be+f c%2Fd+e%20f", "c/d+e f"))
}

// What an answer holds may have megabytes: what is looked at is bounded, and a
// known secret is found before that.
func TestScrubIsBounded(t *testing.T) {
	long := strings.Repeat("ana@example.com ", 1<<16)
	start := time.Now()
	assert.LessOrEqual(t, len(secret.Scrub(long)), 1100*len(secret.Redacted))
	assert.Less(t, time.Since(start), 500*time.Millisecond)
	assert.Equal(t, secret.Redacted, secret.Scrub(strings.Repeat("k", 1<<15), strings.Repeat("k", 1<<15)))
}

func TestIdentifier(t *testing.T) {
	for text, want := range map[string]bool{
		"9547f9c0-6c1a-4cb2-8d9d-7e1f3b1f7f3e": true, "AccessDenied": true, "a_b.c-1": true, strings.Repeat("a", 100): true, "": true,
		strings.Repeat("a", 101): false, "a b": false, "a\nb": false, "é": false, "Atza|IwEB": false, "Atza%7CIwEB": false,
		"x-hunter2-x": false, "amzn.mws.4ea38b7b": false, "amzn1.oa2-cs.v1.00ff": false,
	} {
		assert.Equal(t, want, secret.Identifier(text, "", "hunter2") == text, text)
	}
}

// What lies beneath is found and not shown.
func TestQuiet(t *testing.T) {
	raw := &net.OpError{Op: "dial", Err: fmt.Errorf("hunter2: %w", context.DeadlineExceeded)}
	err := fmt.Errorf("x: %w", secret.Quiet(raw, "quiet"))
	require.EqualError(t, err, "x: quiet")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	found, ok := errors.AsType[*net.OpError](err)
	assert.True(t, ok && found == raw)
	assert.NoError(t, errors.Unwrap(errors.Unwrap(err)))
}

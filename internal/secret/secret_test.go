package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

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
		"nothing to hide":                        "nothing to hide",
		"token Atza|IwEB, and atza%7CIwEB.":      "token [redacted], and [redacted]",
		"Atzr|IwEB Atza%257CIwEB Atnr|x":         "[redacted] [redacted] [redacted]",
		"of ana.b@example.com":                   "of [redacted]",
		"amzn.mws.4ea38b7b-f563-7709-4bae-87aea": "[redacted]",
		"amzn1.oa2-cs.v1.00ff":                   "[redacted]",
		"code c+d or c%2Bd":                      "code [redacted] or [redacted]",
		" a\r\nb\x00 ":                           "a  b",
		strings.Repeat("ä", 1001):                strings.Repeat("ä", 1000) + "…",
	} {
		assert.Equal(t, want, secret.Scrub(text, "", "c+d"), text)
	}
}

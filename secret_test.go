package amazonpay_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

const stageToken = "amzn.mws.Stage-Token-0123456789"

// hiddenForms are the forms in which a printer might put a secret, in small
// letters.
var hiddenForms = func() (forms []string) {
	for _, secret := range []string{stageSecret, stageToken} {
		bytes := []byte(secret)
		spaced := strings.Trim(fmt.Sprint(bytes), "[]")
		forms = append(forms, secret, secret[5:25], // whole or in part
			hex.EncodeToString(bytes), hex.EncodeToString(bytes[5:20]), fmt.Sprintf("% x", secret), fmt.Sprintf("%# x", secret),
			spaced, strings.ReplaceAll(spaced, " ", ", "), strings.Trim(fmt.Sprintf("%#v", bytes), "[]byte{}"),
			base64.StdEncoding.EncodeToString(bytes), fmt.Sprintf("%U", bytes), fmt.Sprintf("%o", bytes), fmt.Sprintf("%b", bytes))
	}
	for i, form := range forms {
		forms[i] = strings.ToLower(form)
	}
	return forms
}()

func assertHidden(t *testing.T, text, where string) {
	t.Helper()
	text = strings.ToLower(text)
	for _, form := range hiddenForms {
		if strings.Contains(text, form) {
			t.Errorf("%s shows a secret", where)
			return
		}
	}
}

// A merchant's own structs: fmt asks no methods of what lies in unexported
// fields.
type shop struct {
	name    string
	config  amazonpay.Config
	pointer *amazonpay.Config
	client  *amazonpay.Client
	value   amazonpay.Client
	key     amazonpay.SecretKey
	keyAt   *amazonpay.SecretKey
	keys    []amazonpay.SecretKey
	byName  map[string]amazonpay.SecretKey
	configs map[string]*amazonpay.Config
	any     any
	nested  *shop
}

type openShop struct {
	Config  amazonpay.Config
	Pointer *amazonpay.Config
	Client  *amazonpay.Client
	Key     amazonpay.SecretKey
	Keys    []amazonpay.SecretKey
	ByName  map[string]amazonpay.SecretKey
	Any     any
}

type embeddingShop struct {
	amazonpay.Config
	Name string
}

type embeddingClient struct {
	*amazonpay.Client
	Name string
}

// vessels are all that holds a secret.
func vessels(t *testing.T) map[string]any {
	config := stageConfig(&stage{scenes: []scene{goodScene}})
	client, err := stageClient(t, &stage{scenes: []scene{goodScene}}).OnBehalfOf("A2OTHERSELLER", stageToken)
	require.NoError(t, err)
	_, err = client.Capture(t.Context(), stageCapture) // what signing keeps must not show either
	require.NoError(t, err)
	key := config.SecretKey
	one := shop{"shop", config, &config, client, *client, key, &key, []amazonpay.SecretKey{key}, map[string]amazonpay.SecretKey{"k": key}, map[string]*amazonpay.Config{"c": &config}, key, nil}
	two := one
	two.nested = &one
	open := openShop{config, &config, client, key, []amazonpay.SecretKey{key}, map[string]amazonpay.SecretKey{"k": key}, key}
	return map[string]any{
		"SecretKey": key, "*SecretKey": &key, "Config": config, "*Config": &config, "Client": *client, "*Client": client,
		"shop": two, "*shop": &two, "open shop": open, "*open shop": &open, "embedding": embeddingShop{config, "n"}, "*embedding": &embeddingShop{config, "n"},
		"embedding client": embeddingClient{client, "n"},
		"slice of keys":    []amazonpay.SecretKey{key}, "slice of configs": []amazonpay.Config{config}, "slice of *Config": []*amazonpay.Config{&config},
		"map of keys": map[string]amazonpay.SecretKey{"k": key}, "map of clients": map[string]*amazonpay.Client{"c": client}, "map of client values": map[string]amazonpay.Client{"c": *client},
		"array": [1]amazonpay.SecretKey{key}, "anonymous": struct{ k amazonpay.SecretKey }{key}, "slice of any": []any{key, config, client, &two},
	}
}

// eachVessel runs in a fixed order.
func eachVessel(t *testing.T, f func(t *testing.T, v any)) {
	all := vessels(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) { f(t, all[name]) })
	}
}

func TestSecretsInFmt(t *testing.T) {
	eachVessel(t, func(t *testing.T, v any) {
		for _, verb := range "vsqxXdtbcoOUeEfFgGpwT" {
			var all strings.Builder
			for _, flags := range []string{"", "+", "#", " ", "# ", "80", "+.80"} {
				fmt.Fprintf(&all, "%"+flags+string(verb)+"\n", v)
			}
			assertHidden(t, all.String(), "%"+string(verb))
		}
		assertHidden(t, fmt.Sprint(v), "Sprint")
		assertHidden(t, fmt.Errorf("wrapped %v", v).Error(), "Errorf")
		var buffer bytes.Buffer
		log.New(&buffer, "", 0).Println(v)
		assertHidden(t, buffer.String(), "log")
	})
}

func TestSecretsInEncoders(t *testing.T) {
	eachVessel(t, func(t *testing.T, v any) {
		if text, err := json.Marshal(v); err == nil {
			assertHidden(t, string(text), "json")
		} else {
			assertHidden(t, err.Error(), "json error")
		}
		if text, err := xml.Marshal(v); err == nil {
			assertHidden(t, string(text), "xml")
		} else {
			assertHidden(t, err.Error(), "xml error")
		}
		var buffer bytes.Buffer
		if err := gob.NewEncoder(&buffer).Encode(v); err != nil {
			assertHidden(t, err.Error(), "gob error")
		}
		assertHidden(t, buffer.String(), "gob")
	})
	t.Run("a config in JSON is of use without its key", func(t *testing.T) {
		text, err := json.Marshal(stageConfig(nil))
		require.NoError(t, err)
		assert.JSONEq(t, `{"SellerID":"`+stageSeller+`","AccessKey":"`+stageKey+`","SecretKey":"[redacted]","Region":"NA","Environment":"sandbox"}`, string(text))
	})
}

func TestSecretsInSlog(t *testing.T) {
	eachVessel(t, func(t *testing.T, v any) {
		for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
			"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			"JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var buffer bytes.Buffer
			logger := slog.New(handler(&buffer))
			logger.Info("value", "v", v)
			logger.Info("group", slog.Group("g", slog.Any("v", v)))
			logger.With("v", v).WithGroup("g").Info("with", "w", []any{v})
			logger.Info("error", "error", fmt.Errorf("%v", v))
			require.Contains(t, buffer.String(), "with")
			assertHidden(t, buffer.String(), name)
		}
	})
}

// TestSecretsInLogValues: a config and a client tell who and where.
func TestSecretsInLogValues(t *testing.T) {
	config := stageConfig(nil)
	client := stageClient(t, &stage{scenes: []scene{goodScene}})
	for name, v := range map[string]any{"Config": config, "*Config": &config, "*Client": client} {
		t.Run(name, func(t *testing.T) {
			var buffer bytes.Buffer
			slog.New(slog.NewJSONHandler(&buffer, nil)).Info("", "v", v)
			var record struct{ V map[string]string }
			require.NoError(t, json.Unmarshal(buffer.Bytes(), &record))
			assert.Equal(t, map[string]string{"sellerId": stageSeller, "region": "NA", "environment": "sandbox"}, record.V)
		})
	}
}

// A recorder keeps what an assertion has to say.
type recorder struct{ text strings.Builder }

func (r *recorder) Errorf(format string, args ...any) { fmt.Fprintf(&r.text, format, args...) }

// TestSecretsInDumps: the dumper behind testify's differences reads unexported
// fields, follows pointers and asks no methods.
func TestSecretsInDumps(t *testing.T) {
	config, other := stageConfig(nil), stageConfig(nil)
	other.SellerID, other.SecretKey = "A9OTHER", amazonpay.NewSecretKey(stageToken)
	client, err := stageClient(t, &stage{scenes: []scene{goodScene}}).OnBehalfOf("A2OTHERSELLER", stageToken)
	require.NoError(t, err)
	second := stageClient(t, &stage{scenes: []scene{goodScene}})
	for _, test := range []struct {
		name string
		a, b any
	}{
		{"SecretKey", config.SecretKey, other.SecretKey},
		{"Config", config, other},
		{"*Config", &config, &other},
		{"*Client", client, second},
		{"Client", *client, *second},
		{"unexported", shop{name: "a", config: config, key: config.SecretKey, client: client}, shop{name: "b", config: other, key: other.SecretKey, client: second}},
		{"slice", []amazonpay.SecretKey{config.SecretKey}, []amazonpay.SecretKey{other.SecretKey}},
		{"map", map[string]any{"a": config}, map[string]any{"a": &other}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r recorder
			assert.False(t, assert.Equal(&r, test.a, test.b))
			assert.False(t, assert.Contains(&r, []any{test.a}, test.b))
			require.NotEmpty(t, r.text.String())
			assertHidden(t, r.text.String(), "a difference")
		})
	}
}

// TestSecretsInErrors of New and of calls.
func TestSecretsInErrors(t *testing.T) {
	for _, secret := range []string{stageSecret + " ", stageSecret + "\n", "é" + stageSecret} {
		config := stageConfig(nil)
		config.SecretKey = amazonpay.NewSecretKey(secret)
		_, err := amazonpay.New(config)
		require.Error(t, err)
		assertHidden(t, fmt.Sprintf("%v %+v %#v %s %q", err, err, err, err, err), "New")
	}
	client, err := stageClient(t, &stage{scenes: []scene{resetScene}}, func(c *amazonpay.Config) { c.Backoff = amazonpay.Spacing() }).OnBehalfOf("A2OTHERSELLER", stageToken)
	require.NoError(t, err)
	_, err = client.Capture(t.Context(), stageCapture)
	require.Error(t, err)
	for ; err != nil; err = errors.Unwrap(err) {
		assertHidden(t, fmt.Sprintf("%v %+v %#v %s %q", err, err, err, err, err), "Capture")
	}
}

func TestSecretKey(t *testing.T) {
	var zero amazonpay.SecretKey
	key := amazonpay.NewSecretKey(stageSecret)
	t.Run("zero", func(t *testing.T) {
		assert.True(t, zero.IsZero())
		assert.True(t, amazonpay.NewSecretKey("").IsZero())
		assert.False(t, key.IsZero())
		assert.Empty(t, zero.String())
		assert.Empty(t, fmt.Sprintf("%v%+v%#v%s", zero, zero, zero, zero))
	})
	t.Run("equal", func(t *testing.T) {
		assert.True(t, key.Equal(amazonpay.NewSecretKey(stageSecret)))
		assert.False(t, key.Equal(amazonpay.NewSecretKey(stageSecret+"x")))
		assert.False(t, key.Equal(zero))
		assert.True(t, zero.Equal(amazonpay.SecretKey{}))
	})
	t.Run("shown as redacted", func(t *testing.T) {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			assert.Equal(t, "[redacted]", fmt.Sprintf(format, key))
		}
		text, err := key.MarshalText()
		require.NoError(t, err)
		assert.Equal(t, "[redacted]", string(text))
		text, err = zero.MarshalText()
		require.NoError(t, err)
		assert.Empty(t, text)
	})
	t.Run("read from a file", func(t *testing.T) {
		var config amazonpay.Config
		require.NoError(t, json.Unmarshal([]byte(`{"SellerID":"`+stageSeller+`","AccessKey":"`+stageKey+`","SecretKey":"`+stageSecret+`","Region":"us","Environment":"sandbox"}`), &config))
		assert.True(t, config.SecretKey.Equal(key))
		on := &stage{scenes: []scene{goodScene}}
		config.HTTPClient = stageConfig(on).HTTPClient
		client, err := amazonpay.New(config)
		require.NoError(t, err)
		_, err = client.Capture(t.Context(), stageCapture)
		require.NoError(t, err)
		p := on.all()[0]
		assert.Equal(t, p.signature(stageSecret), p.form.Get("Signature"))
	})
	t.Run("what was redacted is no key", func(t *testing.T) {
		text, err := json.Marshal(stageConfig(nil))
		require.NoError(t, err)
		var config amazonpay.Config
		assert.ErrorContains(t, json.Unmarshal(text, &config), "redacted")
		assert.True(t, config.SecretKey.IsZero())
		kept := key
		assert.Error(t, kept.UnmarshalText([]byte("[redacted]")))
		assert.True(t, kept.Equal(key), "an error changes nothing")
	})
	t.Run("an empty text is no secret", func(t *testing.T) {
		changed := key
		require.NoError(t, changed.UnmarshalText(nil))
		assert.True(t, changed.IsZero())
	})
	t.Run("the text may change afterwards", func(t *testing.T) {
		text := []byte(stageSecret)
		var read amazonpay.SecretKey
		require.NoError(t, read.UnmarshalText(text))
		clear(text)
		assert.True(t, read.Equal(key))
	})
}

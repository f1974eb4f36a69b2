package lwa_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/lwa"
)

func TestState(t *testing.T) {
	now := time.Now()
	state, err := lwa.IssueState(key, "", now)
	require.NoError(t, err)
	other, err := lwa.IssueState(key, "", now)
	require.NoError(t, err)
	flip := func(s string, i int) string {
		c := byte('A')
		if s[i] == c {
			c = 'B'
		}
		return s[:i] + string(c) + s[i+1:]
	}
	for name, tc := range map[string]struct {
		key           lwa.SecretKey
		value, cookie string
		at            time.Duration
		code          lwa.ErrorCode
	}{
		"good":              {key, state.Value, state.Cookie, 0, ""},
		"again":             {key, state.Value, state.Cookie, time.Minute, ""},
		"last second":       {key, state.Value, state.Cookie, lwa.StateLife - time.Second, ""},
		"late":              {key, state.Value, state.Cookie, lwa.StateLife, lwa.ErrStateExpired},
		"next day":          {key, state.Value, state.Cookie, 24 * time.Hour, lwa.ErrStateExpired},
		"no state":          {key, "", state.Cookie, 0, lwa.ErrStateInvalid},
		"no cookie":         {key, state.Value, "", 0, lwa.ErrStateInvalid},
		"neither":           {key, "", "", 0, lwa.ErrStateInvalid},
		"another browser":   {key, state.Value, other.Cookie, 0, lwa.ErrStateInvalid},
		"another sign-in":   {key, other.Value, state.Cookie, 0, lwa.ErrStateInvalid},
		"another shop":      {lwa.NewSecretKey(strings.Repeat("k", 32)), state.Value, state.Cookie, 0, lwa.ErrStateInvalid},
		"longer life":       {key, flip(state.Value, 2), state.Cookie, 0, lwa.ErrStateInvalid},
		"other nonce":       {key, flip(state.Value, 20), state.Cookie, 0, lwa.ErrStateInvalid},
		"other signature":   {key, flip(state.Value, 60), state.Cookie, 0, lwa.ErrStateInvalid},
		"shorter":           {key, state.Value[:74], state.Cookie, 0, lwa.ErrStateInvalid},
		"longer":            {key, state.Value + "A", state.Cookie, 0, lwa.ErrStateInvalid},
		"padded":            {key, state.Value + "=", state.Cookie, 0, lwa.ErrStateInvalid},
		"broken line":       {key, state.Value[:10] + "\n" + state.Value[10:], state.Cookie, 0, lwa.ErrStateInvalid},
		"the verifier":      {key, strings.Repeat("A", 75), state.Cookie, 0, lwa.ErrStateInvalid},
		"not even text":     {key, "\x00\xff", state.Cookie, 0, lwa.ErrStateInvalid},
		"swapped":           {key, state.Cookie, state.Value, 0, lwa.ErrStateInvalid},
		"late and forged":   {key, flip(state.Value, 60), state.Cookie, time.Hour, lwa.ErrStateInvalid},
		"cookie with a tag": {key, state.Value, state.Cookie + "A", 0, lwa.ErrStateInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := lwa.CheckState(tc.key, tc.value, tc.cookie, now.Add(tc.at))
			if tc.code == "" {
				require.NoError(t, err)
				assert.Equal(t, state.Value, got.Value)
				assert.True(t, got.Verifier.Equal(state.Verifier))
				return
			}
			assert.Zero(t, got.Value)
			assert.True(t, got.Verifier.IsZero())
			assert.ErrorIs(t, err, tc.code)
			assert.NotContains(t, err.Error(), state.Value)
			assert.NotContains(t, err.Error(), state.Cookie)
		})
	}
}

// Two sign-ins in two tabs of one browser share the cookie and nothing else.
func TestStatesOfOneBrowser(t *testing.T) {
	first := issue(t)
	second, err := lwa.IssueState(key, first.Cookie, time.Now())
	require.NoError(t, err)
	assert.Equal(t, first.Cookie, second.Cookie)
	assert.NotEqual(t, first.Value, second.Value)
	assert.False(t, first.Verifier.Equal(second.Verifier))
	for _, s := range []lwa.State{first, second} {
		_, err := lwa.CheckState(key, s.Value, s.Cookie, time.Now())
		assert.NoError(t, err)
	}
	for _, unusable := range []string{"x", strings.Repeat("A", 44), strings.Repeat("!", 43), first.Cookie[:42] + "\n", first.Value} {
		fresh, err := lwa.IssueState(key, unusable, time.Now())
		require.NoError(t, err)
		assert.NotEqual(t, unusable, fresh.Cookie)
		assert.Len(t, fresh.Cookie, 43)
	}
}

func TestStateNeedsAKey(t *testing.T) {
	for _, k := range []lwa.SecretKey{{}, lwa.NewSecretKey(strings.Repeat("k", 31))} {
		_, err := lwa.IssueState(k, "", time.Now())
		assert.EqualError(t, err, "lwa: IssueState: key has less than 32 bytes")
		_, err = lwa.CheckState(k, "x", "x", time.Now())
		assert.EqualError(t, err, "lwa: CheckState: key has less than 32 bytes")
	}
}

func TestCookie(t *testing.T) {
	state := issue(t)
	for address, want := range map[string]string{
		"https://shop.example/return":  "__Host-amazonpay-lwa=" + state.Cookie + "; Path=/; Max-Age=900; HttpOnly; Secure; SameSite=Lax",
		"http://localhost:8080/return": "amazonpay-lwa=" + state.Cookie + "; Path=/; Max-Age=900; HttpOnly; SameSite=Lax",
	} {
		w := httptest.NewRecorder()
		lwa.SetCookie(w, state, address)
		assert.Equal(t, want, w.Header().Get("Set-Cookie"))

		r := httptest.NewRequest("GET", address, nil)
		assert.Empty(t, lwa.StateCookie(r, address))
		r.AddCookie(&http.Cookie{Name: strings.Split(want, "=")[0], Value: state.Cookie})
		assert.Equal(t, state.Cookie, lwa.StateCookie(r, address))
		r.AddCookie(&http.Cookie{Name: strings.Split(want, "=")[0], Value: "tossed"})
		assert.Empty(t, lwa.StateCookie(r, address), "two cookies of one name")
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "amazonpay-lwa", Value: state.Cookie})
	assert.Empty(t, lwa.StateCookie(r, "https://shop.example/"), "one that plain http may have set")
}

// A state that was issued at the hour with the key: it must go on being good,
// because versions of a program run side by side during a deployment.
var (
	goldenHour = time.Unix(1_800_000_000, 0)
	golden     = lwa.State{
		Value:    "AAAAAGtJ1YQ1pZpVFSMyrzYEm_wygI3U3siSgXcALq7XpjX7WTVHoAp7TpTELCDElH-zU7VKD2U",
		Cookie:   "-IXvg7BaiO7K5Ap30kvLxjN-dAuIm8kuMpnYj1tG6MQ",
		Verifier: lwa.NewSecretKey("7_64-fuBz8TWqbM3m6_KqqidsO1UD3-DvLSD3y5tLdY"),
	}
)

func TestGoldenState(t *testing.T) {
	got, err := lwa.CheckState(key, golden.Value, golden.Cookie, goldenHour)
	require.NoError(t, err)
	assert.True(t, got.Verifier.Equal(golden.Verifier))
}

// Only what was issued is accepted, for the browser it was issued to.
func FuzzCheckState(f *testing.F) {
	now, state := goldenHour, golden
	f.Add(state.Value, state.Cookie)
	f.Add(state.Value+"=", state.Cookie)
	f.Add(state.Value[:74]+"A", state.Cookie)
	f.Add("", "")
	f.Add(strings.Repeat("A", 75), strings.Repeat("A", 43))
	f.Fuzz(func(t *testing.T, value, cookie string) {
		got, err := lwa.CheckState(key, value, cookie, now)
		issued := value == state.Value && cookie == state.Cookie
		if (err == nil) != issued {
			t.Fatalf("%q of %q: %v", value, cookie, err)
		}
		if err == nil && !got.Verifier.Equal(state.Verifier) {
			t.Fatal("another verifier")
		}
		mine, err := lwa.IssueState(key, cookie, now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := lwa.CheckState(key, mine.Value, mine.Cookie, now); err != nil {
			t.Fatalf("of cookie %q: %v", cookie, err)
		}
		if text := fmt.Sprintf("%v %+v", mine.Verifier, mine.Verifier); strings.Contains(text, "-") {
			t.Fatal(text)
		}
	})
}

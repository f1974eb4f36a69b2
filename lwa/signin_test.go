package lwa_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/lwa"
)

// What a browser brings is believed when the state is this browser's and Amazon
// says that the token is this client's. Amazon is not asked about anything else.
func TestSignIn(t *testing.T) {
	now := time.Now().Add(-90 * 24 * time.Hour) // the caller's clock
	state, err := lwa.IssueState(key, "", now)
	require.NoError(t, err)
	other, err := lwa.IssueState(key, "", now)
	require.NoError(t, err)
	const ours, theirs = `{"aud":"OURS","user_id":"u","exp":2000}`, `{"aud":"theirs","user_id":"u","exp":2000}`
	token := "#access_token=Atza%7Cx&token_type=bearer&expires_in=999999&state="
	for name, tc := range map[string]struct {
		delivered, cookie, info string
		at                      time.Duration
		code                    lwa.ErrorCode
		asked                   int
	}{
		"good":             {token + url.QueryEscape(state.Value), state.Cookie, ours, 0, "", 2},
		"the window's":     {strings.Replace(token, "#", "?", 1) + state.Value, state.Cookie, ours, 0, "", 2},
		"no":               {"?error=access_denied&state=" + state.Value, state.Cookie, ours, 0, lwa.ErrAccessDenied, 0},
		"a code":           {"?code=abc&state=" + state.Value, state.Cookie, ours, 0, lwa.ErrInvalidRequest, 0},
		"nothing":          {"", state.Cookie, ours, 0, "", 0},
		"no state":         {token, state.Cookie, ours, 0, lwa.ErrStateInvalid, 0},
		"another browser":  {token + state.Value, other.Cookie, ours, 0, lwa.ErrStateInvalid, 0},
		"no cookie":        {token + state.Value, "", ours, 0, lwa.ErrStateInvalid, 0},
		"late":             {token + state.Value, state.Cookie, ours, lwa.StateLife, lwa.ErrStateExpired, 0},
		"another client's": {token + state.Value, state.Cookie, theirs, 0, lwa.ErrOtherClient, 1},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			c := client(t, func(w http.ResponseWriter, r *http.Request) {
				asked++
				text := tc.info
				if r.URL.Path == "/user/profile" {
					text = `{"user_id":"u","name":"Ana"}`
				}
				_, _ = w.Write([]byte(strings.ReplaceAll(text, "OURS", clientID)))
			})
			got, buyer, err := c.SignIn(t.Context(), key, tc.delivered, tc.cookie, now.Add(tc.at))
			assert.Equal(t, tc.asked, asked)
			if tc.code != "" || tc.asked == 0 {
				assert.Nil(t, got)
				assert.Nil(t, buyer)
				var refused *lwa.Error
				require.ErrorAs(t, err, &refused)
				assert.Equal(t, tc.code, refused.Code)
				assertClean(t, err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "Atza|x", got.AccessToken)
			assert.Equal(t, now.Add(2000*time.Second), got.Expiry, "by what Amazon says, not the browser")
			assert.EqualValues(t, 2000, got.ExpiresIn)
			assert.Equal(t, lwa.Profile{UserID: "u", Name: "Ana"}, *buyer)
		})
	}
	t.Run("a short key", func(t *testing.T) {
		_, _, err := client(t, func(http.ResponseWriter, *http.Request) { t.Error("Amazon was asked") }).
			SignIn(t.Context(), lwa.NewSecretKey("short"), token+state.Value, state.Cookie, now)
		var wrong *lwa.InvalidError
		require.ErrorAs(t, err, &wrong)
	})
}

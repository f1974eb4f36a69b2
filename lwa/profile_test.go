package lwa_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/lwa"
)

// about answers tokeninfo with one text and the profile with another, and fails
// the test if the profile is asked for without need.
func about(t *testing.T, info, profile string) *lwa.Client {
	return client(t, func(w http.ResponseWriter, r *http.Request) {
		text := info
		if r.URL.Path == "/user/profile" {
			if text = profile; text == "" {
				t.Error("the profile of a refused token was asked for")
			}
		}
		_, _ = w.Write([]byte(strings.ReplaceAll(text, "OURS", clientID)))
	})
}

func TestTokenInfo(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		left time.Duration
		code lwa.ErrorCode
		text string
	}{
		"good":           {body: `{"aud":"OURS","user_id":"u","exp":2370,"iat":1446510240,"iss":"https://www.amazon.com","app_id":"a"}`, left: 2370 * time.Second},
		"last second":    {body: `{"aud":"OURS","user_id":"u","exp":1}`, left: time.Second},
		"odd iat":        {body: `{"aud":"OURS","user_id":"u","exp":818,"iat":"x"}`, left: 818 * time.Second},
		"quoted":         {body: `{"aud":"OURS","user_id":"u","exp":"818"}`, left: 818 * time.Second},
		"exp of words":   {body: `{"aud":"OURS","user_id":"u","exp":"Atza|MARKED"}`, text: "the answer has a field of the wrong kind"},
		"a timestamp":    {body: `{"aud":"OURS","user_id":"u","exp":1446510240}`, left: time.Hour},
		"unknown fields": {body: `{"aud":"OURS","user_id":"u","exp":60,"new":{"x":[1]}}`, left: time.Minute},
		"other client":   {body: `{"aud":"amzn1.application-oa2-client.other","user_id":"u","exp":2370}`, code: lwa.ErrOtherClient, text: "the token was not issued to this client id"},
		"other, expired": {body: `{"aud":"other","user_id":"u","exp":-1}`, code: lwa.ErrOtherClient, text: "the token was not issued to this client id"},
		"no aud":         {body: `{"user_id":"u","exp":2370}`, code: lwa.ErrOtherClient, text: "the token was not issued to this client id"},
		"empty object":   {body: `{}`, code: lwa.ErrOtherClient, text: "the token was not issued to this client id"},
		"null":           {body: `null`, code: lwa.ErrOtherClient, text: "the token was not issued to this client id"},
		"app id of ours": {body: `{"aud":"other","app_id":"OURS","user_id":"u","exp":2370}`, code: lwa.ErrOtherClient, text: "the token was not issued to this client id"},
		"prefix of ours": {body: `{"aud":"OURS0","user_id":"u","exp":2370}`, code: lwa.ErrOtherClient, text: "the token was not issued to this client id"},
		"aud is a list":  {body: `{"aud":["OURS"],"user_id":"u","exp":2370}`, text: "the answer has a field of the wrong kind"},
		"expired":        {body: `{"aud":"OURS","user_id":"u","exp":0}`, code: lwa.ErrTokenExpired, text: "the token has expired"},
		"long expired":   {body: `{"aud":"OURS","user_id":"u","exp":-3600}`, code: lwa.ErrTokenExpired, text: "the token has expired"},
		"no exp":         {body: `{"aud":"OURS","user_id":"u"}`, text: "the answer lacks the user_id or the exp"},
		"a fraction":     {body: `{"aud":"OURS","user_id":"u","exp":0.5}`, text: "the answer lacks the user_id or the exp"},
		"no user":        {body: `{"aud":"OURS","exp":2370}`, text: "the answer lacks the user_id or the exp"},
		"huge exp":       {body: `{"aud":"OURS","user_id":"u","exp":99999999999999999999}`, text: "the answer lacks the user_id or the exp"},
	} {
		t.Run(name, func(t *testing.T) {
			c := about(t, tc.body, "")
			asked := time.Now()
			info, err := c.TokenInfo(t.Context(), "Atza|x")
			if tc.text != "" {
				require.Nil(t, info)
				assert.ErrorContains(t, err, "lwa: TokenInfo: "+tc.text+" (")
				assertClean(t, err)
				var got *lwa.Error
				require.ErrorAs(t, err, &got)
				assert.Equal(t, tc.code, got.Code)
				assert.Equal(t, 200, got.StatusCode)
				profile, err := c.Profile(t.Context(), "Atza|x")
				assert.Nil(t, profile)
				assert.ErrorContains(t, err, "lwa: Profile: "+tc.text+" (")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, clientID, info.ClientID)
			assert.Equal(t, "u", info.UserID)
			assert.Equal(t, tc.left, info.ExpiresIn)
			assert.WithinDuration(t, asked.Add(tc.left), info.Expiry, time.Second)
			if name == "good" {
				assert.Equal(t, int64(1446510240), info.IssuedAt.Unix())
				assert.Equal(t, "https://www.amazon.com", info.Issuer)
				assert.Equal(t, "a", info.AppID)
			} else {
				assert.Zero(t, info.IssuedAt)
			}
		})
	}
}

func TestTokenInfoExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		info, err := about(t, `{"aud":"OURS","user_id":"u","exp":3600}`, "").TokenInfo(t.Context(), "Atza|x")
		require.NoError(t, err)
		assert.False(t, info.Expired(time.Now()))
		assert.False(t, info.Expired(time.Now().Add(lwa.WorkingLife-time.Nanosecond)))
		assert.True(t, info.Expired(time.Now().Add(lwa.WorkingLife)))
	})
}

func TestProfile(t *testing.T) {
	const info = `{"aud":"OURS","user_id":"u","exp":100}`
	for name, tc := range map[string]struct {
		body string
		want lwa.Profile
		text string
	}{
		"all":          {body: `{"user_id":"u","email":"ana@example.com","name":"Ana Müller","postal_code":"98052"}`, want: lwa.Profile{UserID: "u", Name: "Ana Müller", Email: "ana@example.com", PostalCode: "98052"}},
		"id only":      {body: `{"user_id":"u"}`, want: lwa.Profile{UserID: "u"}},
		"another user": {body: `{"user_id":"v","name":"Eve"}`, text: "the profile is not that of the token's user"},
		"no user":      {body: `{"name":"Eve"}`, text: "the profile is not that of the token's user"},
		"wrong kind":   {body: `{"user_id":"u","name":["Eve"]}`, text: "the answer has a field of the wrong kind"},
		"refused":      {body: `{"error":"insufficient_scope","error_description":"no"}`, text: "no (200 insufficient_scope)"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := about(t, info, tc.body).Profile(t.Context(), "Atza|x")
			if tc.text != "" {
				require.Nil(t, got)
				assert.ErrorContains(t, err, "lwa: Profile: "+tc.text)
				assert.NotContains(t, err.Error(), "Eve")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.want, *got)
		})
	}
}

// A profile can be stored: only logging hides it.
func TestProfileIsData(t *testing.T) {
	text, err := json.Marshal(lwa.Profile{UserID: "u"})
	require.NoError(t, err)
	assert.Contains(t, string(text), `"u"`)
}

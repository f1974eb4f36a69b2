package lwa_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/amazonpay-go/amazonpay/lwa"
)

func TestExpired(t *testing.T) {
	now := time.Now()
	for name, tc := range map[string]struct {
		token *oauth2.Token
		want  bool
	}{
		"nil":          {nil, true},
		"empty":        {&oauth2.Token{Expiry: now.Add(time.Hour)}, true},
		"no expiry":    {&oauth2.Token{AccessToken: "x"}, true},
		"new":          {&oauth2.Token{AccessToken: "x", Expiry: now.Add(time.Hour)}, false},
		"after 54:59":  {&oauth2.Token{AccessToken: "x", Expiry: now.Add(5*time.Minute + time.Second)}, false},
		"after 55:00":  {&oauth2.Token{AccessToken: "x", Expiry: now.Add(5 * time.Minute)}, true},
		"after a year": {&oauth2.Token{AccessToken: "x", Expiry: now.AddDate(-1, 0, 0)}, true},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tc.want, lwa.Expired(tc.token, now)) })
	}
}

// What goes to the token endpoint, to the letter.
func TestTokenRequests(t *testing.T) {
	state := issue(t)
	var form url.Values
	handler := func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "POST", r.Method)
		assert.True(t, strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"))
		assert.Empty(t, r.Header.Get("Authorization"))
		require.NoError(t, r.ParseForm())
		form = r.PostForm
		reply(w, 200, map[string]any{"access_token": "Atza|new", "token_type": "bearer", "expires_in": 3600})
	}
	c := client(t, handler)

	_, err := c.Exchange(t.Context(), "the+code", state)
	require.NoError(t, err)
	assert.Len(t, form.Get("code_verifier"), 43)
	consent, err := c.ConsentURL(state)
	require.NoError(t, err)
	assert.Contains(t, consent, "code_challenge="+oauth2.S256ChallengeFromVerifier(form.Get("code_verifier"))+"&")
	form.Del("code_verifier")
	assert.Equal(t, url.Values{"grant_type": {"authorization_code"}, "code": {"the+code"}, "client_id": {clientID},
		"client_secret": {clientSecret}, "redirect_uri": {"https://shop.example/return?lang=de"}}, form)

	_, err = c.Exchange(t.Context(), "code", lwa.State{})
	require.NoError(t, err)
	assert.False(t, form.Has("code_verifier"), "a code that was asked for without PKCE")

	token, err := c.Refresh(t.Context(), "Atzr|old")
	require.NoError(t, err)
	assert.Equal(t, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"Atzr|old"}, "client_id": {clientID},
		"client_secret": {clientSecret}}, form)
	assert.Equal(t, "Atzr|old", token.RefreshToken, "none came back: the old one stays")
}

func TestExchangeWithoutASecret(t *testing.T) {
	c := config()
	c.ClientSecret = lwa.SecretKey{}
	c.HTTPClient = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		require.NoError(t, r.ParseForm())
		assert.False(t, r.PostForm.Has("client_secret"))
		assert.True(t, r.PostForm.Has("code_verifier"))
		assert.Empty(t, r.Header.Get("Authorization"))
		return nil, errors.New("seen")
	})}
	made, err := lwa.New(c)
	require.NoError(t, err)
	_, err = made.Exchange(t.Context(), "code", issue(t))
	assert.ErrorContains(t, err, "seen")

	c.RedirectURL, c.Scopes = "", nil
	made, err = lwa.New(c)
	require.NoError(t, err)
	_, err = made.Exchange(t.Context(), "", lwa.State{})
	assert.EqualError(t, err, "lwa: Exchange: code is required; Config.RedirectURL is required; state has no verifier, which is required without a ClientSecret")
}

func TestTokenAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		life time.Duration
		text string
	}{
		"good":            {body: `{"access_token":"Atza|x","token_type":"bearer","expires_in":3600,"refresh_token":"Atzr|new"}`, life: time.Hour},
		"3349":            {body: `{"access_token":"Atza|x","token_type":"Bearer","expires_in":3349,"refresh_token":"Atzr|new"}`, life: 3349 * time.Second},
		"quoted":          {body: `{"access_token":"Atza|x","expires_in":"60","refresh_token":"Atzr|new"}`, life: time.Minute},
		"no life":         {body: `{"access_token":"Atza|x","refresh_token":"Atzr|new"}`, life: time.Hour},
		"a timestamp":     {body: `{"access_token":"Atza|x","expires_in":1446510240,"refresh_token":"Atzr|new"}`, life: time.Hour},
		"born dead":       {body: `{"access_token":"Atza|x","expires_in":-5,"refresh_token":"Atzr|new"}`, life: -5 * time.Second},
		"no token":        {body: `{"token_type":"bearer"}`, text: "the answer is no token document"},
		"token of spaces": {body: `{"access_token":"Atza|MARKED MARKED"}`, text: "a token in the answer is too long or not printable ASCII"},
		"5 KB":            {body: `{"access_token":"` + strings.Repeat("MARKED", 850) + `"}`, text: "a token in the answer is too long or not printable ASCII"},
		"bad refresh":     {body: `{"access_token":"Atza|x","refresh_token":"MARKED\n"}`, text: "a token in the answer is too long or not printable ASCII"},
		"mac":             {body: `{"access_token":"Atza|MARKED","token_type":"mac"}`, text: "the token in the answer is not of the type bearer"},
		"kind":            {body: `{"access_token":"Atza|MARKED","expires_in":"Atza|MARKED"}`, text: "the answer is no token document"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := client(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "text/plain") // whatever the server calls it
					_, _ = w.Write([]byte(tc.body))
				})
				token, err := c.Refresh(t.Context(), "Atzr|old")
				if tc.text != "" {
					assert.Nil(t, token)
					assert.EqualError(t, err, "lwa: Refresh: "+tc.text+" (status 200)")
					assertClean(t, err)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, "Atza|x", token.AccessToken)
				assert.Equal(t, "Atzr|new", token.RefreshToken)
				assert.Equal(t, time.Now().Add(tc.life), token.Expiry)
			})
		})
	}
}

func TestTokenSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refreshed := 0
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			refreshed++
			assert.Equal(t, "Atzr|"+strings.Repeat("i", refreshed), r.PostFormValue("refresh_token"))
			reply(w, 200, map[string]any{"access_token": "Atza|new", "expires_in": 3600,
				"refresh_token": "Atzr|" + strings.Repeat("i", refreshed+1)})
		})
		var saved []string
		var full error
		begin := &oauth2.Token{AccessToken: "Atza|old", RefreshToken: "Atzr|i", Expiry: time.Now().Add(time.Hour)}
		source := c.TokenSource(t.Context(), begin, func(token *oauth2.Token) error {
			if full == nil {
				saved = append(saved, token.RefreshToken)
			}
			return full
		})
		get := func() string {
			token, err := source.Token()
			require.NoError(t, err)
			return token.AccessToken
		}
		assert.Equal(t, "Atza|old", get())
		time.Sleep(lwa.WorkingLife - time.Second)
		assert.Equal(t, "Atza|old", get())
		time.Sleep(time.Second)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { assert.Equal(t, "Atza|new", get()) })
		}
		all.Wait()
		assert.Equal(t, 1, refreshed, "twenty callers, one refresh")
		assert.Equal(t, []string{"Atzr|ii"}, saved)

		time.Sleep(lwa.WorkingLife)
		full = errors.New("disk full")
		_, err := source.Token()
		assert.EqualError(t, err, "lwa: TokenSource: the new token is not saved: disk full")
		assert.ErrorIs(t, err, full)
		full = nil
		assert.Equal(t, "Atza|new", get())
		assert.Equal(t, 2, refreshed, "the token was kept until it could be saved")
		assert.Equal(t, []string{"Atzr|ii", "Atzr|iii"}, saved)
		assert.Equal(t, "Atza|old", begin.AccessToken, "the caller's token is not touched")
	})
}

func TestTokenSourceWithoutARefreshToken(t *testing.T) {
	c := client(t, func(http.ResponseWriter, *http.Request) { panic("sent") })
	for _, token := range []*oauth2.Token{nil, {AccessToken: "Atza|x"}} {
		_, err := c.TokenSource(t.Context(), token, nil).Token()
		assert.EqualError(t, err, "lwa: Refresh: refreshToken is required")
	}
}

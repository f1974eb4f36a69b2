package lwa_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/lwa"
)

func TestParseGrantToken(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		delivered, token string
		life             time.Duration
	}{
		"fragment":           {"#access_token=Atza%7CIwEB&token_type=bearer&expires_in=3600&scope=profile+payments%3Awidget&state=s", "Atza|IwEB", time.Hour},
		"bare fragment":      {"access_token=Atza%7cIwEB&token_type=bearer&expires_in=3300", "Atza|IwEB", 55 * time.Minute},
		"query":              {"?access_token=Atza%7CIwEB&token_type=bearer&expires_in=3600", "Atza|IwEB", time.Hour},
		"URL and query":      {"https://shop.example/return?lang=de&access_token=Atza%7CIwEB&token_type=bearer", "Atza|IwEB", time.Hour},
		"URL and fragment":   {"https://shop.example/a=b/return#access_token=Atza%7CIwEB", "Atza|IwEB", time.Hour},
		"query and fragment": {"/return?lang=de#access_token=Atza%7CIwEB", "Atza|IwEB", time.Hour},
		"empty fragment":     {"access_token=Atza%7CIwEB#", "Atza|IwEB", time.Hour},
		"raw bar":            {"#access_token=Atza|IwEB", "Atza|IwEB", time.Hour},
		"raw plus":           {"?access_token=Atza|a+b/c=", "Atza|a+b/c=", time.Hour},
		"encoded plus":       {"?access_token=Atza%7Ca%2Bb%2Fc%3D", "Atza|a+b/c=", time.Hour},
		"encoded twice":      {"?access_token=Atza%257Ca%252Bb%252Fc%253D", "Atza|a+b/c=", time.Hour},
		"percent in a token": {"?access_token=Atza%7Ca%257Cb", "Atza|a%7Cb", time.Hour},
		"capital bearer":     {"#access_token=Atza%7CIwEB&token_type=Bearer", "Atza|IwEB", time.Hour},
		"too long a life":    {"#access_token=Atza%7CIwEB&expires_in=2000000000", "Atza|IwEB", time.Hour},
		"others twice":       {"#x=1&x=2&access_token=Atza%7CIwEB&&=", "Atza|IwEB", time.Hour},
		"question mark":      {"state=a?b&access_token=Atza%7CIwEB", "Atza|IwEB", time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			grant, err := lwa.ParseGrant(tc.delivered, now)
			require.NoError(t, err)
			require.NotNil(t, grant.Token)
			assert.Equal(t, tc.token, grant.Token.AccessToken)
			assert.Equal(t, "Bearer", grant.Token.Type())
			assert.Equal(t, now.Add(tc.life), grant.Token.Expiry)
			assert.Empty(t, grant.Token.RefreshToken)
			assert.Empty(t, grant.Code)
			if name == "fragment" {
				assert.Equal(t, "s", grant.State)
				assert.Equal(t, []lwa.Scope{lwa.ScopeProfile, lwa.ScopeWidget}, grant.Scopes)
			}
		})
	}
}

func TestParseGrantCode(t *testing.T) {
	grant, err := lwa.ParseGrant("code=AN%2Bab+cd&state=s%20t&scope=profile", time.Now())
	require.NoError(t, err)
	assert.Equal(t, &lwa.Grant{Code: "AN+ab+cd", State: "s t", Scopes: []lwa.Scope{lwa.ScopeProfile}}, grant)
}

func TestParseGrantRefused(t *testing.T) {
	long := strings.Repeat("MARKED", 850)
	for name, tc := range map[string]struct {
		delivered string
		code      lwa.ErrorCode
		text      string
	}{
		"denied":           {"error_description=Access+not+permitted.&state=s&error=access_denied", lwa.ErrAccessDenied, "Access not permitted (access_denied)"},
		"denied, %20":      {"?error_description=Access%20not%20permitted.&error=access_denied#", lwa.ErrAccessDenied, "Access not permitted (access_denied)"},
		"denied, fragment": {"#error=access_denied", lwa.ErrAccessDenied, ""},
		"scope":            {"error_description=An+unknown+scope+was+requested&error=invalid_scope", lwa.ErrInvalidScope, "An unknown scope was requested (invalid_scope)"},
		"request":          {"error=invalid_request", lwa.ErrInvalidRequest, ""},
		"client":           {"error=unauthorized_client", lwa.ErrUnauthorizedClient, ""},
		"response type":    {"error=unsupported_response_type", lwa.ErrUnsupportedResponseType, ""},
		"server":           {"error=server_error", lwa.ErrServerError, ""},
		"ServerError":      {"error=ServerError", lwa.ErrServerError, ""},
		"unavailable":      {"error=temporarily_unavailable", lwa.ErrTemporarilyUnavailable, ""},
		"grant":            {"error=invalid_grant", lwa.ErrInvalidGrant, ""},
		"new":              {"error=brand_new", "brand_new", ""},
		"error and token":  {"error=access_denied&access_token=Atza%7CMARKED&error_description=Atza%7CMARKED", lwa.ErrAccessDenied, "[redacted] (access_denied)"},
		"odd error":        {"error=%3Cscript%3EMARKED", "", "the error code cannot be read"},
		"empty error":      {"error=", "", "the error code cannot be read"},
		"empty":            {"", "", "neither a code nor a token nor an error came back"},
		"nothing":          {"https://shop.example/return", "", "neither a code nor a token nor an error came back"},
		"HTML":             {"<html><body>access_token=</body></html>", "", "neither a code nor a token nor an error came back"},
		"both":             {"code=a&access_token=b", "", "both a code and a token came back"},
		"twice":            {"access_token=Atza%7CMARKED&access_token=Atza%7CMARKED2", "", "access_token came back twice"},
		"twice, apart":     {"?state=a#access_token=Atza%7CMARKED&state=b", "", "state came back twice"},
		"empty token":      {"#access_token=", "", "the token is required"},
		"empty code":       {"code=", "", "the code is required"},
		"token of spaces":  {"#access_token=Atza%7CMARKED%20MARKED", "", "the token has a space or a character outside printable ASCII"},
		"code of spaces":   {"code=MARKED%20MARKED", "", "the code has a space or a character outside printable ASCII"},
		"5 KB":             {"#access_token=" + long, "", "the token is longer than 2048 bytes"},
		"20 KB":            {"#access_token=" + strings.Repeat(long, 4), "", "more came back than a token needs"},
		"bad escape":       {"#access_token=Atza%7CMARKED%g", "", "access_token is not percent-encoded as it should be"},
		"bad inner escape": {"#access_token=Atza%257CMARKED%25g", "", "the token is not percent-encoded as it should be"},
		"mac":              {"#access_token=MARKED&token_type=mac", "", "the token is not of the type bearer"},
		"life of words":    {"#access_token=MARKED&expires_in=MARKED", "", "expires_in is not a number of seconds"},
		"life of nothing":  {"#access_token=MARKED&expires_in=0", "", "expires_in is not a number of seconds"},
		"negative life":    {"#access_token=MARKED&expires_in=-1", "", "expires_in is not a number of seconds"},
		"endless life":     {"#access_token=MARKED&expires_in=9999999999999999999", "", "expires_in is not a number of seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			grant, err := lwa.ParseGrant(tc.delivered, time.Now())
			assert.Nil(t, grant)
			var got *lwa.Error
			require.ErrorAs(t, err, &got)
			assert.Equal(t, tc.code, got.Code)
			if tc.code != "" {
				assert.ErrorIs(t, err, tc.code)
			}
			if tc.text != "" {
				assert.EqualError(t, err, "lwa: ParseGrant: "+tc.text)
			}
			assertClean(t, err)
		})
	}
}

func FuzzParseGrant(f *testing.F) {
	for _, s := range []string{
		"#access_token=Atza%7CIwEB&token_type=bearer&expires_in=3600&scope=profile+payments%3Awidget&state=s",
		"https://shop.example/return?access_token=Atza%257Ca%252B", "?code=AN&state=s",
		"error_description=Access+not+permitted.&state=s&error=access_denied#", "a=b?c#d?e=f&code=%", "access_token=%7C%257C",
	} {
		f.Add(s)
	}
	now := time.Now()
	f.Fuzz(func(t *testing.T, delivered string) {
		grant, err := lwa.ParseGrant(delivered, now)
		if err != nil {
			var refused *lwa.Error
			if grant != nil || !errors.As(err, &refused) || strings.ContainsAny(err.Error(), "\r\n\x00") {
				t.Fatalf("%v %q", grant, err)
			}
			if refused.Code == "" && refused.Description == "" && strings.Contains(err.Error(), "Atza") {
				t.Fatalf("%q shows a token", err)
			}
			return
		}
		if (grant.Code != "") == (grant.Token != nil) {
			t.Fatalf("%+v: not one of the two", grant)
		}
		if grant.Token == nil {
			return
		}
		token := grant.Token.AccessToken
		if token == "" || len(token) > 2048 || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Fatalf("%q is no token", token)
		}
		if life := grant.Token.Expiry.Sub(now); life <= 0 || life > lwa.TokenLife {
			t.Fatalf("it lives %v", life)
		}
		// What was read is read again, in every form in which a browser brings it.
		if !strings.Contains(token, "|") && strings.Contains(strings.ToLower(token), "%7c") {
			return // encoded more than twice
		}
		once := url.QueryEscape(token)
		for _, form := range []string{"#access_token=" + once, "?state=x&access_token=" + once, "https://x.example/?access_token=" + once + "#"} {
			again, err := lwa.ParseGrant(form, now)
			if err != nil || again.Token.AccessToken != token {
				t.Fatalf("%q: %q and then %v, %v", form, token, again, err)
			}
		}
	})
}

// Anybody writes these texts; U+2028 ends a line for many a log viewer, U+202E turns it round.
func TestDescriptionsAreOneLine(t *testing.T) {
	_, err := lwa.ParseGrant("error=access_denied&error_description=no%E2%80%A8level=ERROR%E2%80%AE", time.Now())
	assert.False(t, strings.ContainsFunc(err.Error(), func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Cf)
	}), "%q", err)
}

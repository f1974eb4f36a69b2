package lwa

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/amazonpay-go/amazonpay/internal/fault"
	"github.com/amazonpay-go/amazonpay/internal/secret"
)

// The two lives of an access token. Amazon's servers take it for an hour, but
// the browser SDK forgets it after 55 minutes (its cookies have a max_age of
// 3300 seconds), and the widgets then report BuyerSessionExpired. So a token is
// good for starting something new during its working life only.
const (
	TokenLife   = time.Hour        // as Amazon counts it
	WorkingLife = 55 * time.Minute // as to be planned with
)

// maxToken is Amazon's limit for both kinds of token, in bytes. It documents no
// limit for a code, which is shorter.
const maxToken = 2048

// Expired reports whether the working life of a token is over: it ends 5
// minutes before the token's Expiry. A token that is nil, empty or without an
// Expiry counts as expired.
func Expired(token *oauth2.Token, now time.Time) bool {
	return token == nil || token.AccessToken == "" || over(token.Expiry, now)
}

func over(expiry, now time.Time) bool {
	return !now.Before(expiry.Add(WorkingLife - TokenLife))
}

// expiry is the end of a life given in seconds, at most TokenLife: a longer one
// would be a timestamp, or written by somebody else.
func expiry(now time.Time, seconds int64) time.Time {
	return now.Add(time.Duration(min(seconds, int64(TokenLife/time.Second))) * time.Second)
}

// ParseAccessToken cleans an access token that comes from a form or from the
// browser SDK's cookie amazon_Login_accessToken, where it may still be
// percent-encoded ("Atza%7C…"). All functions here that take an access token do
// this themselves. The error is an [*InvalidError].
func ParseAccessToken(s string) (string, error) { return accessToken("ParseAccessToken", s) }

func accessToken(subject, s string) (string, error) {
	token, problem := s, ""
	if !strings.Contains(s, "|") && strings.Contains(strings.ToLower(s), "%7c") {
		var err error // PathUnescape, because it leaves a plus alone
		if token, err = url.PathUnescape(s); err != nil {
			problem = "is not percent-encoded as it should be"
		}
	}
	if problem == "" {
		problem = fault.Word(token, maxToken)
	}
	if problem != "" {
		return "", fault.List{{Field: "accessToken", Problem: problem}}.Of("lwa", subject)
	}
	return token, nil
}

// Exchange turns the code of a [Grant] into an access token and a refresh
// token. The state is the one that [CheckState] returned; its verifier proves
// that this sign-in is ours. The zero State is for codes that were asked for
// without PKCE, and needs a ClientSecret. A code works once and for about 5
// minutes: after an error let the buyer sign in again.
//
// Keep the refresh token; it is valid until the buyer removes your application
// from the account. Never print or log an [oauth2.Token]: it does not hide
// itself. Errors are [*Error], or [*InvalidError] if nothing was sent.
func (c *Client) Exchange(ctx context.Context, code string, state State) (*oauth2.Token, error) {
	const op = "Exchange"
	verifier := secret.Text(state.Verifier)
	var wrong fault.List
	wrong.Add("code", fault.Word(code, maxToken))
	if c.config.RedirectURL == "" {
		wrong.Add("Config.RedirectURL", "is required")
	}
	if verifier == "" && c.config.ClientSecret.IsZero() {
		wrong.Add("state", "has no verifier, which is required without a ClientSecret")
	}
	if err := wrong.Of("lwa", op); err != nil {
		return nil, err
	}
	var options []oauth2.AuthCodeOption
	if verifier != "" {
		options = append(options, oauth2.VerifierOption(verifier))
	}
	return c.retrieve(ctx, op, func(ctx context.Context, o *oauth2.Config) (*oauth2.Token, error) {
		return o.Exchange(ctx, code, options...)
	}, code, verifier)
}

// Refresh gets a new access token. Amazon may answer with a new refresh token
// as well: the result holds whichever is to be used next, so store it whole.
// [ErrInvalidGrant] says that the buyer has revoked the permission. Errors are
// [*Error], or [*InvalidError] if nothing was sent.
func (c *Client) Refresh(ctx context.Context, refreshToken string) (*oauth2.Token, error) {
	const op = "Refresh"
	var wrong fault.List
	wrong.Add("refreshToken", fault.Word(refreshToken, maxToken))
	if err := wrong.Of("lwa", op); err != nil {
		return nil, err
	}
	return c.retrieve(ctx, op, func(ctx context.Context, o *oauth2.Config) (*oauth2.Token, error) {
		return o.TokenSource(ctx, &oauth2.Token{RefreshToken: refreshToken}).Token()
	}, refreshToken)
}

// oauth is the library's configuration. It is made anew each time, because it
// holds the secret in the open.
func (c *Client) oauth() *oauth2.Config {
	o := &oauth2.Config{
		ClientID:     c.config.ClientID,
		ClientSecret: secret.Text(c.config.ClientSecret),
		RedirectURL:  c.config.RedirectURL,
		Endpoint: oauth2.Endpoint{
			AuthURL:  c.config.Endpoints.Authorize,
			TokenURL: c.config.Endpoints.Token,
			// Named, because the library would find out by trying, and a code
			// survives one try only.
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
	for _, s := range c.config.Scopes {
		o.Scopes = append(o.Scopes, string(s))
	}
	return o
}

// road lets oauth2 make its requests by way of Client.send.
type road func(*http.Request) (*http.Response, error)

func (r road) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

// retrieve gets a token by the oauth2 library. The library's own errors are
// dropped: they carry the whole answer, and with it tokens.
func (c *Client) retrieve(ctx context.Context, op string,
	get func(context.Context, *oauth2.Config) (*oauth2.Token, error), secrets ...string) (*oauth2.Token, error) {
	a := &answer{about: Error{Op: op}}
	transport := road(func(r *http.Request) (*http.Response, error) {
		got, err := c.send(r, op, secrets...)
		if err != nil {
			return nil, err
		}
		a = got
		return &http.Response{
			StatusCode: http.StatusOK,
			Header:     http.Header{"Content-Type": {"application/json"}}, // the library guesses otherwise
			Body:       io.NopCloser(bytes.NewReader(a.body)),
			Request:    r,
		}, nil
	})
	asked := time.Now()
	token, err := get(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: transport}), c.oauth())
	var known *Error
	switch {
	case errors.As(err, &known):
		return nil, known
	case err != nil:
		return nil, a.fail("", "the answer is no token document")
	case fault.Word(token.AccessToken, maxToken) != "", token.RefreshToken != "" && fault.Word(token.RefreshToken, maxToken) != "":
		return nil, a.fail("", "a token in the answer is too long or not printable ASCII")
	case !strings.EqualFold(token.Type(), "bearer"):
		return nil, a.fail("", "the token in the answer is not of the type bearer")
	}
	if token.ExpiresIn == 0 { // not said
		token.ExpiresIn = int64(TokenLife / time.Second)
	}
	token.Expiry = expiry(asked, token.ExpiresIn)
	return token, nil
}

// TokenSource returns the token as long as its working life lasts and then
// refreshes it, by ctx. It calls save, if that is not nil, with every new token
// before it returns it: Amazon may have replaced the refresh token, and the old
// one would be of no use after a restart. If save fails, Token returns that
// error, and the next call saves again.
func (c *Client) TokenSource(ctx context.Context, token *oauth2.Token, save func(*oauth2.Token) error) oauth2.TokenSource {
	s := &source{refresh: func(refreshToken string) (*oauth2.Token, error) { return c.Refresh(ctx, refreshToken) }, save: save}
	if token != nil {
		s.token = *token
	}
	return s
}

type source struct {
	refresh func(refreshToken string) (*oauth2.Token, error)
	save    func(*oauth2.Token) error

	mu      sync.Mutex
	token   oauth2.Token
	unsaved bool
}

// Token is for any number of goroutines.
func (s *source) Token() (*oauth2.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if Expired(&s.token, time.Now()) {
		fresh, err := s.refresh(s.token.RefreshToken)
		if err != nil {
			return nil, err
		}
		s.token, s.unsaved = *fresh, s.save != nil
	}
	token := s.token
	if s.unsaved {
		if err := s.save(&token); err != nil {
			return nil, fmt.Errorf("lwa: TokenSource: the new token is not saved: %w", err)
		}
		s.unsaved = false
	}
	return &token, nil
}

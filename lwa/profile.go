package lwa

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/amazonpay-go/amazonpay/internal/secret"
)

// TokenInfo is what Amazon says of an access token. Logging one shows nothing
// of the buyer.
type TokenInfo struct {
	ClientID  string        // the client that the token was issued to; always yours ("aud")
	UserID    string        // the buyer, "amzn1.account.…"
	AppID     string        // the application that your client ids belong to
	Issuer    string        // "https://www.amazon.com" in all sources; not checked, because those are American
	ExpiresIn time.Duration // what was left of the token's life when Amazon answered, above 0 and at most TokenLife ("exp", which is no timestamp here)
	Expiry    time.Time     // the same as a time, by this machine's clock
	IssuedAt  time.Time     // zero if Amazon did not say ("iat")
}

// Expired reports whether the working life of the token is over: 5 minutes
// before its Expiry.
func (t *TokenInfo) Expired(now time.Time) bool { return over(t.Expiry, now) }

// LogValue hides the buyer from slog.
func (t TokenInfo) LogValue() slog.Value {
	return slog.GroupValue(slog.String("clientId", t.ClientID), slog.Duration("expiresIn", t.ExpiresIn))
}

// Profile is the buyer behind an access token, as far as its scopes allow.
// Logging one shows nothing of it.
type Profile struct {
	UserID     string // the same for all sites of one company, and another one for others: the key to store
	Name       string // with the scope profile
	Email      string // likewise; buyers change it, so it is no key
	PostalCode string // of the primary shipping address, with the scope postal_code
}

// LogValue hides the buyer from slog.
func (Profile) LogValue() slog.Value { return slog.StringValue(secret.Redacted) }

// TokenInfo asks Amazon about an access token. It succeeds only if the token
// was issued to your client id (otherwise [ErrOtherClient]: somebody brings a
// token that a buyer gave to another site) and has not expired
// ([ErrTokenExpired]). Amazon answers [ErrInvalidToken] to what is no token.
// Errors are [*Error], or [*InvalidError] if nothing was sent.
func (c *Client) TokenInfo(ctx context.Context, accessToken string) (*TokenInfo, error) {
	info, _, err := c.tokenInfo(ctx, "TokenInfo", accessToken)
	return info, err
}

// tokenInfo also returns the token, cleaned.
func (c *Client) tokenInfo(ctx context.Context, op, s string) (*TokenInfo, string, error) {
	token, err := accessToken(op, s)
	if err != nil {
		return nil, "", err
	}
	var doc struct {
		Aud    string          `json:"aud"`
		UserID string          `json:"user_id"`
		AppID  string          `json:"app_id"`
		Iss    string          `json:"iss"`
		Exp    json.Number     `json:"exp"`
		Iat    json.RawMessage `json:"iat"` // not worth an error
	}
	asked := time.Now()
	a, err := c.get(ctx, op, c.config.Endpoints.TokenInfo, token, &doc)
	if err != nil {
		return nil, "", err
	}
	left, err := doc.Exp.Int64()
	switch {
	case doc.Aud != c.config.ClientID:
		return nil, "", a.fail(ErrOtherClient, "the token was not issued to this client id")
	case err != nil || doc.UserID == "":
		return nil, "", a.fail("", "the answer lacks the user_id or the exp")
	case left <= 0:
		return nil, "", a.fail(ErrTokenExpired, "the token has expired")
	}
	info := &TokenInfo{ClientID: doc.Aud, UserID: doc.UserID, AppID: doc.AppID, Issuer: doc.Iss, Expiry: expiry(asked, left)}
	info.ExpiresIn = info.Expiry.Sub(asked)
	if issued, err := strconv.ParseInt(string(doc.Iat), 10, 64); err == nil && issued > 0 {
		info.IssuedAt = time.Unix(issued, 0)
	}
	return info, token, nil
}

// Profile returns the buyer behind an access token, after it has checked the
// token as [Client.TokenInfo] does. Errors are [*Error], or [*InvalidError] if
// nothing was sent.
func (c *Client) Profile(ctx context.Context, accessToken string) (*Profile, error) {
	_, profile, err := c.profile(ctx, accessToken)
	return profile, err
}

// profile also returns what Amazon says of the token.
func (c *Client) profile(ctx context.Context, accessToken string) (*TokenInfo, *Profile, error) {
	const op = "Profile"
	info, token, err := c.tokenInfo(ctx, op, accessToken)
	if err != nil {
		return nil, nil, err
	}
	var doc struct {
		UserID     string `json:"user_id"`
		Name       string `json:"name"`
		Email      string `json:"email"`
		PostalCode string `json:"postal_code"`
	}
	a, err := c.get(ctx, op, c.config.Endpoints.Profile, token, &doc)
	if err != nil {
		return nil, nil, err
	}
	if doc.UserID != info.UserID {
		return nil, nil, a.fail("", "the profile is not that of the token's user")
	}
	return info, &Profile{doc.UserID, doc.Name, doc.Email, doc.PostalCode}, nil
}

// get asks about a token. It goes in the header that all official SDKs use; a
// URL would end in the logs of every proxy.
func (c *Client) get(ctx context.Context, op, address, token string, into any) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &Error{Op: op, problem: "the request could not be made"}
	}
	r.Header.Set("x-amz-access-token", token)
	a, err := c.send(r, op, token)
	if err != nil {
		return nil, err
	}
	if json.Unmarshal(a.body, into) != nil { // its text may quote the answer
		return nil, a.fail("", "the answer has a field of the wrong kind")
	}
	return a, nil
}

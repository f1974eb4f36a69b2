package amazonpay

import (
	"context"
	"fmt"
	"time"

	"github.com/amazonpay-go/amazonpay/internal/fault"
	"github.com/amazonpay-go/amazonpay/lwa"
)

// profileTimeout bounds each request about a buyer who is waiting.
const profileTimeout = 10 * time.Second

// connectLogin makes the client of Login with Amazon, if there is a client id. It
// takes what check has taken.
func (c *Client) connectLogin() (err error) {
	cfg := c.config
	if cfg.LoginClientID != "" {
		c.login, err = lwa.New(lwa.Config{
			ClientID: cfg.LoginClientID, Region: cfg.Region, Environment: cfg.Environment,
			BaseURL: cfg.BaseURL, HTTPClient: c.http, Timeout: min(cfg.Timeout, profileTimeout),
		})
	}
	return err
}

// GetUserProfile tells who the buyer behind a Login with Amazon access token
// is: user id, name, e-mail, postal code, as far as the token's scopes allow. It
// first makes sure that the token was issued to the client's
// LoginClientID: without that, any site could sign in as its own visitors on
// yours. The errors are those of package lwa: [*lwa.Error], such as
// [lwa.ErrOtherClient] and [lwa.ErrTokenExpired], or [*lwa.InvalidError] for a
// token that cannot be one; none shows the token. Nothing is repeated: the buyer
// is waiting.
func (c *Client) GetUserProfile(ctx context.Context, accessToken string) (*lwa.Profile, error) {
	if c.login == nil {
		return nil, invalid("GetUserProfile", fault.List{{Field: "Config.LoginClientID", Problem: "is required"}})
	}
	profile, err := c.login.Profile(ctx, accessToken)
	if err != nil {
		return nil, fmt.Errorf("amazonpay: GetUserProfile: %w", err)
	}
	return profile, nil
}

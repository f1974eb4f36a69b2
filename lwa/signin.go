package lwa

import (
	"context"
	"time"

	"golang.org/x/oauth2"
)

// SignIn is the end of the implicit grant, and believes nothing that the
// browser says: it reads what came back ([ParseGrant]), checks the state against
// the browser's cookie ([CheckState]; cookie is what [StateCookie] reads), and
// asks Amazon whether the token was issued to your client id, what is left of it
// and whose it is ([Client.TokenInfo], [Client.Profile]). It returns the token,
// whose Expiry is counted from now by what Amazon says, and the buyer.
//
// Errors are those of the steps: an [*Error] such as [ErrAccessDenied] if the
// buyer said no, also for a code in the place of a token, or an [*InvalidError].
func (c *Client) SignIn(ctx context.Context, key SecretKey, delivered, cookie string, now time.Time) (*oauth2.Token, *Profile, error) {
	grant, err := ParseGrant(delivered, now)
	if err != nil {
		return nil, nil, err
	}
	if _, err := CheckState(key, grant.State, cookie, now); err != nil {
		return nil, nil, err
	}
	if grant.Token == nil {
		return nil, nil, &Error{Op: "ParseGrant", Code: ErrInvalidRequest, problem: "a code came back and no token"}
	}
	info, profile, err := c.profile(ctx, grant.Token.AccessToken)
	if err != nil {
		return nil, nil, err
	}
	grant.Token.ExpiresIn = int64(info.ExpiresIn / time.Second)
	grant.Token.Expiry = now.Add(info.ExpiresIn)
	return grant.Token, profile, nil
}

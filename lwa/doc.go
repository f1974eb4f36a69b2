// Package lwa is Login with Amazon: it sends a buyer to Amazon's consent page,
// takes what the browser brings back, learns who the buyer is, and keeps the
// access to it fresh. It stands on [golang.org/x/oauth2] and knows the servers
// of every region and environment of Amazon Pay.
//
// # Two grants
//
// With Amazon Pay, the buyer mostly presses a button of Amazon's own script.
// That is the implicit grant: the browser gets an access token, which the
// widgets need, and hands it to your server. It has no refresh token.
//
// With the authorization code grant, the browser gets a code, and your server
// exchanges it for an access token and a refresh token. Buyers stay signed in
// until they remove your application from their Amazon account. This package
// uses PKCE, so that a code that leaks is of no use to anybody.
//
//	client, err := lwa.New(lwa.Config{
//		ClientID:     "amzn1.application-oa2-client.…",
//		ClientSecret: lwa.NewSecretKey(os.Getenv("LWA_CLIENT_SECRET")),
//		Region:       lwa.RegionUK,
//		Environment:  lwa.Sandbox,
//		RedirectURL:  "https://shop.example/return",
//		Scopes:       []lwa.Scope{lwa.ScopeProfile, lwa.ScopeWidget},
//	})
//
// # The code grant
//
// Two handlers. The first issues a [State], which ties the sign-in to this
// browser by a cookie, and sends the buyer away:
//
//	state, err := lwa.IssueState(key, lwa.StateCookie(r, returnURL), time.Now())
//	lwa.SetCookie(w, state, returnURL)
//	address, err := client.ConsentURL(state)
//	http.Redirect(w, r, address, http.StatusSeeOther)
//
// The second, at RedirectURL, reads what came back, checks the state, and
// exchanges the code:
//
//	grant, err := lwa.ParseGrant(r.URL.RawQuery, time.Now()) // ErrAccessDenied: the buyer said no
//	state, err := lwa.CheckState(key, grant.State, lwa.StateCookie(r, returnURL), time.Now())
//	token, err := client.Exchange(ctx, grant.Code, state)
//	buyer, err := client.Profile(ctx, token.AccessToken)
//
// [Client.Refresh] and [Client.TokenSource] renew the token later.
//
// # The implicit grant
//
// The popup brings the token in the query of the page that you named; the
// full-page redirect brings it in the fragment, which only a script in the page
// can see, as location.hash, and must send to your server. (Package widgets
// does.) [Client.SignIn] takes either, undecoded. The token is anybody's until
// Amazon has said that it was issued to your client id, and the sign-in may be
// somebody else's until its state has been checked: a site that leaves this out
// lets every other site sign in as its visitors, or its visitors as others.
//
//	token, buyer, err := client.SignIn(ctx, key, delivered, lwa.StateCookie(r, returnURL), time.Now())
//
// The address of a page reached by the popup has the token in it: answer it with
// a redirect, and with a Referrer-Policy.
//
// # Time
//
// A token lives an hour. The browser forgets it after 55 minutes, and the
// widgets with it: so here a token's working life is 55 minutes ([WorkingLife],
// [Expired]).
//
// # Errors
//
// A refusal is an [*Error]: by the buyer, by Amazon, or by this package's
// checks. Its codes are errors themselves:
//
//	switch {
//	case errors.Is(err, lwa.ErrAccessDenied): // the buyer said no: show the basket again
//	case errors.Is(err, lwa.ErrInvalidGrant): // revoked, used or too old: sign in again
//	case errors.Is(err, lwa.ErrOtherClient): // somebody else's token: refuse
//	case errors.Is(err, context.DeadlineExceeded): // Amazon did not answer in time
//	}
//
// What cannot be sent at all is an [*InvalidError] that names every fault. No
// error has a token, a code or a secret in it, and no URL that this package
// makes has a token in it.
package lwa

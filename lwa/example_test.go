package lwa_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"time"

	"golang.org/x/oauth2"

	"github.com/amazonpay-go/amazonpay/lwa"
)

// Sign-in with the authorization code grant: a shop with two pages, a browser
// that goes through them, and a server that stands in for Amazon.
func Example_codeGrant() {
	amazon := httptest.NewServer(newAmazon())
	defer amazon.Close()
	pages := http.NewServeMux()
	shop := httptest.NewServer(pages)
	defer shop.Close()
	returnURL := shop.URL + "/return"

	client, err := lwa.New(lwa.Config{
		ClientID:     clientID,
		ClientSecret: lwa.NewSecretKey(clientSecret),
		Region:       lwa.RegionUK,
		Environment:  lwa.Sandbox,
		RedirectURL:  returnURL,
		Scopes:       []lwa.Scope{lwa.ScopeProfile, lwa.ScopeWidget},
		BaseURL:      amazon.URL,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	key := lwa.NewSecretKey("32 random bytes of your own, kept") // the same on all machines

	pages.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		state, err := lwa.IssueState(key, lwa.StateCookie(r, returnURL), time.Now())
		if err != nil {
			http.Error(w, "cannot sign in", http.StatusInternalServerError)
			return
		}
		address, err := client.ConsentURL(state)
		if err != nil {
			http.Error(w, "cannot sign in", http.StatusInternalServerError)
			return
		}
		lwa.SetCookie(w, state, returnURL)
		http.Redirect(w, r, address, http.StatusSeeOther)
	})
	pages.HandleFunc("GET /return", func(w http.ResponseWriter, r *http.Request) {
		buyer, err := signIn(r, client, key, returnURL)
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		_, _ = fmt.Fprintf(w, "Hello, %s (%s)", buyer.Name, buyer.UserID)
	})

	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	page, err := browser.Get(shop.URL + "/login")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = page.Body.Close() }()
	text, _ := io.ReadAll(page.Body)
	fmt.Println(page.StatusCode, string(text))
	// Output: 200 Hello, Ana (amzn1.account.A1)
}

// signIn is what the page at RedirectURL does.
func signIn(r *http.Request, client *lwa.Client, key lwa.SecretKey, returnURL string) (*lwa.Profile, error) {
	grant, err := lwa.ParseGrant(r.URL.RawQuery, time.Now())
	if err != nil {
		return nil, err
	}
	state, err := lwa.CheckState(key, grant.State, lwa.StateCookie(r, returnURL), time.Now())
	if err != nil {
		return nil, err
	}
	token, err := client.Exchange(r.Context(), grant.Code, state)
	if err != nil {
		return nil, err
	}
	return client.Profile(r.Context(), token.AccessToken) // and keep token.RefreshToken
}

// Sign-in with the implicit grant: a script in the page has sent location.hash
// to the server.
func Example_implicitGrant() {
	amazon := httptest.NewServer(newAmazon())
	defer amazon.Close()
	client, err := lwa.New(lwa.Config{ClientID: clientID, Region: lwa.RegionEU, Environment: lwa.Sandbox, BaseURL: amazon.URL})
	if err != nil {
		fmt.Println(err)
		return
	}

	hash := "#access_token=Atza%7Cgood&token_type=bearer&expires_in=3600&scope=profile%20payments:widget"
	grant, err := lwa.ParseGrant(hash, time.Now())
	if err != nil {
		fmt.Println(err)
		return
	}
	buyer, err := client.Profile(context.Background(), grant.Token.AccessToken)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(buyer.UserID, buyer.Email, grant.Scopes)

	// A token that the buyer gave to another site.
	_, err = client.Profile(context.Background(), "Atza|foreign")
	fmt.Println(errors.Is(err, lwa.ErrOtherClient), err)
	// Output:
	// amzn1.account.A1 ana@example.com [profile payments:widget]
	// true lwa: Profile: the token was not issued to this client id (200 other_client)
}

// The buyer pressed Cancel.
func ExampleParseGrant_refused() {
	_, err := lwa.ParseGrant("error_description=Access+not+permitted.&state=s1&error=access_denied#", time.Now())
	fmt.Println(errors.Is(err, lwa.ErrAccessDenied))
	fmt.Println(err)
	// Output:
	// true
	// lwa: ParseGrant: Access not permitted (access_denied)
}

// A token that was stored at sign-in is refreshed, and what came back is stored
// again: Amazon may have replaced the refresh token.
func ExampleClient_TokenSource() {
	amazon := httptest.NewServer(newAmazon())
	defer amazon.Close()
	client, err := lwa.New(lwa.Config{
		ClientID: clientID, ClientSecret: lwa.NewSecretKey(clientSecret),
		Region: lwa.RegionNA, Environment: lwa.Sandbox, BaseURL: amazon.URL,
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	stored := &oauth2.Token{AccessToken: "Atza|old", RefreshToken: "Atzr|1", Expiry: time.Now().Add(4 * time.Minute)}
	fmt.Println("expired:", lwa.Expired(stored, time.Now()))
	source := client.TokenSource(context.Background(), stored, func(token *oauth2.Token) error {
		stored = token // in your database
		return nil
	})
	if _, err := source.Token(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("expired:", lwa.Expired(stored, time.Now()), "rotated:", stored.RefreshToken != "Atzr|1")
	// Output:
	// expired: true
	// expired: false rotated: true
}

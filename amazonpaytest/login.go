package amazonpaytest

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// LoginClient is an application that is registered with Login with Amazon.
type LoginClient struct {
	ID           string   // client id, at most 100 bytes
	Secret       string   // client secret; empty is none: a page in the browser, which exchanges codes by PKCE and cannot refresh. Never put a real one here
	RedirectURLs []string // Allowed Return URLs, compared letter by letter; none is any that Amazon would take: https, or http on localhost
	Scopes       []string // what the client may ask for; none is everything
}

// String is the client id, and no secret.
func (c LoginClient) String() string { return "amazonpaytest.LoginClient(" + c.ID + ")" }

// GoString is String.
func (c LoginClient) GoString() string { return c.String() }

var madeUpClient = LoginClient{ID: "amzn1.application-oa2-client.fa4e00000000000000000000000000a1", Secret: "not-a-login-secret-of-anybody"}

// checkLoginClients panics on clients that Amazon would not register.
func checkLoginClients(clients []LoginClient) {
	seen := make(map[string]bool)
	for i, c := range clients {
		unfit := slices.ContainsFunc(c.RedirectURLs, func(s string) bool { return !registrable(s) })
		unknown := slices.ContainsFunc(c.Scopes, func(s string) bool { _, known := loginScopes[s]; return !known })
		if c.ID == "" || len(c.ID) > 100 || seen[c.ID] || unfit || unknown {
			panic(fmt.Sprintf("amazonpaytest: login client %d has no id of its own, an unfit return URL or an unknown scope", i))
		}
		seen[c.ID] = true
	}
}

// registrable tells the addresses that may be an Allowed Return URL. Amazon's
// exception is localhost; 127.0.0.1 is where net/http/httptest listens.
func registrable(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && !strings.Contains(address, "#") &&
		(u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1"))
}

// loginScopes are the scopes and what the consent page says about them; for
// those without a text nobody is asked.
var loginScopes = map[string]string{
	"profile":                   "your name and e-mail address",
	"profile:user_id":           "",
	"postal_code":               "the postal code of your primary shipping address",
	"payments:widget":           "",
	"payments:shipping_address": "your shipping addresses",
	"payments:billing_address":  "your billing address",
	"payments:autopay_consent":  "permission to charge you again and again",
}

// widgetScopes are those of the token in the page around the widgets.
var widgetScopes = []string{"profile", "postal_code", "payments:widget", "payments:shipping_address", "payments:billing_address"}

// account is a buyer at Amazon.
type account struct {
	id          string
	buyer       amazonpay.Buyer
	permissions []*permission
}

const madeUpEmail = "buyer@example.com"

// account finds the buyer, or enters a new one.
func (f *Fake) account(buyer amazonpay.Buyer) *account {
	name := homes[f.settings.Region].Name
	fill(&buyer, amazonpay.Buyer{Name: name, Email: madeUpEmail})
	key := strings.ToLower(cmp.Or(buyer.Email, buyer.Name, buyer.Phone))
	a := f.accounts[key]
	if a == nil {
		a = &account{id: "amzn1.account." + base32.StdEncoding.EncodeToString(scatter("account "+key, 20))[:28]}
		f.accounts[key], f.users[a.id] = a, a
	}
	a.buyer = amazonpay.Buyer{Name: cmp.Or(buyer.Name, a.buyer.Name, name), Email: cmp.Or(buyer.Email, a.buyer.Email),
		Phone: cmp.Or(buyer.Phone, a.buyer.Phone)}
	return a
}

// permission is what a buyer allowed a client. Codes and tokens are made from
// it, and end with it.
type permission struct {
	client  *LoginClient
	account *account
	scopes  []string
	revoked bool
}

func (p *permission) allows(scope string) bool { return slices.Contains(p.scopes, scope) }

func (a *account) permit(client *LoginClient, scopes []string) *permission {
	p := &permission{client: client, account: a, scopes: scopes}
	a.permissions = append(a.permissions, p)
	return p
}

// pass is an authorization code or a token.
type pass struct {
	*permission
	kind  string // one of passLives
	text  string
	since time.Time
	spent bool // a code that was exchanged, a refresh token that was replaced

	redirect, challenge, method string // what a code is bound to
}

// passLives are how long passes are good on the business clock.
var passLives = map[string]time.Duration{
	"code": 5 * time.Minute, "access_token": time.Hour, "refresh_token": 100 * 365 * 24 * time.Hour,
}

// issue makes a code or a token. Tokens have Amazon's length, and every
// character that a careless decoder damages.
func (f *Fake) issue(kind string, p *permission) *pass {
	random := scatter(fmt.Sprint(f.seed, len(f.passes)), 271)
	text := "Atz" + kind[:1] + "|IwEB+/-" + base64.StdEncoding.EncodeToString(random)
	if kind == "code" {
		text = base32.StdEncoding.EncodeToString(random)[:20]
	}
	f.passes[text] = &pass{permission: p, kind: kind, text: text, since: f.now}
	return f.passes[text]
}

// scatter makes bytes that look like chance but are the same in every run.
func scatter(seed string, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(seed))).Read(b) // it never fails
	return b
}

// left is how long a pass is still good.
func (f *Fake) left(p *pass) time.Duration {
	if p.revoked || p.spent {
		return 0
	}
	return p.since.Add(passLives[p.kind]).Sub(f.now)
}

// accessToken finds a token that is good now; nil if it is not.
func (f *Fake) accessToken(text string) *pass {
	if p := f.passes[text]; p != nil && p.kind == "access_token" && f.left(p) > 0 {
		return p
	}
	return nil
}

// Issued tells whether the fake has made a code or a token of Login with Amazon,
// be it good any more or not: where several fakes answer for one host, it tells
// whose a request is.
func (f *Fake) Issued(codeOrToken string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.passes[codeOrToken] != nil
}

// widgetToken is the token that the widgets work with: the buyer signs in again
// when it has expired.
func (f *Fake) widgetToken(v *visit) (token string, fresh bool) {
	if fresh = v.token == nil || f.left(v.token) <= 0; fresh {
		v.token = f.issue("access_token", v.account.permit(&f.settings.LoginClients[0], widgetScopes))
	}
	return v.token.text, fresh
}

func (f *Fake) findLoginClient(id string) *LoginClient {
	for i := range f.settings.LoginClients {
		if f.settings.LoginClients[i].ID == id {
			return &f.settings.LoginClients[i]
		}
	}
	return nil
}

// LoginClient is the first of Settings.LoginClients, or the made-up one.
func (f *Fake) LoginClient() LoginClient { return f.settings.LoginClients[0] }

// Login is a buyer at Amazon's sign-in page, and on the account page.
type Login struct {
	fake *Fake
	a    *account
}

// SignIn is a buyer who signs in; the zero Buyer is that of the zero
// [Checkout]. Buyers with the same e-mail address are the same person, so a
// token of the login shows the full address of an agreement made with
// Checkout{Buyer: login.Buyer()}.
func (f *Fake) SignIn(buyer amazonpay.Buyer) *Login {
	id := f.must(Act{Do: "SignIn", Buyer: &buyer}).ID
	f.mu.Lock()
	defer f.mu.Unlock()
	return &Login{f, f.users[id]}
}

// String names the buyer by the user id only.
func (l *Login) String() string { return "amazonpaytest.Login(" + l.a.id + ")" }

// UserID is the buyer's user_id, the same for all clients and in all fakes.
func (l *Login) UserID() string { return l.a.id }

// Buyer is who signed in.
func (l *Login) Buyer() amazonpay.Buyer {
	l.fake.mu.Lock()
	defer l.fake.mu.Unlock()
	return l.a.buyer
}

// Authorize opens the address of Amazon's consent page, as your code made it,
// and allows or denies what it asks for. The result is the address on your site
// that the browser is sent to, with the code, the token or the error; of one
// with a token, parse EscapedFragment. An error means that Amazon shows an error
// page instead: the client or its return URL is unknown.
func (l *Login) Authorize(authorizeURL string, allow bool) (*url.URL, error) {
	outcome, err := l.fake.play(Act{Do: "AuthorizeLogin", ID: l.a.id, URL: authorizeURL, Allow: allow})
	if err != nil {
		return nil, err
	}
	return url.Parse(outcome.URL)
}

// openConsent reads the address of the consent page.
func (f *Fake) openConsent(authorizeURL string) (*consent, error) {
	u, err := url.Parse(authorizeURL)
	if err != nil || loginActions[u.Path] != "authorize" {
		return nil, errors.New("amazonpaytest: the address is not one of the consent page")
	}
	c, problem := f.readConsent(u.RawQuery)
	if problem != "" {
		return nil, errors.New("amazonpaytest: Amazon shows an error page: " + problem)
	}
	return c, nil
}

// Revoke is the buyer removing a client on Amazon's account page: its codes and
// tokens are good no more.
func (l *Login) Revoke(clientID string) {
	l.fake.try(Act{Do: "RevokeLogin", ID: l.a.id, Client: clientID})
}

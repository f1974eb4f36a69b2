package amazonpaytest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	htmltemplate "html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/amazonpay-go/amazonpay"
)

// consent is a request whose client and return URL are good: what comes of it
// is told there.
type consent struct {
	client   *LoginClient
	query    url.Values
	redirect *url.URL
	scopes   []string
	texts    []string // what the buyer reads about them
	refused  *loginRefusal
}

// readConsent checks the query of the consent page; problem is the text of the
// error page, if there must be one.
func (f *Fake) readConsent(rawQuery string) (c *consent, problem string) {
	query, ok := parseOnce(rawQuery)
	c = &consent{query: query, client: f.findLoginClient(query.Get("client_id"))}
	redirect := query.Get("redirect_uri")
	switch {
	case !ok:
		return c, malformed.text
	case query.Get("client_id") == "":
		return c, missing("client_id").text
	case c.client == nil:
		return c, "An unknown client was requested"
	case redirect == "":
		return c, missing("redirect_uri").text
	case !registrable(redirect) || len(c.client.RedirectURLs) > 0 && !slices.ContainsFunc(c.client.RedirectURLs, c.mayReturn):
		return c, "The redirect URI you provided has not been whitelisted for your application"
	}
	c.redirect, _ = url.Parse(redirect) // registrable has parsed it
	c.refused = c.check()
	return c, ""
}

// mayReturn compares the return URL with an allowed one: letter by letter, but
// the page that opens a pop-up by its origin, as an Allowed JavaScript Origin.
func (c *consent) mayReturn(allowed string) bool {
	redirect := c.query.Get("redirect_uri")
	if c.query.Get("popup") != "true" {
		return redirect == allowed
	}
	a, err := url.Parse(allowed)
	page, bad := url.Parse(redirect)
	return err == nil && bad == nil && a.Scheme == page.Scheme && strings.EqualFold(a.Host, page.Host)
}

// check finds what the client is told about by way of the browser.
func (c *consent) check() *loginRefusal {
	for _, name := range []string{"response_type", "scope"} {
		if c.query.Get(name) == "" {
			return missing(name)
		}
	}
	if kind := c.query.Get("response_type"); kind != "code" && kind != "token" {
		return &loginRefusal{"unsupported_response_type", "The response type is not supported by the authorization server"}
	}
	c.scopes = strings.Split(c.query.Get("scope"), " ")
	for _, scope := range c.scopes {
		text, known := loginScopes[scope]
		if !known || len(c.client.Scopes) > 0 && !slices.Contains(c.client.Scopes, scope) {
			return &loginRefusal{"invalid_scope", "An unknown scope was requested"}
		}
		if text != "" {
			c.texts = append(c.texts, text)
		}
	}
	challenge, method := c.query.Get("code_challenge"), c.query.Get("code_challenge_method")
	switch {
	case challenge == "" && method != "":
		return missing("code_challenge")
	case method != "" && method != "plain" && method != "S256":
		return bad("request", "has an invalid", "code_challenge_method")
	case challenge != "" && (!unreserved(challenge) || method == "S256" && len(challenge) != 43):
		return bad("request", "has an invalid", "code_challenge")
	case c.query.Has("scope_data") && !json.Valid([]byte(c.query.Get("scope_data"))):
		return bad("request", "has an invalid", "scope_data")
	}
	return nil
}

// conclude is the buyer's answer: where the browser goes.
func (f *Fake) conclude(c *consent, a *account, allow bool) *url.URL {
	if c.refused == nil && !allow {
		c.refused = &loginRefusal{"access_denied", "Access not permitted."}
	}
	if c.refused != nil {
		return c.back("error_description", c.refused.text, "state", c.query.Get("state"), "error", c.refused.code)
	}
	p := a.permit(c.client, c.scopes)
	if c.query.Get("response_type") == "token" {
		return c.back("access_token", f.issue("access_token", p).text, "token_type", "bearer", "expires_in", "3600",
			"scope", c.query.Get("scope"), "state", c.query.Get("state"))
	}
	code := f.issue("code", p)
	code.redirect, code.challenge, code.method = c.query.Get("redirect_uri"), c.query.Get("code_challenge"), c.query.Get("code_challenge_method")
	return c.back("code", code.text, "scope", c.query.Get("scope"), "state", c.query.Get("state"))
}

// back is the return URL with parameters; those without a value are left out. A
// token comes in the fragment, or in the query as from a pop-up of the widgets,
// which the parameter popup=true, known to the fake only, stands for.
func (c *consent) back(pairs ...string) *url.URL {
	var parts []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			parts = append(parts, pairs[i]+"="+url.QueryEscape(pairs[i+1]))
		}
	}
	u, more := *c.redirect, strings.Join(parts, "&")
	if pairs[0] == "access_token" && c.query.Get("popup") != "true" {
		u.RawFragment = more
		u.Fragment, _ = url.PathUnescape(more) // it was escaped a moment ago
		return &u
	}
	u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+more, "&")
	return &u
}

// consentPage is the consent page, and what its form is sent to. Signing in is
// part of it: the address in the form is the buyer, known before or not.
func (f *Fake) consentPage(r *loginRequest) answer {
	c, problem := f.readConsent(r.req.URL.RawQuery)
	csrf := hex.EncodeToString(scatter(f.settings.SecretKey+" csrf "+r.req.URL.RawQuery, 16))
	switch decision := r.posted.Get("decision"); {
	case problem != "":
		return r.page(http.StatusBadRequest, pageData{Problem: problem, Query: c.query})
	case c.refused != nil:
		return r.redirect(f.conclude(c, nil, false), c)
	case r.req.Method == http.MethodGet:
		return r.page(http.StatusOK, pageData{Client: c.client.ID, CSRF: csrf, Texts: c.texts, Email: madeUpEmail})
	case r.posted.Get("csrf") != csrf:
		return r.page(http.StatusForbidden, pageData{Problem: "The form is not that of this page"})
	case r.malformed || decision != "allow" && decision != "deny":
		return r.page(http.StatusBadRequest, pageData{Problem: malformed.text})
	default:
		who := amazonpay.Buyer{Email: strings.TrimSpace(r.posted.Get("ap_email"))}
		buyer := f.account(who)
		f.keep(entry{Act: &Act{Do: "SignIn", Buyer: &who}})
		f.keep(entry{Act: &Act{Do: "AuthorizeLogin", ID: buyer.id, URL: r.req.URL.RequestURI(), Allow: decision == "allow"}})
		return r.redirect(f.conclude(c, buyer, decision == "allow"), c)
	}
}

func (r *loginRequest) redirect(u *url.URL, c *consent) answer {
	a := answer{status: http.StatusFound, header: r.header("text/html;charset=UTF-8")}
	a.header.Set("Location", u.String())
	if c.refused != nil {
		a.code = c.refused.code
	}
	return a
}

// pageData are for loginPage: an error if there is a Problem.
type pageData struct {
	Problem             string
	Query               url.Values
	Client, CSRF, Email string
	Texts               []string
}

// loginStyle is allowed by its hash: the page loads nothing.
const loginStyle = `
* { box-sizing: border-box; }
body { margin: 0; font: 14px/1.4 Arial, Helvetica, sans-serif; color: #111; background: #fff; }
main { width: calc(100% - 32px); max-width: 460px; margin: 32px auto; padding: 16px; border: 1px solid #d5d9d9; border-radius: 8px; overflow-wrap: anywhere; }
h1 { font-size: 20px; margin: 0 0 8px; }
p { margin: 12px 0; }
ul { margin: 0 0 16px; padding-left: 20px; }
label { display: block; font-weight: bold; }
input, button { display: block; width: 100%; margin-top: 4px; padding: 8px; font: inherit; color: #111; background: #fff; border: 1px solid #888c8c; border-radius: 4px; }
input { font-weight: normal; }
button { margin-top: 10px; background: #f0f2f2; cursor: pointer; }
button[value=allow] { background: #f7ca00; border-color: #a88734; }
:focus-visible { outline: 2px solid #007185; outline-offset: 2px; }
.quiet { margin-top: -8px; color: #565959; }
`

var loginPolicy = func() string {
	sum := sha256.Sum256([]byte(loginStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; frame-ancestors 'none'"
}()

var loginPage = htmltemplate.Must(htmltemplate.New("login").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Sign in with Amazon (a fake)</title><style>` + loginStyle + `</style></head>
<body><main>
{{if .Problem}}<h1>We're sorry!</h1><p>{{.Problem}}</p>
<ul><li>client_id: {{.Query.Get "client_id"}}</li><li>response_type: {{.Query.Get "response_type"}}</li><li>scope: {{.Query.Get "scope"}}</li>
<li>redirect_uri: {{.Query.Get "redirect_uri"}}</li><li>state: {{.Query.Get "state"}}</li></ul>
{{else}}<h1>Sign in with Amazon (a fake)</h1>
<form method="post">
<input type="hidden" name="csrf" value="{{.CSRF}}">
<p><label>E-mail address <input type="email" id="ap_email" name="ap_email" value="{{.Email}}" required></label></p>
<p><label>Password <input type="password" name="password" autocomplete="off" aria-describedby="nobody"></label></p>
<p class="quiet" id="nobody">Nobody looks at it: type none of yours.</p>
{{if .Texts}}<p>{{.Client}} asks for:</p>
<ul>{{range .Texts}}<li>{{.}}</li>{{end}}</ul>
{{end}}<button name="decision" value="allow">{{if .Texts}}Allow{{else}}Sign in{{end}}</button>
<button name="decision" value="deny" formnovalidate>Cancel</button>
</form>
{{end}}</main></body></html>
`))

func (r *loginRequest) page(status int, data pageData) answer {
	var b bytes.Buffer
	_ = loginPage.Execute(&b, data) // the data fit, and a bytes.Buffer takes everything
	a := answer{status: status, header: r.header("text/html;charset=UTF-8"), body: b.Bytes()}
	a.header.Set("Content-Security-Policy", loginPolicy)
	a.header.Set("Referrer-Policy", "no-referrer")
	if data.Problem != "" {
		a.code = "invalid_request"
	}
	return a
}

package amazonpaytest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// loginActions are the requests of Login with Amazon by path, as [Call] and
// [Fault] name them.
var loginActions = map[string]string{
	"/ap/oa":             "authorize",
	"/auth/o2/token":     "token",
	"/auth/o2/tokeninfo": "tokeninfo",
	"/user/profile":      "profile",
}

// loginHosts are where Amazon has them, and whether it is the consent page.
// Every region and environment answers for all: no source says what becomes of
// a token that is taken elsewhere.
var loginHosts = map[string]bool{
	"www.amazon.com": true, "www.amazon.co.uk": true, "www.amazon.de": true, "www.amazon.co.jp": true,
	"eu.account.amazon.com": true, "apac.account.amazon.com": true,
	"api.amazon.com": false, "api.amazon.co.uk": false, "api.amazon.de": false, "api.amazon.co.jp": false,
	"api.sandbox.amazon.com": false, "api.sandbox.amazon.co.uk": false, "api.sandbox.amazon.de": false, "api.sandbox.amazon.co.jp": false,
}

// misdirected tells a request that Amazon would not get. A server of your own
// may have any name.
func misdirected(path, host string) error {
	action := loginActions[path]
	consents, known := loginHosts[strings.TrimSuffix(strings.ToLower(host), ":443")]
	if action == "" || known && consents == (action == "authorize") {
		return nil
	}
	return fmt.Errorf("amazonpaytest: Amazon has no %s at the host %q", action, host)
}

// loginRequest is a request of Login with Amazon.
type loginRequest struct {
	req           *http.Request
	action, id    string
	query, posted url.Values
	malformed     bool
}

// loginRefusal is an error in the words of OAuth.
type loginRefusal struct{ code, text string }

var malformed = &loginRefusal{"invalid_request", "Malformed request"}

func missing(name string) *loginRefusal { return bad("request", "is missing a required", name) }

func badGrant(name string) *loginRefusal { return bad("grant", "has an invalid grant", name) }

func bad(what, how, name string) *loginRefusal {
	return &loginRefusal{"invalid_" + what, "The request " + how + " parameter : " + name}
}

// parseOnce reads a query or a body in which every name comes once.
func parseOnce(text string) (form url.Values, ok bool) {
	form, err := url.ParseQuery(text)
	for _, values := range form {
		ok = ok || len(values) > 1
	}
	return form, err == nil && !ok
}

// login does a request of Login with Amazon and keeps the log.
func (f *Fake) login(req *http.Request, action string, body []byte, fault Fault) answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	query, ok := parseOnce(req.URL.RawQuery)
	r := &loginRequest{req: req, action: action, id: f.requestID(), query: query, malformed: !ok}
	if req.Method == http.MethodPost {
		kind, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
		if r.malformed = r.malformed || kind != "application/x-www-form-urlencoded" || len(body) > maxBody; !r.malformed {
			r.posted, ok = parseOnce(string(body))
			r.malformed = !ok
			r.posted.Del("password") // of a form that looks like Amazon's; whatever it is, it is forgotten
		}
	}
	call := Call{Time: f.now, Action: action, Params: cloneValues(query), Fault: fault.Kind}
	maps.Copy(call.Params, cloneValues(r.posted))
	call.Params.Del("client_secret")
	var a answer
	switch {
	case fault.Kind.beforeWork():
	case action == "authorize":
		a = f.consentPage(r)
	case action == "token":
		a = f.token(r)
	default:
		a = f.whose(r)
	}
	a = f.struck(fault, r.id, a)
	if f.journal.failure() != nil && req.Method == http.MethodPost { // what it did will be forgotten
		a = answer{status: http.StatusInternalServerError, code: "ServerError"}
	}
	if a.status >= 500 && a.code != "" { // an error of the payment API
		a = r.refuse(a.status, &loginRefusal{"ServerError", "The server encountered an unexpected condition"})
	}
	call.Status, call.Code = a.status, a.code // empty if the connection broke
	f.calls = remember(f.calls, f.settings.KeepCalls, call)
	return a
}

func (r *loginRequest) header(kind string) http.Header {
	return http.Header{"Cache-Control": {"no-store"}, "Content-Type": {kind},
		"Date": {time.Now().UTC().Format(http.TimeFormat)}, "X-Amzn-Requestid": {r.id}}
}

func (r *loginRequest) json(status int, value map[string]any) answer {
	body, _ := json.Marshal(value) // of texts and numbers
	return answer{status: status, header: r.header("application/json;charset=UTF-8"), body: body}
}

// refuse is an error answer. The observed one of tokeninfo has no request id.
func (r *loginRequest) refuse(status int, refused *loginRefusal) answer {
	value := map[string]any{"error": refused.code, "error_description": refused.text, "request_id": r.id}
	if r.action == "tokeninfo" {
		delete(value, "request_id")
	}
	a := r.json(status, value)
	a.code = refused.code
	return a
}

// token exchanges a code or a refresh token.
func (f *Fake) token(r *loginRequest) answer {
	id, secret := r.posted.Get("client_id"), r.posted.Get("client_secret")
	user, password, basic := r.req.BasicAuth()
	if basic {
		r.malformed = r.malformed || secret != "" || id != "" && id != user // two ways at once
		id, secret = user, password
	}
	client := f.findLoginClient(id)
	refused := r.checkGrant(client, id, secret)
	if refused != nil {
		return r.refuse(http.StatusBadRequest, refused)
	}
	if client == nil || secret != client.Secret && secret != "" {
		return r.refuse(http.StatusUnauthorized, &loginRefusal{"invalid_client", "Client authentication failed"})
	}
	kind := strings.TrimPrefix(r.posted.Get("grant_type"), "authorization_")
	p := f.passes[r.posted.Get(kind)]
	if p == nil || p.kind != kind || p.client != client || f.left(p) <= 0 {
		if kind == "refresh_token" {
			kind += ". User may have revoked or didn't grant the permission."
		}
		return r.refuse(http.StatusBadRequest, badGrant(kind))
	}
	fresh, refused := f.redeem(p, redemption{p.text, r.posted.Get("redirect_uri"), r.posted.Get("code_verifier"), secret != ""})
	if refused != nil {
		return r.refuse(http.StatusBadRequest, refused)
	}
	return r.json(http.StatusOK, fresh)
}

// redemption is what is shown for a code or a refresh token.
type redemption struct {
	Pass         string `json:"pass"`
	Redirect     string `json:"redirect,omitempty"`
	Verifier     string `json:"verifier,omitempty"`
	Confidential bool   `json:"confidential,omitempty"` // with the client's secret
}

// redeem exchanges a code or a refresh token, which ends.
func (f *Fake) redeem(p *pass, shown redemption) (map[string]any, *loginRefusal) {
	f.keep(entry{Redeem: &shown})
	p.spent = true // whatever comes of it
	if refused := p.check(shown.Redirect, shown.Verifier); refused != nil {
		return nil, refused
	}
	fresh := map[string]any{"access_token": f.issue("access_token", p.permission).text, "token_type": "bearer", "expires_in": 3600}
	if shown.Confidential { // nobody can refresh without one
		fresh["refresh_token"] = f.issue("refresh_token", p.permission).text
	}
	return fresh, nil
}

// checkGrant finds what is missing in a request for tokens. Only a verifier may
// stand in for the secret.
func (r *loginRequest) checkGrant(client *LoginClient, id, secret string) *loginRefusal {
	needs := map[string][]string{"authorization_code": {"code", "redirect_uri"}, "refresh_token": {"refresh_token"}}
	grant := r.posted.Get("grant_type")
	switch {
	case r.malformed || r.req.Method != http.MethodPost || len(r.query) > 0:
		return malformed
	case grant == "":
		return missing("grant_type")
	case needs[grant] == nil:
		return &loginRefusal{"unsupported_grant_type", "The authorization grant type is not supported by the authorization server"}
	case id == "":
		return missing("client_id")
	case grant == "refresh_token" && client != nil && client.Secret == "":
		return &loginRefusal{"unauthorized_client", "The client is not authorized to use this grant type"}
	case secret == "" && (grant == "refresh_token" || r.posted.Get("code_verifier") == ""):
		return missing("client_secret")
	}
	for _, name := range needs[grant] {
		if r.posted.Get(name) == "" {
			return missing(name)
		}
	}
	return nil
}

// check compares a code with what it is bound to. One without a challenge takes
// no verifier.
func (p *pass) check(redirect, verifier string) *loginRefusal {
	want := verifier
	if sum := sha256.Sum256([]byte(verifier)); p.method == "S256" {
		want = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	switch {
	case p.kind != "code":
		return nil
	case p.redirect != redirect:
		return badGrant("redirect_uri")
	case p.challenge != "" && verifier == "":
		return missing("code_verifier")
	case p.challenge != want || verifier != "" && !unreserved(verifier):
		return badGrant("code_verifier")
	}
	return nil
}

// unreserved tells the texts that PKCE takes for a verifier or a challenge.
func unreserved(s string) bool { return len(s) >= 43 && len(s) <= 128 && escape(s) == s }

// whose is tokeninfo and profile. The token comes in one of the ways that are
// documented: the header Authorization is for profile only.
func (f *Fake) whose(r *loginRequest) answer {
	tokens := []string{r.query.Get("access_token"), r.req.Header.Get("X-Amz-Access-Token")}
	if scheme, token, _ := strings.Cut(r.req.Header.Get("Authorization"), " "); r.action == "profile" && strings.EqualFold(scheme, "bearer") {
		tokens = append(tokens, token)
	}
	tokens = slices.DeleteFunc(tokens, func(s string) bool { return s == "" })
	p := f.accessToken(strings.Join(tokens, ""))
	switch {
	case r.malformed || r.req.Method != http.MethodGet || len(tokens) > 1:
		return r.refuse(http.StatusBadRequest, malformed)
	case len(tokens) == 0:
		return r.refuse(http.StatusBadRequest, missing("access_token"))
	case p == nil:
		return r.refuse(http.StatusBadRequest, bad("token", "has an invalid", "access_token"))
	case r.action == "tokeninfo":
		return r.json(http.StatusOK, f.tokenInfo(p))
	case !p.allows("profile") && !p.allows("profile:user_id") && !p.allows("postal_code"):
		return r.refuse(http.StatusBadRequest, &loginRefusal{"insufficient_scope", "The access token does not have the required scope"})
	}
	shown := map[string]any{"user_id": p.account.id}
	if p.allows("profile") {
		shown["name"], shown["email"] = p.account.buyer.Name, p.account.buyer.Email
	}
	if p.allows("postal_code") {
		shown["postal_code"] = homes[f.settings.Region].PostalCode
	}
	maps.DeleteFunc(shown, func(_ string, value any) bool { return value == "" })
	return r.json(http.StatusOK, shown)
}

// tokenInfo says whose a token is. Its exp is what is left of its time, rounded
// up: a good token has at least a second.
func (f *Fake) tokenInfo(p *pass) map[string]any {
	return map[string]any{
		"iss": "https://www.amazon.com", "aud": p.client.ID, "user_id": p.account.id,
		"app_id": fmt.Sprintf("amzn1.application.%x", scatter("application "+p.client.ID, 16)),
		"iat":    p.since.Unix(), "exp": int((f.left(p) + time.Second - 1) / time.Second),
	}
}

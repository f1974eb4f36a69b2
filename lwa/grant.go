package lwa

import (
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/amazonpay-go/amazonpay/internal/fault"
	"github.com/amazonpay-go/amazonpay/internal/secret"
)

// ConsentURL is the address to send the buyer to, for the authorization code
// grant with PKCE (S256). The state comes from [IssueState]. The error is an
// [*InvalidError].
func (c *Client) ConsentURL(state State) (string, error) {
	return c.consent("ConsentURL", state, oauth2.S256ChallengeOption(secret.Text(state.Verifier)))
}

// ImplicitURL is ConsentURL for the implicit grant, which brings the access
// token to the browser at once, where the widgets need it. Amazon's own script
// builds this address for pages that have its button; Amazon has deprecated the
// grant for clients without payments scopes. The error is an [*InvalidError].
func (c *Client) ImplicitURL(state State) (string, error) {
	return c.consent("ImplicitURL", state, oauth2.SetAuthURLParam("response_type", "token"))
}

func (c *Client) consent(subject string, state State, option oauth2.AuthCodeOption) (string, error) {
	var wrong fault.List
	if c.config.RedirectURL == "" {
		wrong.Add("Config.RedirectURL", "is required")
	}
	if state.Value == "" || state.Verifier.IsZero() {
		wrong.Add("state", "is required: IssueState makes one")
	}
	if err := wrong.Of("lwa", subject); err != nil {
		return "", err
	}
	before, query, _ := strings.Cut(c.oauth().AuthCodeURL(state.Value, option), "?")
	// Amazon's documentation separates scopes by %20. A plus in a value is
	// already %2B here.
	return before + "?" + strings.ReplaceAll(query, "+", "%20"), nil
}

// Grant is what the browser brought back from the consent page: a code or a
// token, and the state to check before either is used.
type Grant struct {
	Code   string        // for Exchange; empty in the implicit grant
	Token  *oauth2.Token // of the implicit grant, otherwise nil. It has no refresh token, and is anybody's until TokenInfo or Profile has accepted it
	State  string        // for CheckState; empty if none came back
	Scopes []Scope       // granted, as the browser says; often absent
}

// LogValue hides the code and the token from slog.
func (g Grant) LogValue() slog.Value {
	return slog.GroupValue(slog.Bool("code", g.Code != ""), slog.Bool("token", g.Token != nil))
}

// maxDelivered bounds what the browser may bring, in bytes: a token of 2 KiB,
// encoded twice, and its company.
const maxDelivered = 16 << 10

// ParseGrant reads what the consent page sent back by the browser, for both
// grants: the query ("code=…", "?access_token=Atza%7C…": the popup), the
// fragment ("#access_token=Atza%7C…": the full-page redirect, where a script
// of yours must send location.hash to the server), or the whole URL with
// either. Pass it undecoded: r.URL.RawQuery, not a value of r.URL.Query(). The
// token's Expiry is counted from now.
//
// A refusal is an [*Error] with the code, such as [ErrAccessDenied], and the
// description; so is everything that cannot be read.
func ParseGrant(delivered string, now time.Time) (*Grant, error) {
	fail := func(problem string) (*Grant, error) { return nil, &Error{Op: "ParseGrant", problem: problem} }
	if len(delivered) > maxDelivered {
		return fail("more came back than a token needs")
	}
	values, problem := parameters(delivered)
	if problem != "" {
		return fail(problem)
	}
	code, token := values["code"], values["access_token"]
	if failed, ok := values["error"]; ok {
		e := &Error{Op: "ParseGrant", Code: errorCode(failed, code, token),
			Description: secret.Scrub(values["error_description"], code, token)}
		if e.Code == "" {
			e.problem = "the error code cannot be read"
		}
		return nil, e
	}
	grant := &Grant{Code: code, State: values["state"]}
	for s := range strings.FieldsSeq(values["scope"]) {
		grant.Scopes = append(grant.Scopes, Scope(s))
	}
	_, hasCode := values["code"]
	_, hasToken := values["access_token"]
	switch {
	case hasCode && hasToken:
		return fail("both a code and a token came back")
	case hasCode:
		if problem = fault.Word(code, maxToken); problem != "" {
			return fail("the code " + problem)
		}
		return grant, nil
	case !hasToken:
		return fail("neither a code nor a token nor an error came back")
	}
	token, err := ParseAccessToken(token)
	if err != nil {
		return fail("the token " + err.(*InvalidError).Faults[0].Problem)
	}
	if kind := values["token_type"]; kind != "" && !strings.EqualFold(kind, "bearer") {
		return fail("the token is not of the type bearer")
	}
	seconds := int64(TokenLife / time.Second)
	if s, ok := values["expires_in"]; ok {
		if seconds, err = strconv.ParseInt(s, 10, 32); err != nil || seconds <= 0 {
			return fail("expires_in is not a number of seconds")
		}
	}
	grant.Token = &oauth2.Token{AccessToken: token, TokenType: "bearer", Expiry: expiry(now, seconds), ExpiresIn: seconds}
	return grant, nil
}

// parameters finds and decodes what the consent page says, wherever it stands.
// A parameter that comes twice is refused: two readers could disagree on it.
func parameters(delivered string) (map[string]string, string) {
	before, fragment, _ := strings.Cut(delivered, "#")
	if address, query, ok := strings.Cut(before, "?"); ok && !strings.Contains(address, "=") {
		before = query
	}
	values := make(map[string]string)
	for _, part := range [...]string{before, fragment} {
		for pair := range strings.SplitSeq(part, "&") {
			name, raw, _ := strings.Cut(pair, "=")
			decode := url.QueryUnescape
			switch name {
			case "code", "access_token":
				decode = url.PathUnescape // neither has spaces, so a plus is a plus
			case "state", "scope", "token_type", "expires_in", "error", "error_description":
			default:
				continue
			}
			if _, twice := values[name]; twice {
				return nil, name + " came back twice"
			}
			value, err := decode(raw)
			if err != nil {
				return nil, name + " is not percent-encoded as it should be"
			}
			values[name] = value
		}
	}
	return values, ""
}

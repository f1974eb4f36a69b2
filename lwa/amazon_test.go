package lwa_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

const (
	clientID     = "amzn1.application-oa2-client.0123456789abcdef0123456789abcdef"
	clientSecret = "amzn1.oa2-cs.v1.not-a-secret-of-anybody"
)

// amazon stands in for Login with Amazon as far as these tests need it: one
// buyer who always agrees.
type amazon struct {
	*http.ServeMux
	mu     sync.Mutex
	grants map[string]url.Values // code -> authorize parameters
}

func newAmazon() *amazon {
	a := &amazon{ServeMux: http.NewServeMux(), grants: map[string]url.Values{}}
	a.HandleFunc("GET /ap/oa", a.authorize)
	a.HandleFunc("POST /auth/o2/token", a.token)
	a.HandleFunc("GET /auth/o2/tokeninfo", a.tokenInfo)
	a.HandleFunc("GET /user/profile", a.profile)
	return a
}

func reply(w http.ResponseWriter, status int, doc map[string]any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(doc)
}

func refuse(w http.ResponseWriter, status int, code, description string) {
	reply(w, status, map[string]any{"error": code, "error_description": description, "request_id": "bef0c2f8-e292-4l96-8c95-8833fbd559df"})
}

func (a *amazon) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	back := query.Get("redirect_uri")
	if query.Get("response_type") == "token" {
		back += "#access_token=Atza%7Cgood&token_type=bearer&expires_in=3600&state=" + url.QueryEscape(query.Get("state"))
	} else {
		a.mu.Lock()
		a.grants["ANcodecodecodecodecd"] = query
		a.mu.Unlock()
		back += "?code=ANcodecodecodecodecd&state=" + url.QueryEscape(query.Get("state")) + "&scope=profile"
	}
	http.Redirect(w, r, back, http.StatusFound)
}

func (a *amazon) token(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		refuse(w, http.StatusBadRequest, "invalid_request", "Malformed request")
		return
	}
	if r.PostFormValue("client_id") != clientID || r.PostFormValue("client_secret") != clientSecret {
		refuse(w, http.StatusUnauthorized, "invalid_client", "Client authentication failed")
		return
	}
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		a.mu.Lock()
		asked, ok := a.grants[r.PostFormValue("code")]
		delete(a.grants, r.PostFormValue("code"))
		a.mu.Unlock()
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		challenge := base64.RawURLEncoding.EncodeToString(sum[:])
		if !ok || asked.Get("code_challenge_method") != "S256" || asked.Get("code_challenge") != challenge ||
			asked.Get("redirect_uri") != r.PostFormValue("redirect_uri") {
			refuse(w, http.StatusBadRequest, "invalid_grant", "The request has an invalid grant parameter : code")
			return
		}
	case "refresh_token":
		if r.PostFormValue("refresh_token") != "Atzr|1" {
			refuse(w, http.StatusBadRequest, "invalid_grant", "The request has an invalid grant parameter : refresh_token. User may have revoked or didn't grant the permission.")
			return
		}
	default:
		refuse(w, http.StatusBadRequest, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server")
		return
	}
	reply(w, http.StatusOK, map[string]any{
		"access_token": "Atza|good", "token_type": "bearer", "expires_in": 3600, "refresh_token": "Atzr|2",
	})
}

func (a *amazon) tokenInfo(w http.ResponseWriter, r *http.Request) {
	info := map[string]any{
		"aud": clientID, "user_id": "amzn1.account.A1", "iss": "https://www.amazon.com",
		"exp": 2370, "app_id": "amzn1.application.0123", "iat": 1446510240,
	}
	switch r.Header.Get("x-amz-access-token") {
	case "Atza|good":
	case "Atza|foreign":
		info["aud"] = "amzn1.application-oa2-client.another"
	default:
		refuse(w, http.StatusBadRequest, "invalid_token", "The request has an invalid parameter : access_token")
		return
	}
	reply(w, http.StatusOK, info)
}

func (a *amazon) profile(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("x-amz-access-token") != "Atza|good" {
		refuse(w, http.StatusBadRequest, "invalid_token", "The request has an invalid parameter : access_token")
		return
	}
	reply(w, http.StatusOK, map[string]any{
		"user_id": "amzn1.account.A1", "name": "Ana", "email": "ana@example.com", "postal_code": "98052",
	})
}

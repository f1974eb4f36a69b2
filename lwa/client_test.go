package lwa_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/lwa"
)

// The three operations that make requests, as one table.
var operations = map[string]func(context.Context, *lwa.Client) error{
	"Exchange": func(ctx context.Context, c *lwa.Client) error {
		state, _ := lwa.IssueState(key, "", time.Now())
		_, err := c.Exchange(ctx, "ANmarkedcodemarkedco", state)
		return err
	},
	"Refresh": func(ctx context.Context, c *lwa.Client) error {
		_, err := c.Refresh(ctx, "Atzr|MARKED")
		return err
	},
	"TokenInfo": func(ctx context.Context, c *lwa.Client) error {
		_, err := c.TokenInfo(ctx, "Atza|MARKED")
		return err
	},
	"Profile": func(ctx context.Context, c *lwa.Client) error {
		_, err := c.Profile(ctx, "Atza|MARKED")
		return err
	},
}

// What no error may show.
var marks = []string{"MARKED", "ANmarked", clientSecret, "ana@example.com"}

func assertClean(t *testing.T, err error) {
	t.Helper()
	for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
		for _, mark := range marks {
			assert.NotContains(t, fmt.Sprintf(verb, err), mark)
		}
	}
}

// Every refusal and every answer that is none, by every operation: a typed
// error with status, code, description and request id, without a secret.
func TestAnswers(t *testing.T) {
	const id = "bef0c2f8-e292-4196-8c95-8833fbd559df"
	document := func(code, description string) string {
		return fmt.Sprintf(`{"error_description":%q,"error":%q,"request_id":%q}`, description, code, id)
	}
	for name, tc := range map[string]struct {
		status int
		body   string
		want   lwa.Error
		text   string
	}{
		"invalid_token":      {400, `{"error_description":"The request has an invalid parameter : access_token","error":"invalid_token"}`, lwa.Error{Code: lwa.ErrInvalidToken, Description: "The request has an invalid parameter : access_token"}, "lwa: OP: The request has an invalid parameter : access_token (400 invalid_token)"},
		"invalid_request":    {400, document("invalid_request", "The request is missing a required parameter : refresh_token"), lwa.Error{Code: lwa.ErrInvalidRequest, Description: "The request is missing a required parameter : refresh_token", RequestID: id}, "lwa: OP: The request is missing a required parameter : refresh_token (400 invalid_request, request " + id + ")"},
		"malformed":          {400, document("invalid_request", "Malformed request"), lwa.Error{Code: lwa.ErrInvalidRequest, Description: "Malformed request", RequestID: id}, ""},
		"invalid_client":     {401, document("invalid_client", "Client authentication failed"), lwa.Error{Code: lwa.ErrInvalidClient, Description: "Client authentication failed", RequestID: id}, ""},
		"invalid_grant":      {400, document("invalid_grant", "The request has an invalid grant parameter : refresh_token. User may have revoked or didn't grant the permission."), lwa.Error{Code: lwa.ErrInvalidGrant, Description: "The request has an invalid grant parameter : refresh_token. User may have revoked or didn't grant the permission.", RequestID: id}, ""},
		"unsupported":        {400, document("unsupported_grant_type", "The authorization grant type is not supported by the authorization server"), lwa.Error{Code: lwa.ErrUnsupportedGrantType, Description: "The authorization grant type is not supported by the authorization server", RequestID: id}, ""},
		"unauthorized":       {400, `{"error":"unauthorized_client"}`, lwa.Error{Code: lwa.ErrUnauthorizedClient}, "lwa: OP (400 unauthorized_client)"},
		"invalid_scope":      {400, document("invalid_scope", "Client does not have permission to use scope : profile"), lwa.Error{Code: lwa.ErrInvalidScope, Description: "Client does not have permission to use scope : profile", RequestID: id}, ""},
		"insufficient_scope": {403, document("insufficient_scope", ""), lwa.Error{Code: lwa.ErrInsufficientScope, RequestID: id}, ""},
		"ServerError":        {500, document("ServerError", "x"), lwa.Error{Code: lwa.ErrServerError, Description: "x", RequestID: id}, ""},
		"servererror":        {503, document("servererror", "x"), lwa.Error{Code: lwa.ErrServerError, Description: "x", RequestID: id}, ""},
		"new code":           {418, `{"error":"slow_down","error_index":1}`, lwa.Error{Code: "slow_down"}, ""},
		"error with 200":     {200, document("invalid_token", "x"), lwa.Error{Code: lwa.ErrInvalidToken, Description: "x", RequestID: id}, ""},
		"500 empty":          {500, ``, lwa.Error{}, "lwa: OP: the answer is no JSON object of Amazon's; it looks like text/plain; charset=utf-8 (status 500)"},
		"500 object":         {500, `{"message":"x"}`, lwa.Error{}, "lwa: OP: the answer has no error code that can be read (status 500)"},
		"502 HTML":           {502, `<html><body>Atza|MARKED</body></html>`, lwa.Error{}, "lwa: OP: the answer is no JSON object of Amazon's; it looks like text/html; charset=utf-8 (status 502)"},
		"200 HTML":           {200, `<!DOCTYPE html><title>Atza|MARKED</title>`, lwa.Error{}, "lwa: OP: the answer is no JSON object of Amazon's; it looks like text/html; charset=utf-8 (status 200)"},
		"200 array":          {200, `["Atza|MARKED"]`, lwa.Error{}, ""},
		"200 cut off":        {200, `{"access_token":"Atza|MARK`, lwa.Error{}, ""},
		"odd error":          {400, `{"error":{"code":"Atza|MARKED"}}`, lwa.Error{}, ""},
		"redirect":           {307, `elsewhere`, lwa.Error{}, "lwa: OP: the server answered with a redirect, which is never followed (status 307)"},
		"too large":          {200, `{"name":"` + strings.Repeat("Atza|MARKED", 7000) + `"}`, lwa.Error{}, "lwa: OP: the answer is larger than 64 KiB (status 200)"},
	} {
		for op, call := range operations {
			t.Run(name+"/"+op, func(t *testing.T) {
				c := client(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Location", "https://elsewhere.example/")
					w.WriteHeader(tc.status)
					_, _ = w.Write([]byte(tc.body))
				})
				err := call(t.Context(), c)
				var got *lwa.Error
				require.ErrorAs(t, err, &got)
				assert.Equal(t, op, got.Op)
				assert.Equal(t, tc.status, got.StatusCode)
				assertClean(t, err)
				assert.Equal(t, tc.want.Code, got.Code)
				assert.Equal(t, tc.want.Description, got.Description)
				assert.Equal(t, tc.want.RequestID, got.RequestID)
				if tc.text != "" {
					assert.EqualError(t, err, strings.ReplaceAll(tc.text, "OP", op))
				}
				if tc.want.Code != "" {
					assert.ErrorIs(t, err, tc.want.Code)
					assert.NotErrorIs(t, err, lwa.ErrorCode("another"))
				}
			})
		}
	}
}

// Refusals that quote what was sent, wherever they do.
func TestQuotingAnswers(t *testing.T) {
	sent := map[string]string{"Exchange": "ANmarkedcodemarkedco", "Refresh": "Atzr|MARKED", "TokenInfo": "Atza|MARKED", "Profile": "Atza|MARKED"}
	for op, call := range operations {
		t.Run(op, func(t *testing.T) {
			c := client(t, func(w http.ResponseWriter, r *http.Request) {
				text := sent[op] + " " + url.QueryEscape(sent[op]) + " " + clientSecret + " of ana@example.com\r\nend"
				if verifier := r.PostFormValue("code_verifier"); verifier != "" {
					text += " " + verifier
				}
				w.Header().Set("X-Amzn-Requestid", sent[op])
				reply(w, 400, map[string]any{"error": sent[op], "error_description": text, "request_id": sent[op]})
			})
			err := call(t.Context(), c)
			want := "lwa: " + op + ": [redacted] [redacted] [redacted] of [redacted]  end"
			if op == "Exchange" {
				want += " [redacted]"
			}
			assert.EqualError(t, err, want+": the answer has no error code that can be read (status 400)")
			assertClean(t, err)
		})
	}
}

func TestRequestIDOfTheHeader(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amzn-Requestid", "abc-1")
		refuse(w, 500, "", "")
	})
	c2 := client(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amzn-Requestid", "abc-1")
		w.WriteHeader(500)
	})
	_, err := c.TokenInfo(t.Context(), "x")
	assert.Contains(t, err.Error(), "request bef0c2f8", "the body's id wins")
	_, err = c2.TokenInfo(t.Context(), "x")
	assert.Contains(t, err.Error(), "(status 500, request abc-1)")
}

func TestNetwork(t *testing.T) {
	refused := errors.New("connection refused for Atza|MARKED by " + clientSecret)
	for op, call := range operations {
		t.Run("down/"+op, func(t *testing.T) {
			c := wired(t, func(*http.Request) (*http.Response, error) { return nil, refused })
			err := call(t.Context(), c)
			var got *lwa.Error
			require.ErrorAs(t, err, &got)
			assert.ErrorIs(t, err, refused)
			assert.Zero(t, got.StatusCode)
			assert.NotContains(t, err.Error(), "MARKED")
			assert.NotContains(t, err.Error(), clientSecret)
			assert.Contains(t, err.Error(), "lwa: "+op+": connection refused for [redacted]")
		})
		t.Run("slow/"+op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := wired(t, func(r *http.Request) (*http.Response, error) {
					<-r.Context().Done()
					return nil, r.Context().Err()
				})
				start := time.Now()
				err := call(t.Context(), c)
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				assert.EqualError(t, err, "lwa: "+op+": no answer within 10s: context deadline exceeded")
				assert.Equal(t, lwa.DefaultTimeout, time.Since(start))
			})
		})
		t.Run("slow body/"+op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := wired(t, func(r *http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: 200, Header: http.Header{}, Body: stuck{r.Context()}}, nil
				})
				err := call(t.Context(), c)
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Contains(t, err.Error(), "(status 200)")
			})
		})
		t.Run("canceled/"+op, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			c := wired(t, func(r *http.Request) (*http.Response, error) {
				cancel()
				return nil, r.Context().Err()
			})
			err := call(ctx, c)
			assert.ErrorIs(t, err, context.Canceled)
			assert.NotErrorIs(t, err, context.DeadlineExceeded)
		})
	}
}

// stuck is a body that never comes.
type stuck struct{ ctx context.Context }

func (s stuck) Read([]byte) (int, error) { <-s.ctx.Done(); return 0, s.ctx.Err() }
func (s stuck) Close() error             { return nil }

// A redirect is never followed, over a real connection and whatever the
// caller's client would do.
func TestRedirectIsNotFollowed(t *testing.T) {
	var thief http.HandlerFunc = func(w http.ResponseWriter, r *http.Request) { t.Error("followed with", r.Header) }
	elsewhere := httptest.NewServer(thief)
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		amazon := httptest.NewServer(http.RedirectHandler(elsewhere.URL, status))
		c := config()
		c.BaseURL, c.HTTPClient = amazon.URL, &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
		made, err := lwa.New(c)
		require.NoError(t, err)
		for op, call := range operations {
			assert.EqualError(t, call(t.Context(), made),
				fmt.Sprintf("lwa: %s: the server answered with a redirect, which is never followed (status %d)", op, status))
		}
		amazon.Close()
	}
}

// The token is in the header and nowhere else.
func TestRequestsCarryTheTokenInTheHeader(t *testing.T) {
	c := wired(t, func(r *http.Request) (*http.Response, error) {
		assert.Equal(t, "GET", r.Method)
		assert.Equal(t, "Atza|a+b/c=", r.Header.Get("x-amz-access-token"))
		assert.Equal(t, "application/json", r.Header.Get("Accept"))
		assert.Equal(t, "en-us", r.Header.Get("Accept-Language"))
		assert.NotContains(t, r.URL.String(), "Atza")
		assert.Empty(t, r.Header.Get("Authorization"))
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(
			[]byte(`{"aud":"` + clientID + `","exp":9,"user_id":"u"}`)))}, nil
	})
	for _, form := range []string{"Atza|a+b/c=", "Atza%7Ca+b/c=", "Atza%7ca%2Bb%2Fc%3D"} {
		_, err := c.Profile(t.Context(), form)
		assert.NoError(t, err)
	}
}

// What cannot be a token is not sent.
func TestBadTokensAreNotSent(t *testing.T) {
	c := wired(t, func(*http.Request) (*http.Response, error) { panic("sent") })
	for name, tc := range map[string]struct{ token, problem string }{
		"empty":      {"", "is required"},
		"space":      {"Atza|MARKED MARKED", "has a space or a character outside printable ASCII"},
		"line":       {"Atza|MARKED\r\nX-Other: 1", "has a space or a character outside printable ASCII"},
		"umlaut":     {"Atza|MARKEDä", "has a space or a character outside printable ASCII"},
		"5 KB":       {"Atza|" + strings.Repeat("MARKED", 850), "is longer than 2048 bytes"},
		"escape":     {"Atza%7CMARKED%zz", "is not percent-encoded as it should be"},
		"one byte":   {"Atza|" + strings.Repeat("x", 2044), "is longer than 2048 bytes"},
		"encoded":    {"Atza%7CMARKED%20", "has a space or a character outside printable ASCII"},
		"html":       {"<html> MARKED", "has a space or a character outside printable ASCII"},
		"nul":        {"Atza|\x00MARKED", "has a space or a character outside printable ASCII"},
		"only nulls": {"\x00", "has a space or a character outside printable ASCII"},
	} {
		t.Run(name, func(t *testing.T) {
			for op, call := range map[string]func() error{
				"ParseAccessToken": func() error { _, err := lwa.ParseAccessToken(tc.token); return err },
				"TokenInfo":        func() error { _, err := c.TokenInfo(t.Context(), tc.token); return err },
				"Profile":          func() error { _, err := c.Profile(t.Context(), tc.token); return err },
			} {
				err := call()
				assert.EqualError(t, err, "lwa: "+op+": accessToken "+tc.problem)
				var invalid *lwa.InvalidError
				assert.ErrorAs(t, err, &invalid)
				assertClean(t, err)
			}
			if name == "escape" || name == "encoded" { // only access tokens come encoded
				return
			}
			_, err := c.Refresh(t.Context(), tc.token)
			assert.EqualError(t, err, "lwa: Refresh: refreshToken "+tc.problem)
			_, err = c.Exchange(t.Context(), tc.token, issue(t))
			assert.EqualError(t, err, "lwa: Exchange: code "+tc.problem)
		})
	}
}

// Reporters of errors walk the chain and print every link.
func TestNoLinkOfAnErrorHasASecret(t *testing.T) {
	c := wired(t, func(r *http.Request) (*http.Response, error) {
		sent := r.Header.Get("x-amz-access-token")
		if r.Body != nil {
			body, _ := io.ReadAll(r.Body)
			sent += string(body)
		}
		return nil, fmt.Errorf("malformed HTTP response %q", sent) // as net/http quotes an answer that quotes the request
	})
	for op, call := range operations {
		t.Run(op, func(t *testing.T) {
			err := call(t.Context(), c)
			require.Error(t, err)
			for e := err; e != nil; e = errors.Unwrap(e) {
				assertClean(t, e)
			}
		})
	}
}

// Forms in which a JSON or HTML document quotes a token whose text is not known.
func TestTokensInOtherClothes(t *testing.T) {
	for _, form := range []string{`Atzr\\u007cMARKED`, "Atzr&#124;MARKED", "Atzr&#x7c;MARKED", "Atzr&verbar;MARKED"} {
		c := client(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"invalid_grant","error_description":"token `+form+` bad"}`)
		})
		_, err := c.Refresh(t.Context(), "Atzr|MARKED")
		assertClean(t, err)
	}
}

// endless is a body that has more than anybody wants.
type endless struct{ read int }

func (e *endless) Read(b []byte) (int, error) { e.read += len(b); return len(b), nil }
func (e *endless) Close() error               { return nil }

// The rest of a huge answer is not even read.
func TestAnswersAreReadInBounds(t *testing.T) {
	for op, call := range operations {
		t.Run(op, func(t *testing.T) {
			body := new(endless)
			c := wired(t, func(r *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body, Request: r}, nil
			})
			require.ErrorContains(t, call(t.Context(), c), "larger than 64 KiB")
			assert.LessOrEqual(t, body.read, 64<<10+1)
		})
	}
}

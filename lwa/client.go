package lwa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/amazonpay-go/amazonpay/internal/secret"
)

const (
	maxAnswer = 64 << 10 // bytes; the longest real answer has two tokens of 2 KiB
	userAgent = "amazonpay-go-lwa"
)

// Client signs buyers in for one client id in one region and environment. Make
// it with [New], once; it does not change afterwards and any number of
// goroutines may use it. Nothing is ever repeated by itself: a code works once.
type Client struct {
	config Config
	http   *http.Client
}

// New makes a client, or an [*InvalidError] that names every fault of the
// Config. It sends nothing: a wrong secret shows at the first exchange.
func New(config Config) (*Client, error) {
	if err := config.resolve(); err != nil {
		return nil, err
	}
	c := &Client{config: config, http: &http.Client{}}
	if config.HTTPClient != nil {
		own := *config.HTTPClient
		c.http = &own
	}
	// A redirect would carry the token to wherever the answer says.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

// LogValue is that of the [Config].
func (c *Client) LogValue() slog.Value { return c.config.LogValue() }

// answer is what came back, with what an error about it needs.
type answer struct {
	about   Error
	body    []byte
	secrets []string // what was sent and must not show
}

// fail is an error about the answer.
func (a *answer) fail(code ErrorCode, problem string) error {
	e := a.about
	e.Code, e.problem = code, problem
	return &e
}

// send makes one request. It returns a JSON object that came with a status of
// 2xx and names no error; everything else is an *Error, without the secrets.
func (c *Client) send(r *http.Request, op string, secrets ...string) (*answer, error) {
	ctx, cancel := context.WithTimeout(r.Context(), c.config.Timeout)
	defer cancel()
	secrets = append(secrets, secret.Text(c.config.ClientSecret))
	a := &answer{about: Error{Op: op}, secrets: secrets}
	err := c.read(r.Clone(ctx), a)
	if err == nil {
		if err = a.refusal(); err != nil {
			return nil, err
		}
		return a, nil
	}
	if ctx.Err() != nil && r.Context().Err() == nil {
		err = fmt.Errorf("no answer within %v: %w", c.config.Timeout, context.DeadlineExceeded)
	}
	var noise *url.Error // its text repeats the method and the address
	if errors.As(err, &noise) {
		err = noise.Err
	}
	text := secret.Scrub(err.Error(), secrets...)
	a.about.cause = secret.Quiet(err, text)
	return nil, a.fail("", text)
}

// read does the request and reads the whole answer.
func (c *Client) read(r *http.Request, a *answer) error {
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Accept-Language", "en-us") // with JSON, all that Amazon supports
	r.Header.Set("User-Agent", userAgent)
	response, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	a.about.StatusCode = response.StatusCode
	// Amazon documents request_id in the body; its servers also send the header.
	a.about.RequestID = secret.Identifier(response.Header.Get("x-amzn-RequestId"), a.secrets...)
	a.body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err == nil && len(a.body) > maxAnswer {
		err = fmt.Errorf("the answer is larger than %d KiB", maxAnswer>>10)
	}
	return err
}

// refusal is the error that the answer states, or that it is one.
func (a *answer) refusal() error {
	var doc struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		RequestID   string `json:"request_id"`
	}
	err := json.Unmarshal(a.body, &doc)
	if id := secret.Identifier(doc.RequestID, a.secrets...); id != "" {
		a.about.RequestID = id
	}
	good := a.about.StatusCode/100 == 2
	if good && err == nil && doc.Error == "" {
		return nil
	}
	a.about.Description = secret.Scrub(doc.Description, a.secrets...)
	switch code := errorCode(doc.Error, a.secrets...); {
	case code != "":
		return a.fail(code, "")
	case a.about.StatusCode/100 == 3:
		return a.fail("", "the server answered with a redirect, which is never followed")
	case err != nil:
		// Not err's text, which may quote the answer. DetectContentType has a
		// fixed set of names, unlike the answer's header.
		return a.fail("", "the answer is no JSON object of Amazon's; it looks like "+http.DetectContentType(a.body))
	}
	return a.fail("", "the answer has no error code that can be read")
}

// errorCode is a code in Amazon's main spelling; empty if it cannot be read.
func errorCode(s string, secrets ...string) ErrorCode {
	if strings.EqualFold(s, "ServerError") {
		return ErrServerError
	}
	return ErrorCode(secret.Identifier(s, secrets...))
}

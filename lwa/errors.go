package lwa

import (
	"fmt"
	"strings"

	"github.com/amazonpay-go/amazonpay/internal/fault"
)

// ErrorCode is the code of a refusal. It is an error itself, so that
// errors.Is(err, lwa.ErrAccessDenied) works. The type is open: a code that
// Amazon adds passes through unchanged.
type ErrorCode string

// Error is the code's text.
func (c ErrorCode) Error() string { return string(c) }

// The codes of Login with Amazon. A status behind a code is the usual one;
// those of the profile are documented in part only. The codes that come back
// with the browser have no status.
const (
	ErrAccessDenied            ErrorCode = "access_denied"             // browser: the buyer canceled or refused
	ErrInsufficientScope       ErrorCode = "insufficient_scope"        // profile: the token's scopes do not allow it
	ErrInvalidClient           ErrorCode = "invalid_client"            // 401: wrong client id or secret
	ErrInvalidGrant            ErrorCode = "invalid_grant"             // 400: the code or refresh token is wrong, used, expired or revoked, or RedirectURL is not the one of the consent URL. Sign in again
	ErrInvalidRequest          ErrorCode = "invalid_request"           // 400 or browser: a parameter is missing or bad
	ErrInvalidScope            ErrorCode = "invalid_scope"             // 400 or browser: an unknown scope, or one your client may not ask for
	ErrInvalidToken            ErrorCode = "invalid_token"             // 400: not an access token, or one that has expired
	ErrServerError             ErrorCode = "server_error"              // 5xx or browser; the servers' "ServerError" and "servererror" become this one
	ErrTemporarilyUnavailable  ErrorCode = "temporarily_unavailable"   // browser: try again
	ErrUnauthorizedClient      ErrorCode = "unauthorized_client"       // 400 or browser: your client may not do this
	ErrUnsupportedGrantType    ErrorCode = "unsupported_grant_type"    // 400: neither a code nor a refresh token
	ErrUnsupportedResponseType ErrorCode = "unsupported_response_type" // browser: neither "code" nor "token"
)

// The codes of this package's own checks. Amazon does not send them.
const (
	ErrOtherClient  ErrorCode = "other_client"  // the token was issued to another client id, or to none: never trust it
	ErrTokenExpired ErrorCode = "token_expired" // tokeninfo answered that nothing is left of the token's life
	ErrStateExpired ErrorCode = "state_expired" // the sign-in began more than StateLife ago
	ErrStateInvalid ErrorCode = "state_invalid" // the state is missing, forged, or of another browser
)

// Error is a step of the sign-in that failed: Amazon or the buyer refused, the
// answer is not one, or Amazon could not be reached. Branch on Code with
// errors.Is or a switch; send RequestID to Amazon's support. No token, code or
// secret is ever part of it.
type Error struct {
	Op          string    // the function: "ParseGrant", "CheckState", "Exchange", "Refresh", "TokenInfo" or "Profile"
	StatusCode  int       // HTTP status; 0 if there was no answer, and for what the browser brings
	Code        ErrorCode // empty if the answer carried none that can be read
	Description string    // Amazon's text, with tokens and e-mail addresses removed. Of ParseGrant anybody can write it: show it as text only
	RequestID   string    // Amazon's id of the call; empty if the answer carried none

	problem string // what this package found, without secrets
	cause   error
}

// Error says what failed and why:
// "lwa: Exchange: The request has an invalid grant parameter : code (400 invalid_grant, request 9547…)".
func (e *Error) Error() string {
	text := "lwa: " + e.Op
	for _, s := range [...]string{strings.TrimSuffix(e.Description, "."), e.problem} {
		if s != "" {
			text += ": " + s
		}
	}
	label := string(e.Code)
	switch {
	case e.StatusCode != 0 && label != "":
		label = fmt.Sprint(e.StatusCode, " ", label)
	case e.StatusCode != 0:
		label = fmt.Sprint("status ", e.StatusCode)
	}
	if e.RequestID != "" {
		label += ", request " + e.RequestID
	}
	if label != "" {
		text += " (" + strings.TrimPrefix(label, ", ") + ")"
	}
	return text
}

// Is reports whether target is the error's code.
func (e *Error) Is(target error) bool {
	code, ok := target.(ErrorCode)
	return ok && code != "" && code == e.Code
}

// Unwrap is what lies beneath, or nil: errors.Is and errors.As find the network's
// or the context's error in it. Its text is scrubbed too.
func (e *Error) Unwrap() error { return e.cause }

// Fault is one thing wrong with a [Config] or an argument: its Field is the Go
// field or argument ("Endpoints.Token", "accessToken"), its Problem says what is
// wrong, never the value ("is required").
type Fault = fault.Fault

// InvalidError lists everything that is wrong with a [Config] or with the
// arguments of a function. Nothing was sent. Its Subject is "Config" or the
// function; its Faults are at least one. It is the same type as
// amazonpay.InvalidError.
type InvalidError = fault.InvalidError

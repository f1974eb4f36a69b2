package amazonpay

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay/internal/secret"
	"github.com/amazonpay-go/amazonpay/internal/wire"
)

// hint names the usual cause of an error, where there is one.
func (c *Client) hint(e *Error, params []wire.Param, skew time.Duration) string {
	if mixed := c.foreignObject(params); mixed != "" {
		switch e.Code {
		case ErrInternalServerError, ErrInvalidOrderReferenceID, ErrInvalidBillingAgreementID, ErrInvalidTransactionID:
			return mixed
		}
	}
	expired := e.Code == ErrRequestExpired ||
		e.Code == ErrInvalidParameterValue && strings.Contains(strings.ToLower(e.Message), "expired")
	switch {
	case (expired || e.Code == ErrSignatureDoesNotMatch) && skew.Abs() >= time.Minute:
		return "this machine's clock is " + direction(skew) + "; Amazon accepts 15 minutes"
	case expired:
		return "check this machine's clock: Amazon accepts 15 minutes of difference"
	}
	switch e.Code {
	case ErrSignatureDoesNotMatch, ErrMissingAuthenticationToken:
		return "check that SecretKey belongs to AccessKey and that no proxy changes the request"
	case ErrInvalidAccessKeyID, ErrInvalidClientTokenID:
		return fmt.Sprintf("check AccessKey: it must be one of region %s", c.config.Region)
	case ErrAccessDenied, ErrUnauthorizedAccess:
		return fmt.Sprintf("check that the keys belong to SellerID and are enabled for the %s of region %s",
			c.config.Environment, c.config.Region)
	case ErrDuplicateRequest, ErrDuplicateReferenceID:
		return "an earlier request used this reference id: look it up before you use a new one"
	case ErrConstraintsExist, ErrBillingAgreementConstraintsExist:
		return remedies(e.Message)
	}
	return ""
}

// foreignObject tells if a request is about an object of the other
// environment, whose ids begin with other letters.
func (c *Client) foreignObject(params []wire.Param) string {
	foreign, other := "SC", Sandbox
	if c.config.Environment == Sandbox {
		foreign, other = "PB", Production
	}
	for _, p := range params {
		if p.Name == "Id" || strings.HasPrefix(p.Name, "Amazon") && strings.HasSuffix(p.Name, "Id") {
			if objectID.MatchString(p.Value) && strings.IndexByte(foreign, p.Value[0]) >= 0 {
				return fmt.Sprintf("the id in %s is one of the %s, and this client talks to the %s",
					p.Name, other, c.config.Environment)
			}
		}
	}
	return ""
}

var objectID = regexp.MustCompile(`^[PSBC]\d\d-\d{7}-\d{7}`)

// skew is how far this machine's clock is ahead of the server's, by the Date
// header; 0 if there is none.
func skew(header http.Header, now time.Time) time.Duration {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return 0
	}
	return now.Sub(date).Round(time.Second)
}

func direction(skew time.Duration) string {
	if skew < 0 {
		return (-skew).String() + " behind Amazon's"
	}
	return skew.String() + " ahead of Amazon's"
}

// remedies names what removes the constraints in Amazon's message.
func remedies(message string) string {
	var hints []string
	for _, r := range [...]struct {
		id     ConstraintID
		remedy string
	}{
		{ConstraintAmountNotSet, "call SetOrderReferenceDetails"},
		{ConstraintBuyerConsentNotSet, "show the Consent widget"},
		{ConstraintBuyerEqualsSeller, "nobody can buy from himself"},
		{ConstraintCurrencyMismatch, "set the total in the Wallet widget's currency"},
		{ConstraintPaymentMethodNotAllowed, "show the Wallet widget for another payment method"},
		{ConstraintPaymentPlanNotSet, "show the Wallet widget"},
		{ConstraintShippingAddressNotSet, "show the AddressBook widget"},
		{ConstraintBillingAddressDeleted, "show the Wallet widget"},
		{ConstraintInvalidPaymentPlan, "show the Wallet widget"},
		{ConstraintPaymentMethodDeleted, "show the Wallet widget"},
		{ConstraintPaymentMethodExpired, "show the Wallet widget"},
	} {
		if strings.Contains(message, string(r.id)) {
			hints = append(hints, string(r.id)+": "+r.remedy)
		}
	}
	return strings.Join(hints, ", ")
}

// quoted is what an answer repeats of the request: Amazon all of it, where the
// signature does not match, and net/http what it cannot read, which may be an echo.
var quoted = regexp.MustCompile(`(?is)\s*the canonical string for this request.*|["']?(AWSAccessKeyId|&?Signature)=.*`)

// scrub removes from a failure what must not get into a log: from Amazon's
// message and from the cause tokens, e-mail addresses and the request as the other
// side read it; a type, code or id that does not look like one goes.
func scrub(f *failure, tokens []string) {
	clean := func(text string) string { return secret.Scrub(quoted.ReplaceAllString(text, ""), tokens...) }
	e := f.err
	e.Message = clean(e.Message)
	if e.cause != nil {
		e.cause = secret.Quiet(e.cause, clean(e.cause.Error()))
	}
	e.Type = secret.Identifier(e.Type, tokens...)
	if code := ErrorCode(secret.Identifier(string(e.Code), tokens...)); code != e.Code {
		e.Code, f.inDoubt = code, true // no answer of Amazon's
	}
}

// tokens are the parameters that must not show.
func (e *encoded) tokens() (tokens []string) {
	for _, p := range e.params {
		switch p.Name {
		case "AccessToken", "AddressConsentToken", "MWSAuthToken":
			tokens = append(tokens, p.Value)
		}
	}
	return tokens
}

package amazonpay

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/amazonpay-go/amazonpay/internal/fault"
)

// BillingAgreementID is Amazon's id of a billing agreement: B… in production,
// C… in the sandbox.
type BillingAgreementID string

// BillingAgreement is a buyer's consent to recurring charges.
type BillingAgreement struct {
	AmazonBillingAgreementID         BillingAgreementID               `xml:"AmazonBillingAgreementId"` // Amazon's id of it
	BillingAgreementLimits           BillingAgreementLimits           // what can still be charged this month
	Buyer                            Buyer                            // after confirmation, or with a token
	SellerNote                       string                           // as you set it
	PlatformID                       string                           `xml:"PlatformId"` // as you set it
	Destination                      Destination                      // in part before confirmation, unless a token was given
	BillingAddress                   BillingAddress                   // allow-listed sellers
	ReleaseEnvironment               string                           // "Live" or "Sandbox"
	SellerBillingAgreementAttributes SellerBillingAgreementAttributes // as you set them
	BillingAgreementStatus           Status                           // Draft, Open, Suspended, Canceled or Closed, and why
	Constraints                      []Constraint                     `xml:"Constraints>Constraint"` // what stands between the agreement and its confirmation
	CreationTimestamp                time.Time                        // when the widget made it; it goes stale 3 hours later unless confirmed
	ExpirationTimestamp              time.Time                        // usually zero: agreements do not expire
	BillingAgreementConsent          bool                             // the buyer has ticked the Consent widget
	OrderLanguage                    string                           // such as "en-GB"
	BillingAgreementType             BillingAgreementType             // as you set it; EU and UK
	SubscriptionAmount               Price                            // as you set it; EU and UK
}

func (b *BillingAgreement) id() string { return string(b.AmazonBillingAgreementID) }

// LogValue tells id, remaining balance and status, and nothing of the buyer.
func (b BillingAgreement) LogValue() slog.Value {
	return logged(b.id(), "", b.BillingAgreementLimits.CurrentRemainingBalance, b.BillingAgreementStatus)
}

// BillingAgreementLimits bounds what an agreement can be charged in a calendar
// month (UTC). Read them instead of counting on a figure: 500 and 1000 of a
// currency have both been documented, and Amazon raises them on request.
type BillingAgreementLimits struct {
	AmountLimitPerTimePeriod Price     // the cap of the month
	TimePeriodStartDate      time.Time // the first of the month, 00:00 UTC
	TimePeriodEndDate        time.Time // the first of the next month, 00:00 UTC
	CurrentRemainingBalance  Price     // what is left of the cap
}

// BillingAgreementType says who starts the charges, for the rules on strong
// customer authentication in the EU and the UK.
type BillingAgreementType string

// The types of billing agreements. Without one, Amazon takes the first.
const (
	CustomerInitiatedTransaction BillingAgreementType = "CustomerInitiatedTransaction" // the buyer is present at every charge
	MerchantInitiatedTransaction BillingAgreementType = "MerchantInitiatedTransaction" // you charge in the buyer's absence: subscriptions
)

// SellerBillingAgreementAttributes is what you say about an agreement. Amazon
// states no length limits for these texts.
type SellerBillingAgreementAttributes struct {
	SellerBillingAgreementID string `xml:"SellerBillingAgreementId"` // your id of it. A-Z a-z 0-9 - _ recommended
	StoreName                string // replaces the store name of Seller Central
	CustomInformation        string // yours, not shown
}

// BillingAgreementAttributes is what is set on an agreement; at least one.
type BillingAgreementAttributes struct {
	PlatformID                       string                           `xml:"PlatformId"` // the seller id of the solution provider that built the platform; merchants leave it out
	SellerNote                       string                           `pay:"max=1024"`   // describes the agreement to the buyer, in e-mails and on Amazon's site
	SellerBillingAgreementAttributes SellerBillingAgreementAttributes // your id of the agreement, and your store
	BillingAgreementType             BillingAgreementType             // EU and UK
	SubscriptionAmount               Price                            // EU and UK: only if every charge has this amount, and only with MerchantInitiatedTransaction
}

// GetBillingAgreementDetailsRequest names a [BillingAgreement].
type GetBillingAgreementDetailsRequest struct {
	AmazonBillingAgreementID BillingAgreementID `xml:"AmazonBillingAgreementId" pay:"required"` // the agreement to read

	// AddressConsentToken is the buyer's Login with Amazon token, for the full
	// address before confirmation. At most one of the two tokens; prefer this
	// one: AccessToken is the newer name, but was reported not to work here.
	AddressConsentToken string
	AccessToken         string
}

func (r *GetBillingAgreementDetailsRequest) faults() fault.List {
	return tokenFaults(r.AccessToken, r.AddressConsentToken)
}

// LogValue hides the token from slog.
func (r GetBillingAgreementDetailsRequest) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", string(r.AmazonBillingAgreementID)))
}

// GetBillingAgreementDetails reads an agreement, in any state.
//
// Action: GetBillingAgreementDetails. Quota: 20, restored 2 per second (sandbox 5, 1 per second).
func (c *Client) GetBillingAgreementDetails(ctx context.Context, req GetBillingAgreementDetailsRequest) (*BillingAgreement, error) {
	return call[BillingAgreement](ctx, c, "GetBillingAgreementDetails", &req, "BillingAgreementDetails")
}

// SetBillingAgreementDetailsRequest describes an agreement that is not
// confirmed yet.
type SetBillingAgreementDetailsRequest struct {
	AmazonBillingAgreementID   BillingAgreementID         `xml:"AmazonBillingAgreementId" pay:"required"` // the draft to describe
	BillingAgreementAttributes BillingAgreementAttributes // at least one of them
}

func (r *SetBillingAgreementDetailsRequest) faults() (wrong fault.List) {
	a := r.BillingAgreementAttributes
	if a == (BillingAgreementAttributes{}) {
		wrong.Add("BillingAgreementAttributes", "is required")
	}
	if !a.SubscriptionAmount.IsZero() && a.BillingAgreementType != MerchantInitiatedTransaction {
		wrong.Add("BillingAgreementAttributes.SubscriptionAmount", "goes with MerchantInitiatedTransaction only")
	}
	return wrong
}

// SetBillingAgreementDetails describes an agreement. It must be Draft, else the
// error is [ErrBillingAgreementNotModifiable]; in the EU and UK the type may be
// set later on agreements from before September 2019. Look at Constraints in
// the answer. Repeating the call is harmless.
//
// Action: SetBillingAgreementDetails. Quota: 10, restored 1 per second (sandbox 2, 1 per 2 s).
func (c *Client) SetBillingAgreementDetails(ctx context.Context, req SetBillingAgreementDetailsRequest) (*BillingAgreement, error) {
	return call[BillingAgreement](ctx, c, "SetBillingAgreementDetails", &req, "BillingAgreementDetails")
}

// ConfirmBillingAgreementRequest names an agreement to confirm.
type ConfirmBillingAgreementRequest struct {
	AmazonBillingAgreementID BillingAgreementID `xml:"AmazonBillingAgreementId" pay:"required"` // the agreement to confirm

	// Where the buyer comes back to after the bank's challenge. EU and UK; both
	// or none.
	SuccessURL string `xml:"SuccessUrl"`
	FailureURL string `xml:"FailureUrl"`
}

func (r *ConfirmBillingAgreementRequest) faults() fault.List {
	return urlFaults(r.SuccessURL, r.FailureURL)
}

// ConfirmBillingAgreement moves an agreement from Draft to Open, so that it can
// be charged, within 3 hours of its creation;
// [ErrBillingAgreementConstraintsExist] says that something is missing. Call it
// again when the buyer has changed address or payment method in your widgets,
// and to reopen a Suspended agreement: after that, or after a soft decline as it
// is. Amazon mails the buyer; a
// notification follows. Repeating the call is harmless.
//
// Action: ConfirmBillingAgreement. Quota: 10, restored 1 per second (sandbox 2, 1 per 2 s).
func (c *Client) ConfirmBillingAgreement(ctx context.Context, req ConfirmBillingAgreementRequest) error {
	return exec(ctx, c, "ConfirmBillingAgreement", &req)
}

// ValidateBillingAgreementRequest names an agreement to check.
type ValidateBillingAgreementRequest struct {
	AmazonBillingAgreementID BillingAgreementID `xml:"AmazonBillingAgreementId" pay:"required"` // the open agreement to check
}

// BillingAgreementValidation is the result of a check.
type BillingAgreementValidation struct {
	ValidationResult       string // "Success" or "Failure"
	FailureReasonCode      Reason // on Failure: InvalidPaymentMethod (the agreement is Suspended too) or ValidationTimedOut (try again later)
	BillingAgreementStatus Status // the agreement after the check
}

// Valid reports whether the payment method is good.
func (v *BillingAgreementValidation) Valid() bool { return v.ValidationResult == "Success" }

// ValidateBillingAgreement checks whether an Open agreement's payment method is
// good. It is superfluous right before a charge. Repeating it is harmless.
//
// Action: ValidateBillingAgreement. Quota: 10, restored 1 per second (sandbox 2, 1 per 2 s).
func (c *Client) ValidateBillingAgreement(ctx context.Context, req ValidateBillingAgreementRequest) (*BillingAgreementValidation, error) {
	return call[BillingAgreementValidation](ctx, c, "ValidateBillingAgreement", &req)
}

// AuthorizeOnBillingAgreementRequest describes one charge on an agreement.
type AuthorizeOnBillingAgreementRequest struct {
	AmazonBillingAgreementID BillingAgreementID `xml:"AmazonBillingAgreementId" pay:"required"`     // the open agreement to charge
	AuthorizationReferenceID ReferenceID        `xml:"AuthorizationReferenceId" pay:"required,ref"` // yours; a repeat returns the first result
	AuthorizationAmount      Price              `pay:"required"`                                    // within the month's remaining balance
	SellerAuthorizationNote  string             `pay:"max=255"`                                     // in the buyer's e-mail with CaptureNow; carries sandbox simulations

	// TransactionTimeout is the time Amazon may take to decide, in minutes: 0
	// asks for a decision in the answer (about 8 seconds), a multiple of 5 from
	// 5 to 1440 for one later. Nil means Amazon's default, 1440.
	TransactionTimeout *int

	CaptureNow             bool                  // take the money as soon as it is authorized
	SoftDescriptor         string                `pay:"max=16"`     // on the buyer's statement behind "AMZ*"; used with CaptureNow
	SellerNote             string                `pay:"max=1024"`   // describes the order to the buyer
	PlatformID             string                `xml:"PlatformId"` // solution providers only
	SellerOrderAttributes  SellerOrderAttributes // set SellerOrderID, to trace and find the charge
	InheritShippingAddress *bool                 // nil sends true: Amazon documents that default, but send it to be sure
	ProviderCreditList     []ProviderCredit      `xml:"ProviderCreditList>member"` // fees of a solution provider, with CaptureNow
}

func (r *AuthorizeOnBillingAgreementRequest) reference() ReferenceID {
	return r.AuthorizationReferenceID
}

func (r *AuthorizeOnBillingAgreementRequest) faults() fault.List {
	return timeoutFaults(r.TransactionTimeout)
}

// BillingAgreementAuthorization is the authorization of a charge, and the order
// reference that was made for it.
type BillingAgreementAuthorization struct {
	Authorization          `xml:"AuthorizationDetails"`
	AmazonOrderReferenceID OrderReferenceID `xml:"AmazonOrderReferenceId"` // the order that was made for it; closed already
}

// LogValue tells ids, amount and status, and nothing of the buyer.
func (a BillingAgreementAuthorization) LogValue() slog.Value { return a.Authorization.LogValue() }

// AuthorizeOnBillingAgreement makes one charge: it creates and confirms an
// order reference on the agreement, authorizes the money on it, takes it with
// CaptureNow, and closes it. The agreement must be Open. With a
// TransactionTimeout of 0 the answer is the decision; otherwise it is Pending
// and the decision comes by an authorization notification, or by
// GetAuthorizationDetails. A decline is an answer, not an error. Repeating the
// same request is safe; an [*OutcomeUnknownError] wants just that.
//
// Action: AuthorizeOnBillingAgreement. Quota: 10, restored 1 per second (sandbox 2, 1 per 2 s).
func (c *Client) AuthorizeOnBillingAgreement(ctx context.Context, req AuthorizeOnBillingAgreementRequest) (*BillingAgreementAuthorization, error) {
	req.InheritShippingAddress = cmp.Or(req.InheritShippingAddress, new(true))
	return call[BillingAgreementAuthorization](ctx, c, "AuthorizeOnBillingAgreement", &req)
}

// CloseBillingAgreementRequest names an agreement to end.
type CloseBillingAgreementRequest struct {
	AmazonBillingAgreementID BillingAgreementID `xml:"AmazonBillingAgreementId" pay:"required"` // the agreement to end
	ClosureReason            string             `pay:"max=1024"`                                // comes back as the status's ReasonDescription
	ReasonCode               string             // known to the oldest SDK only; leave it out
}

// CloseBillingAgreement ends an agreement, which becomes Closed with
// SellerClosed; a notification follows. What is authorized can still be
// captured, what is captured refunded. Repeating the call is harmless.
//
// Action: CloseBillingAgreement. Quota: 10, restored 1 per second (sandbox 2, 1 per 2 s).
func (c *Client) CloseBillingAgreement(ctx context.Context, req CloseBillingAgreementRequest) error {
	return exec(ctx, c, "CloseBillingAgreement", &req)
}

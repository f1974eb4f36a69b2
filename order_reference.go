package amazonpay

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"github.com/amazonpay-go/amazonpay/internal/endpoint"
	"github.com/amazonpay-go/amazonpay/internal/fault"
)

// OrderReferenceID is Amazon's id of an order reference: P… in production, S…
// in the sandbox.
type OrderReferenceID string

// OrderReference is one order: a one-time purchase, or the child of a
// [BillingAgreement] that every charge on it makes.
type OrderReference struct {
	AmazonOrderReferenceID           OrderReferenceID                 `xml:"AmazonOrderReferenceId"` // Amazon's id of it
	Buyer                            Buyer                            // after confirmation, or with a token
	OrderTotal                       Price                            // as you set it
	SellerNote                       string                           // as you set it
	PlatformID                       string                           `xml:"PlatformId"` // as you set it
	Destination                      Destination                      // in part before confirmation, unless a token was given
	BillingAddress                   BillingAddress                   // allow-listed sellers
	ReleaseEnvironment               string                           // "Live" or "Sandbox"
	SellerOrderAttributes            SellerOrderAttributes            // as you set them
	PaymentServiceProviderAttributes PaymentServiceProviderAttributes // as you set them
	OrderReferenceStatus             Status                           // Draft, Open, Suspended, Canceled or Closed, and why
	Constraints                      []Constraint                     `xml:"Constraints>Constraint"` // what stands between the order and its confirmation
	CreationTimestamp                time.Time                        // when it was made; it goes stale 3 hours later unless confirmed
	ExpirationTimestamp              time.Time                        // 180 days after creation
	ParentDetails                    ParentDetails                    // the agreement that it belongs to
	IDList                           []AuthorizationID                `xml:"IdList>member|Id|Member"` // its authorizations
	OrderLanguage                    string                           // such as "en-GB"
	RequestPaymentAuthorization      bool                             // as you set it
	PaymentDescriptor                PaymentDescriptor                // allow-listed sellers
	PaymentReference                 PaymentReference                 // seen with strong customer authentication only
	PaymentAuthenticationStatus      PaymentAuthenticationStatus      // EU and UK
}

func (o *OrderReference) id() string { return string(o.AmazonOrderReferenceID) }

// LogValue tells id, total and status, and nothing of the buyer.
func (o OrderReference) LogValue() slog.Value {
	return logged(o.id(), "", o.OrderTotal, o.OrderReferenceStatus)
}

// SellerOrderAttributes is what you say about an order. Amazon states no length
// limits for these texts.
type SellerOrderAttributes struct {
	SellerOrderID       string   `xml:"SellerOrderId"` // your order number, shown to the buyer; ListOrderReference finds it. A-Z a-z 0-9 - _ recommended
	StoreName           string   // replaces the store name of Seller Central
	CustomInformation   string   // yours, not shown
	OrderItemCategories []string `xml:"OrderItemCategories>OrderItemCategory"` // such as "Apparel"
	SupplementaryData   string   // JSON; only if Amazon told you to
}

func (a *SellerOrderAttributes) isZero() bool {
	return a.SellerOrderID == "" && a.StoreName == "" && a.CustomInformation == "" &&
		len(a.OrderItemCategories) == 0 && a.SupplementaryData == ""
}

// PaymentServiceProviderAttributes are for payment service providers only.
type PaymentServiceProviderAttributes struct {
	PaymentServiceProviderID      string `xml:"PaymentServiceProviderId"`      // the provider's seller id
	PaymentServiceProviderOrderID string `xml:"PaymentServiceProviderOrderId"` // the provider's order number
}

// ParentDetails names what an order reference was made from.
type ParentDetails struct {
	Type string // "BillingAgreement", "OrderReference" or "ChildOrderReference"
	ID   string `xml:"Id"` // Amazon's id of it
}

// PaymentDescriptor describes the payment method to the buyer who owns it.
type PaymentDescriptor struct {
	FullDescriptor        string // such as "Amazon Pay (Visa **11)"
	Name                  string // deprecated by Amazon
	AccountNumberTail     string // deprecated by Amazon
	UseAmazonBalanceFirst bool   // the balance is used before the method
}

// PaymentReference is an opaque token of the payment method.
type PaymentReference struct {
	StaticToken string // opaque
}

// PaymentAuthenticationStatus tells whether the buyer's bank wants a challenge.
type PaymentAuthenticationStatus struct {
	State string // "REQUIRED" has been seen; empty where it does not apply
}

// ConstraintID names something that stands between an order or agreement and
// its confirmation. The type is open.
type ConstraintID string

// The constraints, and what removes each. Those after ConstraintShippingAddressNotSet
// can appear on an agreement after its confirmation and suspend it: let the
// buyer choose a payment method, then confirm again.
const (
	ConstraintAmountNotSet            ConstraintID = "AmountNotSet"            // call SetOrderReferenceDetails
	ConstraintBuyerConsentNotSet      ConstraintID = "BuyerConsentNotSet"      // show the Consent widget
	ConstraintBuyerEqualsSeller       ConstraintID = "BuyerEqualsSeller"       // nothing: nobody can buy from himself
	ConstraintCurrencyMismatch        ConstraintID = "CurrencyMismatch"        // set the total in the currency given to the Wallet widget
	ConstraintPaymentMethodNotAllowed ConstraintID = "PaymentMethodNotAllowed" // show the Wallet widget: another method is needed
	ConstraintPaymentPlanNotSet       ConstraintID = "PaymentPlanNotSet"       // show the Wallet widget
	ConstraintShippingAddressNotSet   ConstraintID = "ShippingAddressNotSet"   // show the AddressBook widget
	ConstraintBillingAddressDeleted   ConstraintID = "BillingAddressDeleted"
	ConstraintInvalidPaymentPlan      ConstraintID = "InvalidPaymentPlan"
	ConstraintPaymentMethodDeleted    ConstraintID = "PaymentMethodDeleted"
	ConstraintPaymentMethodExpired    ConstraintID = "PaymentMethodExpired"
)

// Constraint is something that stands between an order or agreement and its
// confirmation.
type Constraint struct {
	ConstraintID ConstraintID // what it is
	Description  string       // Amazon's words, for developers
}

// OrderReferenceAttributes is what is set on an order.
type OrderReferenceAttributes struct {
	OrderTotal                  Price                 // in the currency given to the Wallet widget
	PlatformID                  string                `xml:"PlatformId"` // the seller id of the solution provider that built the platform; merchants leave it out
	SellerNote                  string                `pay:"max=1024"`   // shown to the buyer in e-mails; carries sandbox simulations
	SellerOrderAttributes       SellerOrderAttributes // your order number, and your store
	RequestPaymentAuthorization bool                  // asks the buyer for multi-factor authentication where that applies

	// PaymentServiceProviderAttributes go with SetOrderAttributes only: before
	// confirmation, or once after it.
	PaymentServiceProviderAttributes PaymentServiceProviderAttributes
}

// pspFaults refuses what only SetOrderAttributes knows.
func (a *OrderReferenceAttributes) pspFaults() (wrong fault.List) {
	if a.PaymentServiceProviderAttributes != (PaymentServiceProviderAttributes{}) {
		wrong.Add("OrderReferenceAttributes.PaymentServiceProviderAttributes", "goes with SetOrderAttributes only")
	}
	return wrong
}

// SetOrderReferenceDetailsRequest describes an order that is not confirmed yet.
type SetOrderReferenceDetailsRequest struct {
	AmazonOrderReferenceID   OrderReferenceID         `xml:"AmazonOrderReferenceId" pay:"required"` // the draft to describe
	OrderReferenceAttributes OrderReferenceAttributes // OrderTotal is required
}

func (r *SetOrderReferenceDetailsRequest) faults() (wrong fault.List) {
	if r.OrderReferenceAttributes.OrderTotal.IsZero() {
		wrong.Add("OrderReferenceAttributes.OrderTotal", "is required")
	}
	return append(wrong, r.OrderReferenceAttributes.pspFaults()...)
}

// SetOrderReferenceDetails sets the amount and the description of an order. It
// must be Draft, else the error is [ErrOrderReferenceNotModifiable]; the last
// of several calls wins. Look at Constraints in the answer: they may stand
// between the order and its confirmation.
//
// Action: SetOrderReferenceDetails. Quota: 10, restored 1 per second (sandbox 2, 1 per 2 s).
func (c *Client) SetOrderReferenceDetails(ctx context.Context, req SetOrderReferenceDetailsRequest) (*OrderReference, error) {
	return call[OrderReference](ctx, c, "SetOrderReferenceDetails", &req, "OrderReferenceDetails")
}

// SetOrderAttributesRequest describes an order before or after confirmation.
type SetOrderAttributesRequest struct {
	AmazonOrderReferenceID OrderReferenceID         `xml:"AmazonOrderReferenceId" pay:"required"` // the order to describe
	OrderAttributes        OrderReferenceAttributes // what is to be set or added; at least one of them
}

func (r *SetOrderAttributesRequest) faults() (wrong fault.List) {
	a := r.OrderAttributes
	if a.OrderTotal.IsZero() && a.PlatformID == "" && a.SellerNote == "" && !a.RequestPaymentAuthorization &&
		a.PaymentServiceProviderAttributes == (PaymentServiceProviderAttributes{}) && a.SellerOrderAttributes.isZero() {
		wrong.Add("OrderAttributes", "is required")
	}
	return wrong
}

// SetOrderAttributes is SetOrderReferenceDetails for any time. After
// confirmation it can add StoreName, SellerOrderID, SellerNote, PlatformID and
// CustomInformation where they are not set yet (sources differ on whether a set
// one can be changed: count on adding only), and the amount not at all.
// Repeating the same call is harmless.
//
// Action: SetOrderAttributes. Quota: not documented.
func (c *Client) SetOrderAttributes(ctx context.Context, req SetOrderAttributesRequest) (*OrderReference, error) {
	return call[OrderReference](ctx, c, "SetOrderAttributes", &req, "OrderReferenceDetails")
}

// GetOrderReferenceDetailsRequest names an [OrderReference].
type GetOrderReferenceDetailsRequest struct {
	AmazonOrderReferenceID OrderReferenceID `xml:"AmazonOrderReferenceId" pay:"required"` // the order to read

	// AccessToken is the buyer's Login with Amazon token; with the scopes
	// payments:shipping_address and payments:billing_address it gives the full
	// addresses before confirmation. At most one of the two tokens.
	AccessToken         string
	AddressConsentToken string // the older name of AccessToken
}

func (r *GetOrderReferenceDetailsRequest) faults() fault.List {
	return tokenFaults(r.AccessToken, r.AddressConsentToken)
}

// LogValue hides the token from slog.
func (r GetOrderReferenceDetailsRequest) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", string(r.AmazonOrderReferenceID)))
}

// tokenFaults refuses two tokens, which Amazon answers with AmbiguousToken.
func tokenFaults(access, consent string) (wrong fault.List) {
	if access != "" && consent != "" {
		wrong.Add("AccessToken", "and AddressConsentToken exclude each other")
	}
	return wrong
}

// GetOrderReferenceDetails reads an order, in any state.
//
// Action: GetOrderReferenceDetails. Quota: 20, restored 2 per second (sandbox 5, 1 per second).
func (c *Client) GetOrderReferenceDetails(ctx context.Context, req GetOrderReferenceDetailsRequest) (*OrderReference, error) {
	return call[OrderReference](ctx, c, "GetOrderReferenceDetails", &req, "OrderReferenceDetails")
}

// ConfirmOrderReferenceRequest names an order to confirm.
type ConfirmOrderReferenceRequest struct {
	AmazonOrderReferenceID OrderReferenceID `xml:"AmazonOrderReferenceId" pay:"required"` // the order to confirm

	// Where the buyer comes back to after the bank's challenge. EU and UK; both
	// or none.
	SuccessURL string `xml:"SuccessUrl"`
	FailureURL string `xml:"FailureUrl"`

	AuthorizationAmount          Price // to be authenticated, if other than the order total. EU and UK
	ExpectImmediateAuthorization bool  // the order closes by itself if no Authorize follows within 60 minutes
}

func (r *ConfirmOrderReferenceRequest) faults() fault.List {
	return urlFaults(r.SuccessURL, r.FailureURL)
}

// urlFaults wants both of the challenge's return addresses or none.
func urlFaults(success, failure string) (wrong fault.List) {
	switch {
	case success == "" && failure != "":
		wrong.Add("SuccessURL", "is required with FailureURL")
	case success != "" && failure == "":
		wrong.Add("FailureURL", "is required with SuccessURL")
	}
	return wrong
}

// ConfirmOrderReference moves an order from Draft to Open, so that money can be
// authorized; [ErrConstraintsExist] says that something is missing. A Suspended
// order is confirmed again once the buyer has chosen another payment method in
// your Wallet widget. Repeating the call is harmless. Amazon mails the buyer.
//
// Action: ConfirmOrderReference. Quota: 10, restored 1 per second (sandbox 2, 1 per 2 s).
func (c *Client) ConfirmOrderReference(ctx context.Context, req ConfirmOrderReferenceRequest) error {
	return exec(ctx, c, "ConfirmOrderReference", &req)
}

// CancelOrderReferenceRequest names an order to give up.
type CancelOrderReferenceRequest struct {
	AmazonOrderReferenceID OrderReferenceID `xml:"AmazonOrderReferenceId" pay:"required"` // the order to give up
	CancelationReason      string           `pay:"max=1024"`                              // not shown to the buyer
}

// CancelOrderReference ends an order that nothing was captured of, and closes
// its authorizations. It must be Open or Suspended and becomes Canceled with
// SellerCanceled; an order notification follows. A Draft is refused with
// [ErrInvalidOrderReferenceStatus]: it goes stale by itself. Repeating the call
// is harmless.
//
// Action: CancelOrderReference. Quota: 10, restored 1 per second (sandbox 2, 1 per 2 s).
func (c *Client) CancelOrderReference(ctx context.Context, req CancelOrderReferenceRequest) error {
	return exec(ctx, c, "CancelOrderReference", &req)
}

// CloseOrderReferenceRequest names an order that is complete.
type CloseOrderReferenceRequest struct {
	AmazonOrderReferenceID OrderReferenceID `xml:"AmazonOrderReferenceId" pay:"required"` // the order to close
	ClosureReason          string           `pay:"max=1024"`                              // for your records; carries sandbox simulations
}

// CloseOrderReference ends an order to further authorizations. What is
// authorized can still be captured, what is captured refunded. It must be Open
// or Suspended and becomes Closed with SellerClosed; an order notification
// follows. Repeating the call is harmless.
//
// Action: CloseOrderReference. Quota: 10, restored 1 per second (sandbox 2, 1 per 2 s).
func (c *Client) CloseOrderReference(ctx context.Context, req CloseOrderReferenceRequest) error {
	return exec(ctx, c, "CloseOrderReference", &req)
}

// CreatedTimeRange bounds a list by creation time. Both ends or none; at most
// 31 days apart, by a comment in one of the official SDKs.
type CreatedTimeRange struct {
	StartTime time.Time // from; zero with a zero EndTime is no bound
	EndTime   time.Time // until
}

// ListOrderReferenceRequest describes a search by your own order number.
type ListOrderReferenceRequest struct {
	QueryID                        string           `xml:"QueryId" pay:"required"` // the number to look for
	QueryIDType                    string           `xml:"QueryIdType"`            // empty means "SellerOrderId", the only one there is
	PaymentDomain                  string           // empty means that of the client's region, such as "NA_USD"
	CreatedTimeRange               CreatedTimeRange // both ends or none
	SortOrder                      string           // of creation: "Ascending" or "Descending"; empty leaves it to Amazon
	PageSize                       int              // 0 leaves it to Amazon; its limits are not documented
	OrderReferenceStatusListFilter []State          `xml:"OrderReferenceStatusListFilter>OrderReferenceStatus"` // Open, Closed, Canceled, Suspended
}

func (r *ListOrderReferenceRequest) faults() (wrong fault.List) {
	span := r.CreatedTimeRange
	switch {
	case span.StartTime.IsZero() && !span.EndTime.IsZero():
		wrong.Add("CreatedTimeRange.StartTime", "is required with EndTime")
	case !span.StartTime.IsZero() && span.EndTime.IsZero():
		wrong.Add("CreatedTimeRange.EndTime", "is required with StartTime")
	case span.EndTime.Before(span.StartTime):
		wrong.Add("CreatedTimeRange.EndTime", "is before StartTime")
	}
	if r.PageSize < 0 {
		wrong.Add("PageSize", "is negative")
	}
	return wrong
}

// OrderReferencePage is one page of a list. The orders carry only id, total,
// seller attributes, status, environment and creation time.
type OrderReferencePage struct {
	OrderReferences []OrderReference `xml:"OrderReferenceList>OrderReference"` // in the order asked for; may be empty
	NextPageToken   string           // empty on the last page
}

// LogValue tells how many orders there are, and nothing of the buyers.
func (p OrderReferencePage) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("orderReferences", len(p.OrderReferences)), slog.Bool("last", p.NextPageToken == ""))
}

// ListOrderReference searches orders by your own order number. If there are
// none the page is empty, and there is no error. OrderReferences walks over all
// pages.
//
// Action: ListOrderReference. Quota: not documented.
func (c *Client) ListOrderReference(ctx context.Context, req ListOrderReferenceRequest) (*OrderReferencePage, error) {
	req.QueryIDType = cmp.Or(req.QueryIDType, "SellerOrderId")
	req.PaymentDomain = cmp.Or(req.PaymentDomain, endpoint.PaymentDomain(c.config.Region))
	return call[OrderReferencePage](ctx, c, "ListOrderReference", &req)
}

// ListOrderReferenceByNextTokenRequest names the next page of a list.
type ListOrderReferenceByNextTokenRequest struct {
	NextPageToken string `pay:"required"` // about 1,200 characters
}

// ListOrderReferenceByNextToken reads the next page of a list.
//
// Action: ListOrderReferenceByNextToken. Quota: not documented.
func (c *Client) ListOrderReferenceByNextToken(ctx context.Context, req ListOrderReferenceByNextTokenRequest) (*OrderReferencePage, error) {
	return call[OrderReferencePage](ctx, c, "ListOrderReferenceByNextToken", &req)
}

// OrderReferences walks over the orders with your order number, page by page.
// An error ends the walk and comes with a nil order.
func (c *Client) OrderReferences(ctx context.Context, req ListOrderReferenceRequest) iter.Seq2[*OrderReference, error] {
	return func(yield func(*OrderReference, error) bool) {
		page, err := c.ListOrderReference(ctx, req)
		seen := map[string]bool{}
		for {
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page.OrderReferences {
				if !yield(&page.OrderReferences[i], nil) {
					return
				}
			}
			token := page.NextPageToken
			if token == "" {
				return
			}
			seen[token] = true
			page, err = c.ListOrderReferenceByNextToken(ctx, ListOrderReferenceByNextTokenRequest{token})
			if err == nil && seen[page.NextPageToken] {
				err = errors.New("amazonpay: OrderReferences: the list goes in a circle: a page names one that has been read as the next")
			}
		}
	}
}

// CreateOrderReferenceForIdRequest describes an order on a billing agreement.
type CreateOrderReferenceForIdRequest struct {
	ID                       BillingAgreementID       `xml:"Id" pay:"required"` // the agreement
	IDType                   string                   `xml:"IdType"`            // empty means "BillingAgreement", the only one accepted
	InheritShippingAddress   *bool                    // nil sends true: sources differ on Amazon's default
	ConfirmNow               bool                     // confirms at once; leave it false in the EU and UK when the buyer is present
	OrderReferenceAttributes OrderReferenceAttributes // OrderTotal is required with ConfirmNow
}

func (r *CreateOrderReferenceForIdRequest) faults() (wrong fault.List) {
	if r.ConfirmNow && r.OrderReferenceAttributes.OrderTotal.IsZero() {
		wrong.Add("OrderReferenceAttributes.OrderTotal", "is required with ConfirmNow")
	}
	return append(wrong, r.OrderReferenceAttributes.pspFaults()...)
}

// CreateOrderReferenceForId makes an order reference on a billing agreement:
// one while the agreement is Draft, any number while it is Open, none while it
// is Suspended. (The name is spelled as Amazon spells the action.)
//
// It has no reference id, so a repeat may make a second order: the SDK repeats
// it only if it was certainly never sent. After an [*OutcomeUnknownError] look
// for the SellerOrderID with OrderReferences before you call it again.
//
// Action: CreateOrderReferenceForId. Quota: 10, restored 1 per second (sandbox 2, 1 per 2 s).
func (c *Client) CreateOrderReferenceForId(ctx context.Context, req CreateOrderReferenceForIdRequest) (*OrderReference, error) {
	req.IDType = cmp.Or(req.IDType, "BillingAgreement")
	req.InheritShippingAddress = cmp.Or(req.InheritShippingAddress, new(true))
	return call[OrderReference](ctx, c, createOrderReferenceForID, &req, "OrderReferenceDetails")
}

package amazonpay

import "log/slog"

// Buyer is the person who pays. Logging one shows nothing of it.
type Buyer struct {
	Name  string // after confirmation, or with a token that allows it
	Email string // likewise
	Phone string // seldom present
}

// LogValue hides the buyer from slog.
func (Buyer) LogValue() slog.Value { return slog.StringValue(redacted) }

// Address is a postal address. All fields are optional: before confirmation,
// without a token, only City, StateOrRegion, PostalCode and CountryCode come,
// or fewer. German addresses may carry the street in AddressLine2 with an empty
// AddressLine1. Logging one shows nothing of it.
type Address struct {
	Name          string // of the recipient
	AddressLine1  string // street, or company
	AddressLine2  string // street, or more of it
	AddressLine3  string // more
	City          string // town
	County        string // where addresses have one
	District      string // where addresses have one
	StateOrRegion string // free text
	PostalCode    string // ZIP or post code
	CountryCode   string // ISO 3166 alpha-2
	Phone         string // free text
}

// LogValue hides the address from slog.
func (Address) LogValue() slog.Value { return slog.StringValue(redacted) }

// Destination is where the goods go. Logging one shows nothing of the address.
type Destination struct {
	DestinationType     string  // "Physical"
	PhysicalDestination Address // the address itself
}

// LogValue hides the address from slog.
func (d Destination) LogValue() slog.Value {
	return slog.GroupValue(slog.String("destinationType", d.DestinationType))
}

// BillingAddress is the address behind the payment method. Amazon sends it to
// sellers on its allow-list, and to those whose access token has the scope
// payments:billing_address. Logging one shows nothing of it.
type BillingAddress struct {
	AddressType     string  // "Physical"
	PhysicalAddress Address // the address itself
}

// LogValue hides the address from slog.
func (b BillingAddress) LogValue() slog.Value {
	return slog.GroupValue(slog.String("addressType", b.AddressType))
}

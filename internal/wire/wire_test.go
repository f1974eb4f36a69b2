package wire_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/internal/wire"
)

// price stands for the money type of the root. Its fields are exported so that encoding/xml can
// fill it too.
type price struct{ Amount, CurrencyCode string }

func init() {
	wire.Register(wire.Codec[price]{
		Names:  []string{"Amount", "CurrencyCode"},
		IsZero: func(p *price) bool { return *p == price{} },
		Encode: func(p *price, values []string) { values[0], values[1] = p.Amount, p.CurrencyCode },
		Decode: func(p *price, values []string) error {
			if values[0] == "" || values[1] == "" {
				return errors.New("half a price")
			}
			p.Amount, p.CurrencyCode = values[0], values[1]
			return nil
		},
	})
}

type (
	authorizationID string
	state           string
)

type status struct {
	State               state
	LastUpdateTimestamp time.Time
	ReasonCode          string
	ReasonDescription   string
}

// authorization has tags that mean the same to encoding/xml.
type authorization struct {
	AmazonAuthorizationID    authorizationID `xml:"AmazonAuthorizationId"`
	AuthorizationReferenceID string          `xml:"AuthorizationReferenceId"`
	SellerAuthorizationNote  string
	AuthorizationAmount      price
	CapturedAmount           price
	AuthorizationFee         price
	IDList                   []string `xml:"IdList>member"`
	CreationTimestamp        time.Time
	ExpirationTimestamp      time.Time
	AuthorizationStatus      status
	SoftDecline              *bool
	CaptureNow               bool
	SoftDescriptor           string
	Address                  *address `xml:"AuthorizationBillingAddress"`
	AddressVerificationCode  string
}

type address struct{ Name, AddressLine1, City, PostalCode, CountryCode string }

type authorizeResult struct {
	Authorization    authorization `xml:"AuthorizationDetails"`
	OrderReferenceID string        `xml:"AmazonOrderReferenceId"`
}

func document(t testing.TB, name string) []byte {
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return data
}

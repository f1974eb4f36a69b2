package wire_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/xml"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/internal/wire"
)

// BenchmarkDecode and BenchmarkDecodeEncodingXML fill the same struct from the same document: what
// counts is the ratio.
func BenchmarkDecode(b *testing.B) {
	data := document(b, "AuthorizeOnBillingAgreement.xml")
	b.ReportAllocs()
	for b.Loop() {
		var result authorizeResult
		if _, err := wire.Decode(data, &result, "AuthorizeOnBillingAgreementResult"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeEncodingXML(b *testing.B) {
	data := document(b, "AuthorizeOnBillingAgreement.xml")
	b.ReportAllocs()
	for b.Loop() {
		var result struct {
			Result    authorizeResult `xml:"AuthorizeOnBillingAgreementResult"`
			RequestID string          `xml:"ResponseMetadata>RequestId"`
		}
		if err := xml.Unmarshal(data, &result); err != nil {
			b.Fatal(err)
		}
	}
}

type authorizeRequest struct {
	BillingAgreementID       string `xml:"AmazonBillingAgreementId" pay:"required"`
	AuthorizationReferenceID string `xml:"AuthorizationReferenceId" pay:"required,ref"`
	AuthorizationAmount      price  `pay:"required"`
	SellerAuthorizationNote  string `pay:"max=255"`
	TransactionTimeout       *int
	CaptureNow               bool
	Attributes               *sellerAttributes `xml:"SellerOrderAttributes"`
}

type sellerAttributes struct {
	SellerOrderID string `xml:"SellerOrderId"`
	StoreName     string
}

func newAuthorizeRequest() *authorizeRequest {
	return &authorizeRequest{
		BillingAgreementID:       "C01-1234567-1234567",
		AuthorizationReferenceID: "invoice-2017-11-0042",
		AuthorizationAmount:      price{"24.90", "EUR"},
		SellerAuthorizationNote:  "Tea & biscuits, November",
		TransactionTimeout:       new(0),
		CaptureNow:               true,
		Attributes:               &sellerAttributes{"order 42", "Tea Club"},
	}
}

var common = []wire.Param{
	{Name: "AWSAccessKeyId", Value: "AKIAIOSFODNN7EXAMPLE"}, {Name: "Action", Value: "AuthorizeOnBillingAgreement"},
	{Name: "SellerId", Value: "A2ABCDEFGHIJKL"}, {Name: "SignatureMethod", Value: "HmacSHA256"},
	{Name: "SignatureVersion", Value: "2"}, {Name: "Timestamp", Value: "2017-11-03T06:12:43Z"},
	{Name: "Version", Value: "2013-01-01"},
}

// BenchmarkAppendQuery encodes a request of 16 parameters.
func BenchmarkAppendQuery(b *testing.B) {
	req := newAuthorizeRequest()
	var params []wire.Param
	var query []byte
	b.ReportAllocs()
	for b.Loop() {
		params = wire.AppendParams(append(params[:0], common...), req)
		wire.Sort(params)
		query = wire.AppendQuery(query[:0], params)
	}
	require.Len(b, params, 16)
}

// BenchmarkHMAC is what every such request needs anyway: what counts is the ratio.
func BenchmarkHMAC(b *testing.B) {
	params := wire.AppendParams(slices.Clone(common), newAuthorizeRequest())
	query := wire.AppendQuery(nil, params)
	b.SetBytes(int64(len(query)))
	b.ReportAllocs()
	for b.Loop() {
		mac := hmac.New(sha256.New, []byte("secret"))
		mac.Write(query)
		mac.Sum(nil)
	}
}

func BenchmarkCheck(b *testing.B) {
	req := newAuthorizeRequest()
	b.ReportAllocs()
	for b.Loop() {
		if faults := wire.Check(req, nil); faults != nil {
			b.Fatal(faults)
		}
	}
}

package amazonpay_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/lwa"
)

// Logging an object shows nothing of the buyer, as a pointer and as a value.
func TestLogValuesShowNobody(t *testing.T) {
	buyer := amazonpay.Buyer{Name: "CANARY", Email: "CANARY", Phone: "CANARY"}
	address := amazonpay.Address{Name: "CANARY", AddressLine1: "CANARY", PostalCode: "CANARY"}
	destination, billing := amazonpay.Destination{PhysicalDestination: address}, amazonpay.BillingAddress{PhysicalAddress: address}
	agreement := amazonpay.BillingAgreement{Buyer: buyer, Destination: destination, BillingAddress: billing}
	order := amazonpay.OrderReference{Buyer: buyer, Destination: destination, BillingAddress: billing}
	authorization := amazonpay.Authorization{AuthorizationBillingAddress: address}
	onAgreement := amazonpay.BillingAgreementAuthorization{Authorization: authorization}
	note := amazonpay.Notification{Raw: "CANARY", Object: &order}
	ofAgreement := amazonpay.GetBillingAgreementDetailsRequest{AddressConsentToken: "CANARY"}
	ofOrder := amazonpay.GetOrderReferenceDetailsRequest{AccessToken: "CANARY"}
	profile := lwa.Profile{Name: "CANARY", Email: "CANARY", PostalCode: "CANARY"}
	details := amazonpay.PaymentDetails{OrderReference: &order, Authorizations: []amazonpay.AuthorizationDetails{{Authorization: &authorization}}}
	page := amazonpay.OrderReferencePage{OrderReferences: []amazonpay.OrderReference{order}, NextPageToken: "CANARY"}
	operation := amazonpay.Operation{Request: &ofOrder, Result: &order}
	for _, v := range []any{
		details, &details, details.Authorizations[0], &details.Authorizations[0], page, &page, operation, &operation,
		buyer, &buyer, address, &address, destination, &destination, billing, &billing, agreement, &agreement, order, &order,
		authorization, &authorization, onAgreement, &onAgreement, note, &note, ofAgreement, &ofAgreement, ofOrder, &ofOrder, profile, &profile,
	} {
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("", "v", v)
		assert.NotContains(t, log.String(), "CANARY", "%T", v)
		assert.NotContains(t, log.String(), "PANIC", "%T", v)
	}
	assert.NotContains(t, fmt.Sprint(note, &note), "CANARY")
}

// echo answers each request with what answer makes of its head and body.
func echo(t *testing.T, answer func(head, body string) string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			var head bytes.Buffer
			if r, err := http.ReadRequest(bufio.NewReader(io.TeeReader(conn, &head))); err == nil {
				body, _ := io.ReadAll(r.Body)
				_, _ = io.WriteString(conn, answer(head.String(), string(body)))
			}
			_ = conn.Close()
		}
	}()
	return "http://" + listener.Addr().String()
}

// net/http quotes answers that are no HTTP, and an answer may quote the request.
func TestErrorsQuoteNoAnswer(t *testing.T) {
	for name, answer := range map[string]func(head, body string) string{
		"no HTTP":   func(_, body string) string { return body + "\r\n\r\n" },
		"no status": func(_, body string) string { return "HTTP/1.1 " + body + " x\r\n\r\n" },
		"no header": func(_, body string) string { return "HTTP/1.1 200 OK\r\n" + body + "\r\n\r\n" },
		"no length": func(_, body string) string { return "HTTP/1.1 200 OK\r\nContent-Length: " + body + "\r\n\r\n" },
		"no location": func(_, body string) string {
			return "HTTP/1.1 307 X\r\nContent-Length: 0\r\nLocation: ://" + body + "\r\n\r\n"
		},
		"id in a header": func(_, body string) string {
			return "HTTP/1.1 500 X\r\nContent-Length: 0\r\nx-mws-request-id: " + body + "\r\n\r\n"
		},
	} {
		t.Run(name, func(t *testing.T) {
			logger, written := logLines()
			client := stageClient(t, nil, func(c *amazonpay.Config) {
				c.BaseURL, c.Backoff, c.Logger = echo(t, answer), amazonpay.Spacing(), logger
			})
			client, err := client.OnBehalfOf("A2OTHERSELLER", "amzn.mws.4ea38b7b-f563")
			require.NoError(t, err)
			_, err = client.GetOrderReferenceDetails(t.Context(), amazonpay.GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: "S01-1234567-1234567", AccessToken: "Atza|IwEBIA"})
			require.Error(t, err)
			_, log := written(t)
			for e := err; e != nil; e = errors.Unwrap(e) { // reporters of errors print the whole chain
				for _, private := range []string{"IwEBIA", "4ea38b7b", stageKey, "Signature="} {
					assert.NotContains(t, e.Error()+log, private)
				}
			}
		})
	}
}

// What stands in the place of a code or an id is shown only if it looks like one.
func TestCodesAndIDsAreFitForALog(t *testing.T) {
	const token = "Atza|IwEBIA"
	for _, document := range []string{
		"<ErrorResponse><Error><Type>" + token + "</Type><Code>" + token + "</Code></Error><RequestId>" + token + "</RequestId></ErrorResponse>",
		"<ErrorResponse><Error><Code>a\nlevel=ERROR msg=forged</Code></Error><RequestId>b\x1b[31m</RequestId></ErrorResponse>",
		"<ErrorResponse><Error><Code>" + strings.Repeat("C", 1<<20) + "</Code></Error></ErrorResponse>",
	} {
		logger, written := logLines()
		client := once(t, answerScene(403, document), func(c *amazonpay.Config) { c.Logger = logger })
		_, err := client.GetOrderReferenceDetails(t.Context(), amazonpay.GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: "S01-1234567-1234567", AccessToken: token})
		_, log := written(t)
		assert.False(t, strings.Contains(err.Error()+log, "IwEBIA"), "a token")
		assert.False(t, strings.ContainsFunc(err.Error(), unicode.IsControl), "a control character")
		assert.Less(t, len(err.Error())+len(log), 4096)
	}
}

// unending is a body that has more than anybody wants, and counts.
type unending struct{ read int }

func (u *unending) Read(b []byte) (int, error) { u.read += len(b); return len(b), nil }
func (u *unending) Close() error               { return nil }

// The rest of a huge answer is not even read.
func TestAnswersAreReadInBounds(t *testing.T) {
	body := new(unending)
	client := once(t, func(r *http.Request, _ string) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body, ContentLength: -1, Request: r}, nil
	})
	_, err := client.GetServiceStatus(t.Context())
	require.ErrorContains(t, err, "larger than 4 MiB")
	assert.LessOrEqual(t, body.read, 4<<20+1)
}

// A good answer with nothing but what cannot be read makes few records.
func TestUnreadableFieldsAreFewRecords(t *testing.T) {
	logger, written := logLines()
	client := once(t, answerScene(200, "<{Action}Response><{Action}Result><OrderReferenceDetails><AmazonOrderReferenceId>S01</AmazonOrderReferenceId>"+
		strings.Repeat("<CreationTimestamp>yesterday</CreationTimestamp>", 1000)+"</OrderReferenceDetails></{Action}Result></{Action}Response>"), func(c *amazonpay.Config) { c.Logger = logger })
	_, err := client.GetOrderReferenceDetails(t.Context(), amazonpay.GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: "S01-1234567-1234567"})
	require.NoError(t, err)
	lines, _ := written(t)
	assert.Len(t, lines, 21)
}

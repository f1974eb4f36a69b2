package tracing_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
	tracing "github.com/amazonpay-go/amazonpay/examples/otel"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// A charge whose first attempt finds Amazon's server in trouble: one span for
// each call, and below it one for each attempt.
func Example() {
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	spans := tracetest.NewInMemoryExporter() // yours sends them to a collector
	traces := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))

	config := fake.Config()
	config.Backoff = amazonpay.Spacing(time.Millisecond)
	config, err := tracing.Traced(config, traces, metric.NewMeterProvider())
	if err != nil {
		log.Fatal(err)
	}
	client, err := amazonpay.New(config)
	if err != nil {
		log.Fatal(err)
	}

	agreement := fake.NewBillingAgreement().Consent()
	fake.Inject(amazonpaytest.Fault{Action: "ConfirmBillingAgreement", Kind: amazonpaytest.Unavailable503})
	err = client.ConfirmBillingAgreement(context.Background(), amazonpay.ConfirmBillingAgreementRequest{
		AmazonBillingAgreementID: agreement.ID(),
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, span := range slices.Backward(spans.GetSpans()) {
		fmt.Println(span.Name, "below", parent(spans.GetSpans(), span), read(span, "http.response.status_code", "amazonpay.outcome", "amazonpay.attempts"))
	}
	// Output:
	// ConfirmBillingAgreement below nothing [ok 2]
	// HTTP POST below ConfirmBillingAgreement [200]
	// HTTP POST below ConfirmBillingAgreement [503]
}

// parent is the name of the span above.
func parent(spans tracetest.SpanStubs, span tracetest.SpanStub) string {
	for _, other := range spans {
		if other.SpanContext.SpanID() == span.Parent.SpanID() {
			return other.Name
		}
	}
	return "nothing"
}

// read is those of the attributes that the span has.
func read(span tracetest.SpanStub, keys ...attribute.Key) (values []string) {
	for _, key := range keys {
		for _, a := range span.Attributes {
			if a.Key == key {
				values = append(values, a.Value.String())
			}
		}
	}
	return values
}

// wire sees what leaves.
type wire struct {
	http.RoundTripper
	headers []http.Header
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.headers = append(w.headers, r.Header.Clone())
	return w.RoundTripper.RoundTrip(r)
}

func TestTraced(t *testing.T) {
	const note, token = "for Ada of Example Street", "Atza|the-token-of-a-buyer"
	for _, c := range []struct {
		name    string
		fault   amazonpaytest.Fault
		amount  string
		outcome string
		spans   int // of attempts
	}{
		{"carried out", amazonpaytest.Fault{}, "5", "ok", 1},
		{"carried out at the second attempt", amazonpaytest.Fault{Kind: amazonpaytest.WorkDone500}, "5", "ok", 2},
		{"refused", amazonpaytest.Fault{}, "5000", "PeriodicAmountExceeded", 1},
		{"no answer", amazonpaytest.Fault{Kind: amazonpaytest.AnswerLost, Times: -1}, "5", "unknown", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake := amazonpaytest.New(amazonpaytest.Settings{SecretKey: "a-secret-key-that-must-not-show"})
			agreement := fake.NewBillingAgreement().Consent()
			require.NoError(t, fake.Client().ConfirmBillingAgreement(t.Context(),
				amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: agreement.ID()}))
			spans, reader := tracetest.NewInMemoryExporter(), metric.NewManualReader()
			plain := fake.Config()
			plain.Backoff = amazonpay.Spacing(time.Millisecond)
			sent := &wire{RoundTripper: plain.HTTPClient.Transport}
			plain.HTTPClient = &http.Client{Transport: sent}
			config, err := tracing.Traced(plain, sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)), metric.NewMeterProvider(metric.WithReader(reader)))
			require.NoError(t, err)
			assert.Same(t, sent, plain.HTTPClient.Transport, "the caller's client is changed")
			client, err := amazonpay.New(config)
			require.NoError(t, err)
			if c.fault.Kind != "" {
				fake.Inject(c.fault)
			}

			_, _ = client.AuthorizeOnBillingAgreement(t.Context(), amazonpay.AuthorizeOnBillingAgreementRequest{
				AmazonBillingAgreementID: agreement.ID(), AuthorizationReferenceID: "sub-42-2026-01",
				AuthorizationAmount: amazonpay.MustPrice(c.amount, amazonpay.CurrencyUSD), SellerNote: note,
			})
			_, _ = client.GetBillingAgreementDetails(t.Context(), amazonpay.GetBillingAgreementDetailsRequest{
				AmazonBillingAgreementID: agreement.ID(), AccessToken: token,
			})

			got := spans.GetSpans()
			call := got[c.spans] // a span is there when it ends: after those of its attempts
			assert.Equal(t, "AuthorizeOnBillingAgreement", call.Name)
			assert.Equal(t, c.outcome, read(call, "amazonpay.outcome")[0])
			assert.Equal(t, c.outcome != "ok", call.Status.Code == codes.Error)
			for _, attempt := range got[:c.spans] {
				assert.Equal(t, call.SpanContext.SpanID(), attempt.Parent.SpanID())
			}
			if c.outcome != "unknown" {
				assert.NotEmpty(t, read(call, "amazonpay.request_id")[0])
			}

			var metrics metricdata.ResourceMetrics
			require.NoError(t, reader.Collect(t.Context(), &metrics))
			all := fmt.Sprintf("%+v %+v", got, metrics)
			assert.Contains(t, all, "amazonpay.call.duration")
			for _, secret := range []string{note, token, plain.AccessKey, "a-secret-key-that-must-not-show", "Signature="} {
				assert.NotContains(t, all, secret)
			}
			for _, header := range sent.headers {
				assert.Empty(t, header.Get("Traceparent"))
			}
		})
	}
}

func TestTracedWithoutHTTPClient(t *testing.T) {
	config, err := tracing.Traced(amazonpay.Config{}, sdktrace.NewTracerProvider(), metric.NewMeterProvider())
	require.NoError(t, err)
	require.NotNil(t, config.HTTPClient)
	assert.NotSame(t, http.DefaultClient, config.HTTPClient)
}

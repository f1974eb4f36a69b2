package amazonpay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// Middleware sees every operation once, however many attempts it takes: count
// operations, attempts and error codes.
func ExampleMiddleware() {
	metrics := func(ctx context.Context, op *amazonpay.Operation, next func(context.Context) error) error {
		err := next(ctx)
		code := "OK"
		if refused, ok := errors.AsType[*amazonpay.Error](err); ok {
			code = string(refused.Code)
		}
		fmt.Println(op.Action, op.Attempts, code)
		return err
	}
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	config := fake.Config() // yours is an amazonpay.Config with your keys
	config.Middleware = []amazonpay.Middleware{metrics}
	client, err := amazonpay.New(config)
	if err != nil {
		log.Fatal(err)
	}

	fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.Throttled, Times: 2})
	_, _ = client.GetMerchantAccountStatus(ctx)
	_, _ = client.GetCaptureDetails(ctx, amazonpay.GetCaptureDetailsRequest{AmazonCaptureID: "S01-0000000-0000000-C000000"})
	// Output:
	// GetMerchantAccountStatus 3 OK
	// GetCaptureDetails 1 InvalidTransactionId
}

// One record for every attempt, and nothing of what was sent in it.
func ExampleConfig_logger() {
	handler := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug, // good attempts are Debug, failed ones Warn
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.TimeKey, "duration", "requestId": // which differ in every run
				return slog.Attr{}
			}
			return a
		},
	})
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	config := fake.Config()
	config.Logger = slog.New(handler)
	client, err := amazonpay.New(config)
	if err != nil {
		log.Fatal(err)
	}

	fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.Throttled})
	if _, err := client.GetMerchantAccountStatus(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// level=WARN msg="amazonpay: request" action=GetMerchantAccountStatus attempt=1 status=503 code=RequestThrottled
	// level=DEBUG msg="amazonpay: request" action=GetMerchantAccountStatus attempt=2 status=200 code=""
}

// While a buyer waits: two quick repetitions, and no more.
func ExampleSpacing() {
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	config := fake.Config()
	config.Backoff = amazonpay.Spacing(10*time.Millisecond, 20*time.Millisecond)
	client, err := amazonpay.New(config)
	if err != nil {
		log.Fatal(err)
	}

	fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.Unavailable503, Times: -1})
	_, err = client.GetMerchantAccountStatus(context.Background())
	if failed, ok := errors.AsType[*amazonpay.Error](err); ok {
		fmt.Println(failed.Code, "after", failed.Attempts, "attempts")
	}
	// Output:
	// ServiceUnavailable after 3 attempts
}

// For a nightly job: as recommended at first, then twice more.
func ExampleBackoff() {
	var patient amazonpay.Backoff = func(repetition int) (time.Duration, bool) {
		if wait, again := amazonpay.DefaultBackoff(repetition); again {
			return wait, true
		}
		return 5 * time.Minute, repetition <= 6
	}

	for repetition := 5; ; repetition++ {
		wait, again := patient(repetition)
		if !again {
			break
		}
		fmt.Println(repetition, wait)
	}
	// Output:
	// 5 5m0s
	// 6 5m0s
}

// A wrong request is not sent, and all that is wrong with it is said at once.
func ExampleInvalidError() {
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	_, err := fake.Client().Refund(context.Background(), amazonpay.RefundRequest{
		RefundReferenceID: "refund of order 1007",
		RefundAmount:      amazonpay.MustPrice("5", amazonpay.CurrencyEUR),
		SoftDescriptor:    "THE JOURNAL OF RECORD",
	})
	if invalid, ok := errors.AsType[*amazonpay.InvalidError](err); ok {
		for _, fault := range invalid.Faults {
			fmt.Println(fault.Field, fault.Problem)
		}
	}
	fmt.Println(len(fake.Calls()), "requests were sent")
	// Output:
	// AmazonCaptureID is required
	// RefundReferenceID has a character outside A-Z a-z 0-9 - _
	// RefundAmount is in EUR, and region NA takes USD only
	// SoftDescriptor is longer than 16 characters (21)
	// 0 requests were sent
}

// Branch on the code; tell Amazon's support the request id.
func ExampleError() {
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true, MonthlyLimit: amazonpay.MustPrice("500", amazonpay.CurrencyUSD)})
	client := fake.Client()

	_, err := client.AuthorizeOnBillingAgreement(context.Background(), amazonpay.AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: open(fake, client).ID(),
		AuthorizationReferenceID: "sub-42-2026-01",
		AuthorizationAmount:      amazonpay.MustPrice("600", amazonpay.CurrencyUSD),
		CaptureNow:               true,
	})
	switch {
	case errors.Is(err, amazonpay.ErrPeriodicAmountExceeded):
		fmt.Println("charge the rest next month")
	case errors.Is(err, amazonpay.ErrInvalidBillingAgreementStatus):
		fmt.Println("is it suspended or closed?")
	}
	if refused, ok := errors.AsType[*amazonpay.Error](err); ok {
		fmt.Println(refused.Action, refused.StatusCode, refused.Code)
		fmt.Println("for the support:", refused.RequestID != "")
	}
	// Output:
	// charge the rest next month
	// AuthorizeOnBillingAgreement 400 PeriodicAmountExceeded
	// for the support: true
}

// The money may have moved, and nobody knows: the same request again, with the
// same reference id, until there is an answer.
func ExampleOutcomeUnknownError() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	agreement := fake.NewBillingAgreement().Consent()
	if err := client.ConfirmBillingAgreement(ctx, amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: agreement.ID()}); err != nil {
		log.Fatal(err)
	}
	request := amazonpay.AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: agreement.ID(),
		AuthorizationReferenceID: "sub-42-2026-01", // stored before the call
		AuthorizationAmount:      amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD),
		TransactionTimeout:       new(0),
		CaptureNow:               true,
	}
	fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.AnswerLost, Times: 5}) // all attempts of the first call

	charge, err := client.AuthorizeOnBillingAgreement(ctx, request)
	if unknown, ok := errors.AsType[*amazonpay.OutcomeUnknownError](err); ok {
		fmt.Println("not known yet:", unknown.ReferenceID)
		charge, err = client.AuthorizeOnBillingAgreement(ctx, request) // minutes or hours later
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(charge.Outcome(), "and taken in all:", fake.TotalCaptured(amazonpay.CurrencyUSD))
	// Output:
	// not known yet: sub-42-2026-01
	// Paid and taken in all: 19.90 USD
}

// A key does not get into logs, dumps or JSON.
func ExampleSecretKey() {
	config := amazonpay.Config{
		SellerID:    "AFAKESELLER01",
		SecretKey:   amazonpay.NewSecretKey("wJalrXUtnFEMI/K7MDENG"),
		Region:      amazonpay.RegionNA,
		Environment: amazonpay.Sandbox,
	}
	fmt.Println(config.SecretKey)
	fmt.Printf("%#v\n", config.SecretKey)
	text, err := json.Marshal(config)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
	// Output:
	// [redacted]
	// [redacted]
	// {"SellerID":"AFAKESELLER01","AccessKey":"","SecretKey":"[redacted]","Region":"NA","Environment":"sandbox"}
}

// A configuration file can hold the key.
func ExampleSecretKey_configurationFile() {
	file := `{"SellerID": "AFAKESELLER01", "AccessKey": "AKIAFAKEACCESSKEY", "SecretKey": "wJalrXUtnFEMI/K7MDENG", "Region": "us", "Environment": "sandbox"}`
	var config amazonpay.Config
	if err := json.Unmarshal([]byte(file), &config); err != nil {
		log.Fatal(err)
	}
	client, err := amazonpay.New(config)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output:
	// amazonpay.Client(AFAKESELLER01, NA, sandbox)
}

// A price is text in JSON, and nothing is rounded on the way.
func ExamplePrice_json() {
	type plan struct {
		Name    string          `json:"name"`
		Monthly amazonpay.Price `json:"monthly"`
		SetUp   amazonpay.Price `json:"setUp,omitzero"`
	}
	text, err := json.Marshal(plan{Name: "Journal", Monthly: amazonpay.MustPrice("19.9", amazonpay.CurrencyUSD)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))

	var read plan
	if err := json.Unmarshal(text, &read); err != nil {
		log.Fatal(err)
	}
	fmt.Println(read.Monthly == amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD), read.SetUp.IsZero())
	// Output:
	// {"name":"Journal","monthly":"19.90 USD"}
	// true true
}

// What would lose or change money is an error.
func ExampleParsePrice() {
	for _, amount := range []string{"19.9", "19.900", "19.905", "1,990", "1e3"} {
		price, err := amazonpay.ParsePrice(amount, amazonpay.CurrencyUSD)
		if err != nil {
			fmt.Println(amount, "is refused")
			continue
		}
		fmt.Println(amount, "is", price)
	}
	// Output:
	// 19.9 is 19.90 USD
	// 19.900 is 19.90 USD
	// 19.905 is refused
	// 1,990 is refused
	// 1e3 is refused
}

// A third of a yearly price, to the cent: the rest goes to the last part.
func ExampleNewPrice() {
	yearly := amazonpay.MustPrice("100", amazonpay.CurrencyUSD)
	part, err := amazonpay.NewPrice(yearly.Minor()/3, yearly.Currency())
	if err != nil {
		log.Fatal(err)
	}
	rest := yearly
	for range 2 {
		if rest, err = rest.Sub(part); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(part, part, rest)
	// Output:
	// 33.33 USD 33.33 USD 33.34 USD
}

// Regions and environments in the words of your configuration.
func ExampleParseRegion() {
	region, err := amazonpay.ParseRegion("de")
	if err != nil {
		log.Fatal(err)
	}
	environment, err := amazonpay.ParseEnvironment("Live")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(region, environment)
	// Output:
	// EU production
}

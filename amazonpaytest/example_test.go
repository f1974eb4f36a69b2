package amazonpaytest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// renew stands for your code: the charge of one month.
func renew(client *amazonpay.Client, agreement amazonpay.BillingAgreementID, month string) (*amazonpay.BillingAgreementAuthorization, error) {
	return client.AuthorizeOnBillingAgreement(context.Background(), amazonpay.AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: agreement,
		AuthorizationReferenceID: amazonpay.ReferenceID("sub-42-" + month),
		AuthorizationAmount:      amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD),
		TransactionTimeout:       new(0),
		CaptureNow:               true,
	})
}

// subscribed is a buyer who signed in, consented and was confirmed.
func subscribed(fake *amazonpaytest.Fake, client *amazonpay.Client) *amazonpaytest.BillingAgreement {
	agreement := fake.NewBillingAgreement().Consent()
	err := client.ConfirmBillingAgreement(context.Background(), amazonpay.ConfirmBillingAgreementRequest{
		AmazonBillingAgreementID: agreement.ID(),
	})
	if err != nil {
		log.Fatal(err)
	}
	return agreement
}

// A test of your code: a month that is run twice is charged once.
func Example() {
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client() // give it to your code in place of the real one
	agreement := subscribed(fake, client)

	for range 2 {
		if _, err := renew(client, agreement.ID(), "2026-01"); err != nil {
			log.Fatal(err) // in a test: t.Fatal
		}
	}
	fmt.Println(len(fake.Ledger()), fake.TotalCaptured(amazonpay.CurrencyUSD))
	// Output:
	// 1 19.90 USD
}

// What the buyer pays with decides how the charges end.
func ExamplePaymentMethod() {
	for _, method := range []amazonpaytest.PaymentMethod{
		amazonpaytest.GoodCard, amazonpaytest.BadCard, amazonpaytest.AlwaysShort,
		amazonpaytest.RejectedCard, amazonpaytest.FailingCard, amazonpaytest.SlowBank,
	} {
		fake := amazonpaytest.New(amazonpaytest.Settings{})
		client := fake.Client()
		agreement := subscribed(fake, client).UpdatePaymentMethod(method)
		charge, err := renew(client, agreement.ID(), "2026-01")
		if err != nil {
			log.Fatal(err)
		}
		state, _ := agreement.State()
		fmt.Printf("%s: %s %s, soft %t, the agreement is %s\n", method,
			charge.Outcome(), charge.AuthorizationStatus.ReasonCode, charge.SoftDecline, state)
	}
	// Output:
	// GoodCard: Paid MaxCapturesProcessed, soft false, the agreement is Open
	// BadCard: Declined InvalidPaymentMethod, soft false, the agreement is Suspended
	// AlwaysShort: Declined InvalidPaymentMethod, soft true, the agreement is Suspended
	// RejectedCard: Declined AmazonRejected, soft false, the agreement is Open
	// FailingCard: Declined ProcessingFailure, soft false, the agreement is Open
	// SlowBank: Declined TransactionTimedOut, soft false, the agreement is Open
}

// A hard decline suspends the agreement; the buyer repairs it on Amazon's site.
func ExampleBillingAgreement_UpdatePaymentMethod() {
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	agreement := subscribed(fake, client)

	agreement.UpdatePaymentMethod(amazonpaytest.BadCard)
	if _, err := renew(client, agreement.ID(), "2026-01"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(agreement.State())
	_, err := renew(client, agreement.ID(), "2026-02")
	fmt.Println(errors.Is(err, amazonpay.ErrInvalidBillingAgreementStatus))

	agreement.UpdatePaymentMethod(amazonpaytest.GoodCard)
	charge, err := renew(client, agreement.ID(), "2026-01-try2")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(charge.Outcome())
	// Output:
	// Suspended InvalidPaymentMethod
	// true
	// Paid
}

// The charge is made, but no answer arrives, however often the client asks.
func ExampleFake_Inject() {
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	agreement := subscribed(fake, client)

	fake.Inject(amazonpaytest.Fault{
		Action: "AuthorizeOnBillingAgreement",
		Kind:   amazonpaytest.AnswerLost,
		Times:  -1, // until Heal
	})
	_, err := renew(client, agreement.ID(), "2026-01")
	unknown, ok := errors.AsType[*amazonpay.OutcomeUnknownError](err)
	fmt.Println(ok, unknown.ReferenceID, "charges:", len(fake.Ledger()))

	fake.Heal()
	charge, err := renew(client, agreement.ID(), "2026-01")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(charge.Outcome(), "charges:", len(fake.Ledger()))
	// Output:
	// true sub-42-2026-01 charges: 1
	// Paid charges: 1
}

// Three months in no time. The limit is one of the calendar month.
func ExampleFake_AdvanceTo() {
	fake := amazonpaytest.New(amazonpaytest.Settings{
		Manual:       true, // stands still meanwhile
		Start:        time.Date(2026, time.January, 31, 9, 0, 0, 0, time.UTC),
		MonthlyLimit: amazonpay.MustPrice("30", amazonpay.CurrencyUSD),
	})
	client := fake.Client()
	agreement := subscribed(fake, client)

	for range 3 {
		month := fake.Now().Format("2006-01")
		charge, err := renew(client, agreement.ID(), month)
		if err != nil {
			log.Fatal(err)
		}
		_, err = renew(client, agreement.ID(), month+"-more")
		fmt.Println(month, charge.Outcome(), "more:", errors.Is(err, amazonpay.ErrPeriodicAmountExceeded))

		now := fake.Now()
		fake.AdvanceTo(time.Date(now.Year(), now.Month()+1, 1, 9, 0, 0, 0, time.UTC))
	}
	// Output:
	// 2026-01 Paid more: true
	// 2026-02 Paid more: true
	// 2026-03 Paid more: true
}

// What falls due on the way happens: here, a late decision and its money.
func ExampleFake_Advance() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{AuthorizationDelay: time.Hour})
	client := fake.Client()
	agreement := subscribed(fake, client)

	charge, err := client.AuthorizeOnBillingAgreement(ctx, amazonpay.AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: agreement.ID(),
		AuthorizationReferenceID: "sub-42-2026-01",
		AuthorizationAmount:      amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD),
		CaptureNow:               true,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(charge.Outcome(), fake.TotalCaptured(amazonpay.CurrencyUSD))
	fake.Advance(time.Hour)
	fmt.Println(fake.TotalCaptured(amazonpay.CurrencyUSD))
	// Output:
	// Pending 0.00 USD
	// 19.90 USD
}

// The ledger is what really happened: compare your own books with it.
func ExampleFake_Ledger() {
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client := fake.Client()
	charge, err := renew(client, subscribed(fake, client).ID(), "2026-01")
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Refund(context.Background(), amazonpay.RefundRequest{
		AmazonCaptureID:   charge.IDList[0],
		RefundReferenceID: "sub-42-2026-01-R1",
		RefundAmount:      amazonpay.MustPrice("5", amazonpay.CurrencyUSD),
	})
	if err != nil {
		log.Fatal(err)
	}
	fake.Advance(2 * time.Hour) // a refund takes one

	for _, movement := range fake.Ledger() {
		fmt.Println(movement.Time.Format(time.Kitchen), movement.Kind, movement.Amount, movement.ReferenceID)
	}
	// Output:
	// 12:00PM Captured 19.90 USD sub-42-2026-01
	// 1:00PM Refunded 5.00 USD sub-42-2026-01-R1
}

// The calls are what your code asked for. Here the first attempt was answered
// with an error though the work was done; the second, which the client made by
// itself, got the first result.
func ExampleFake_Calls() {
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	agreement := subscribed(fake, client)

	fake.Inject(amazonpaytest.Fault{Action: "AuthorizeOnBillingAgreement", Kind: amazonpaytest.WorkDone500})
	if _, err := renew(client, agreement.ID(), "2026-01"); err != nil {
		log.Fatal(err)
	}
	for _, call := range fake.Calls() {
		if call.Action == "AuthorizeOnBillingAgreement" {
			fmt.Println(call.Params.Get("AuthorizationReferenceId"), call.Status, "replay:", call.Replay)
		}
	}
	// Output:
	// sub-42-2026-01 500 replay: false
	// sub-42-2026-01 200 replay: true
}

// Over a socket, for a program that runs by itself: give it the address of the
// server as its BaseURL.
func ExampleFake_ServeHTTP() {
	fake := amazonpaytest.New(amazonpaytest.Settings{
		SellerID: "ASELLER0000042", AccessKey: "AKIAEXAMPLE", SecretKey: "a-made-up-secret",
	})
	server := httptest.NewServer(fake)
	defer server.Close()

	client, err := amazonpay.New(amazonpay.Config{
		SellerID:    "ASELLER0000042",
		AccessKey:   "AKIAEXAMPLE",
		SecretKey:   amazonpay.NewSecretKey("a-made-up-secret"),
		Region:      amazonpay.RegionNA,
		Environment: amazonpay.Sandbox,
		BaseURL:     server.URL,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := client.GetMerchantAccountStatus(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(account.AccountStatus)
	// Output:
	// ACTIVE
}

// A buyer who cannot go on.
func ExampleFake_NewBillingAgreementWith() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	agreement := fake.NewBillingAgreementWith(amazonpaytest.Checkout{
		Payment:        amazonpaytest.NotAllowed,
		AddressMissing: true,
	})

	details, err := client.GetBillingAgreementDetails(ctx, amazonpay.GetBillingAgreementDetailsRequest{
		AmazonBillingAgreementID: agreement.ID(),
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, constraint := range details.Constraints {
		fmt.Println(constraint.ConstraintID)
	}
	// Output:
	// BuyerConsentNotSet
	// PaymentMethodNotAllowed
	// ShippingAddressNotSet
}

// The buyer walks away, and comes back to an ended subscription.
func ExampleBillingAgreement_Cancel() {
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	agreement := subscribed(fake, client)

	agreement.Cancel() // on Amazon's site
	_, err := renew(client, agreement.ID(), "2026-01")
	fmt.Println(errors.Is(err, amazonpay.ErrInvalidBillingAgreementStatus))
	fmt.Println(agreement.State())
	// Output:
	// true
	// Closed BuyerClosed
}

// Every tenth answer is lost on its way, and notifications come twice or not at
// all: a road for a long test. The same seed brings the same accidents.
func ExampleFake_Faults() {
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true, Seed: 42})
	client := fake.Client()
	fake.SetDelivery(amazonpaytest.Delivery{DuplicateRate: 0.1, ReorderRate: 0.1, LossRate: 0.1})
	fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.AnswerLost, Probability: 0.1, Times: -1})

	agreement := subscribed(fake, client)
	for month := range 12 { // the client repeats what got no answer
		if _, err := renew(client, agreement.ID(), fmt.Sprintf("2026-%02d", month+1)); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("charges:", len(fake.Ledger()))
	for _, fault := range fake.Faults() {
		fmt.Println(fault.Kind, fault.Probability, fault.Times)
	}
	// Output:
	// charges: 12
	// AnswerLost 0.1 -1
}

// With Amazon's quotas a run that is too fast is throttled, as it would be.
func ExampleFake_SetQuota() {
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	config := fake.Config()
	config.Backoff = amazonpay.Spacing() // once
	client, err := amazonpay.New(config)
	if err != nil {
		log.Fatal(err)
	}
	agreement := subscribed(fake, client)

	fake.SetQuota(1) // the sandbox's: 2 charges at once
	for _, month := range []string{"2026-01", "2026-02", "2026-03"} {
		_, err := renew(client, agreement.ID(), month)
		fmt.Println(month, errors.Is(err, amazonpay.ErrRequestThrottled))
	}
	// Output:
	// 2026-01 false
	// 2026-02 false
	// 2026-03 true
}

package amazonpay_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// The functions of a merchant, for the README.
type subscriber struct {
	Number    string
	Agreement amazonpay.BillingAgreementID
}

func retryLater(id amazonpay.ReferenceID) error {
	fmt.Println("unknown, to be repeated:", id)
	return nil
}

func markPaid(captures []amazonpay.CaptureID) error {
	fmt.Println("paid, with", len(captures), "capture")
	return nil
}

func waitForNotification(amazonpay.ReferenceID) error {
	fmt.Println("pending")
	return nil
}

func startDunning(reason amazonpay.Reason, advice amazonpay.Advice) error {
	fmt.Println("declined:", reason, "soft:", advice.Soft, "the buyer must act:", advice.Buyer)
	return nil
}

func chargeNextMonth() error { fmt.Println("next month"); return nil }
func lookAtAgreement() error { fmt.Println("look at the agreement"); return nil }

// connect makes a client from the environment.
func connect() error {
	client, err := amazonpay.New(amazonpay.Config{
		SellerID:    os.Getenv("AMAZONPAY_SELLER_ID"),
		AccessKey:   os.Getenv("AMAZONPAY_ACCESS_KEY"),
		SecretKey:   amazonpay.NewSecretKey(os.Getenv("AMAZONPAY_SECRET_KEY")),
		Region:      amazonpay.RegionNA,
		Environment: amazonpay.Sandbox,
	})
	if err != nil {
		return err // names everything that is wrong or missing
	}
	fmt.Println(client)
	return nil
}

// chargeSubscriber charges one period; it may be run again after any accident.
func chargeSubscriber(ctx context.Context, client *amazonpay.Client, subscription subscriber, period string) error {
	charge, err := client.Charge(ctx, amazonpay.ChargeRequest{
		AmazonBillingAgreementID: subscription.Agreement,
		ReferenceID:              amazonpay.NewReferenceID("tea.example", subscription.Number, period, "try 1"), // "try 2" only after a final decline
		Amount:                   amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD),
	})
	if unknown, ok := errors.AsType[*amazonpay.OutcomeUnknownError](err); ok {
		return retryLater(unknown.ReferenceID) // it may be paid: run the same again, with the same id
	}
	if err != nil {
		return err
	}
	switch charge.Outcome {
	case amazonpay.OutcomePaid:
		return markPaid(charge.CaptureIDs)
	case amazonpay.OutcomePending: // for up to a day
		return waitForNotification(charge.ReferenceID)
	default: // declined: Advice says whether to try again, when, and who must act
		return startDunning(charge.Reason, charge.Advice)
	}
}

func onError(err error) error {
	switch {
	case errors.Is(err, amazonpay.ErrPeriodicAmountExceeded):
		return chargeNextMonth()
	case errors.Is(err, amazonpay.ErrInvalidBillingAgreementStatus):
		return lookAtAgreement()
	}
	return err
}

// receive takes notifications in.
func receive(client *amazonpay.Client, inbox amazonpay.Inbox, apply func(context.Context, *amazonpay.Notification) error) {
	http.Handle("POST /amazonpay", client.Notifications().Handler(func(ctx context.Context, n *amazonpay.Notification) error {
		return inbox.Once(ctx, n.ID, func(ctx context.Context) error { return apply(ctx, n) })
	}))
}

// open is an agreement that can be charged.
func open(fake *amazonpaytest.Fake, client *amazonpay.Client) *amazonpaytest.BillingAgreement {
	agreement := fake.NewBillingAgreement().Consent()
	err := client.ConfirmBillingAgreement(context.Background(), amazonpay.ConfirmBillingAgreementRequest{
		AmazonBillingAgreementID: agreement.ID(),
	})
	if err != nil {
		log.Fatal(err)
	}
	return agreement
}

// One charge, on a good day, with a bad card, and when no answer comes.
func Example() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client := fake.Client()
	agreement := open(fake, client)
	subscription := subscriber{Number: "42", Agreement: agreement.ID()}

	fmt.Println(chargeSubscriber(ctx, client, subscription, "2026-01"))
	fmt.Println(chargeSubscriber(ctx, client, subscription, "2026-01")) // the same again: no second charge

	fake.Inject(amazonpaytest.Fault{Action: "AuthorizeOnBillingAgreement", Kind: amazonpaytest.AnswerLost, Times: 10})
	fmt.Println(chargeSubscriber(ctx, client, subscription, "2026-02"))
	fmt.Println(chargeSubscriber(ctx, client, subscription, "2026-02"))

	agreement.UpdatePaymentMethod(amazonpaytest.BadCard)
	fmt.Println(chargeSubscriber(ctx, client, subscription, "2026-03"))
	fmt.Println(onError(chargeSubscriber(ctx, client, subscription, "2026-04")))

	agreement.UpdatePaymentMethod(amazonpaytest.CaptureRejected)
	fmt.Println(chargeSubscriber(ctx, client, subscription, "2026-05"))

	fmt.Println(len(fake.Ledger()), "charges in the books")
	// Output:
	// paid, with 1 capture
	// <nil>
	// paid, with 1 capture
	// <nil>
	// unknown, to be repeated: 3919c980b309577c9fe019c06ad4153a
	// <nil>
	// paid, with 1 capture
	// <nil>
	// declined: InvalidPaymentMethod soft: false the buyer must act: true
	// <nil>
	// look at the agreement
	// <nil>
	// declined: AmazonRejected soft: false the buyer must act: false
	// <nil>
	// 2 charges in the books
}

func ExampleNew() {
	fmt.Println(connect())
	// Output:
	// amazonpay: Config: SellerID is required; AccessKey is required; SecretKey is required
}

func ExampleClient_Notifications() {
	client := amazonpaytest.New(amazonpaytest.Settings{}).Client()
	receive(client, &amazonpay.MemoryInbox{}, func(_ context.Context, n *amazonpay.Notification) error {
		fmt.Println(n.Type, n.ObjectID(), n.Status().State)
		return nil
	})
	forged := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(forged, httptest.NewRequest("POST", "/amazonpay", strings.NewReader(`{"Type":"Notification"}`)))
	fmt.Println(forged.Code)
	// Output:
	// 400
}

func ExamplePrice() {
	monthly := amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD)
	_, err := amazonpay.ParsePrice("1990.50", amazonpay.CurrencyJPY) // the yen has no decimals
	total, err2 := monthly.Add(amazonpay.MustPrice("5", amazonpay.CurrencyUSD))
	fmt.Println(total, err, err2)
	// Output:
	// 24.90 USD amazonpay: price: the amount has more decimals than its currency <nil>
}

func Example_testing() {
	apply := func(_ context.Context, n *amazonpay.Notification) error { fmt.Println(n.Status().State); return nil }

	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	fake.Notify(client.Notifications().Handler(apply)) // of a mux: fake.NotifyAt("https://shop.example/amazonpay", mux)
	agreement := fake.OpenBillingAgreement()           // consented and confirmed: charge agreement.ID()
	agreement.Cancel()                                 // the buyer, on Amazon's site
	fake.Deliver()                                     // apply has been called

	fmt.Println(client.Environment(), agreement.ID()[:4])
	// Output:
	// Open
	// Closed
	// sandbox C01-
}

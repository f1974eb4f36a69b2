package amazonpay_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strconv"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// renewal is a row of a billing table: one period of one subscription.
type renewal struct {
	Subscription string
	Period       string
	Agreement    amazonpay.BillingAgreementID
	Price        amazonpay.Price
	Try          int       // 1 at first
	Due          time.Time // when to charge
	State        string    // "", "paid", or who must act
}

// id is that of the present try.
func (r *renewal) id() amazonpay.ReferenceID {
	return amazonpay.NewReferenceID("tea.example", r.Subscription, r.Period, "try "+strconv.Itoa(r.Try))
}

// renew charges what is due; it may be run again after any accident.
func (r *renewal) renew(ctx context.Context, client *amazonpay.Client, now time.Time) error {
	charge, err := client.Charge(ctx, amazonpay.ChargeRequest{
		AmazonBillingAgreementID: r.Agreement,
		ReferenceID:              r.id(),
		Amount:                   r.Price,
	})
	advice := amazonpay.AdviceFor(err)
	if err == nil {
		advice = charge.Advice
	}
	if unknown, ok := errors.AsType[*amazonpay.OutcomeUnknownError](err); ok {
		fmt.Println("unknown, to be repeated:", unknown.ReferenceID == r.id())
	}
	if err == nil && charge.Outcome == amazonpay.OutcomePaid {
		r.State = "paid"
		return nil
	}
	due, again := amazonpay.DefaultDunning().Next(r.Try, advice, now)
	if again && advice.Confirm { // a soft decline has suspended the agreement
		request := amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: r.Agreement}
		if err := client.ConfirmBillingAgreement(ctx, request); err != nil {
			return err
		}
	}
	switch {
	case again && advice.Retry == amazonpay.RetryNewID:
		r.Try++ // the next try has an id of its own
		r.Due = due
	case again:
		r.Due = due // the same try goes on
	case advice.Buyer:
		r.State = "ask the buyer for another payment method"
	case advice.Over:
		r.State = "subscription ended"
	default:
		r.State = "look at it: " + advice.Text
	}
	return nil
}

// A renewal loop: every row is charged when it is due, until it is paid or
// somebody must act.
func ExampleClient_Charge() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client := fake.Client()
	for _, method := range []amazonpaytest.PaymentMethod{
		amazonpaytest.GoodCard, amazonpaytest.ShortOnce, amazonpaytest.SlowBank, amazonpaytest.BadCard,
	} {
		row := &renewal{
			Subscription: string(method), Period: "2026-01", Agreement: open(fake, client).ChoosePaymentMethod(method).ID(),
			Price: amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD), Try: 1, Due: fake.Now(),
		}
		err := client.ConfirmBillingAgreement(ctx, amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: row.Agreement})
		if err != nil {
			log.Fatal(err)
		}
		start := fake.Now()
		for row.State == "" {
			fake.AdvanceTo(row.Due)
			if err := row.renew(ctx, client, fake.Now()); err != nil {
				log.Fatal(err)
			}
		}
		fmt.Printf("%s: %s in try %d after %v\n", method, row.State, row.Try, fake.Now().Sub(start))
	}
	fmt.Println(fake.TotalCaptured("USD"))
	// Output:
	// GoodCard: paid in try 1 after 0s
	// ShortOnce: paid in try 2 after 24h0m0s
	// SlowBank: paid in try 1 after 15m0s
	// BadCard: ask the buyer for another payment method in try 1 after 0s
	// 59.70 USD
}

// The same intent always has the same id, and each of its steps another.
func ExampleNewReferenceID() {
	id := amazonpay.NewReferenceID("tea.example", "subscription 42", "2026-11", "try 1")
	fmt.Println(id, id == amazonpay.NewReferenceID("tea.example", "subscription 42", "2026-11", "try 1"))
	fmt.Println(id.Derive("capture"))
	fmt.Println(id.Derive("refund", "1"))
	// Output:
	// 7801220f35f25eee896e9dee1581cea1 true
	// 8f4ec94bc4ea5ffd8702495dfcbb00f1
	// c2f55eed18ff52cc9e94556c0bcbe536
}

// What to do about an error.
func ExampleAdviceFor() {
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client := fake.Client()
	_, err := client.Charge(context.Background(), amazonpay.ChargeRequest{
		AmazonBillingAgreementID: open(fake, client).ID(),
		ReferenceID:              amazonpay.NewReferenceID("tea.example", "subscription 42", "2026-01", "try 1"),
		Amount:                   amazonpay.MustPrice("1200.00", amazonpay.CurrencyUSD), // the agreement's cap is 1000
	})
	advice := amazonpay.AdviceFor(err)
	at, again := amazonpay.DefaultDunning().Next(1, advice, fake.Now())
	fmt.Println(errors.Is(err, amazonpay.ErrPeriodicAmountExceeded), advice.Retry, again, at)
	// Output: true SameID true 2026-02-01 01:00:00 +0000 UTC
}

// A job that finds what notifications missed.
func ExampleClient_Sweep() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client := fake.Client()
	charge, err := client.Charge(ctx, amazonpay.ChargeRequest{
		AmazonBillingAgreementID: open(fake, client).ID(),
		ReferenceID:              amazonpay.NewReferenceID("tea.example", "subscription 42", "2026-01", "try 1"),
		Amount:                   amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD),
		Mode:                     amazonpay.ModeAsynchronous,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(charge.Outcome)
	watched := []amazonpay.Watched{{Object: charge.Authorization, Since: time.Now().Add(-time.Hour)}} // from your database

	fake.Advance(time.Hour) // it is decided, and nobody tells
	for s := range client.Sweep(ctx, watched...) {
		switch object := s.Object.(type) {
		case *amazonpay.Authorization:
			fmt.Println(s.Changed, object.Outcome())
		}
		switch {
		case s.Done && s.Err != nil:
			fmt.Println("given up, somebody must look at it:", s.Err)
		case s.Done:
			fmt.Println("watch it no longer")
		default: // store s.Watched
		}
	}
	// Output:
	// Pending
	// true Paid
	// watch it no longer
}

// Waiting for a decision where no notifications arrive.
func ExampleClient_AwaitAuthorization() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client := fake.Client()
	charge, err := client.Charge(ctx, amazonpay.ChargeRequest{
		AmazonBillingAgreementID: open(fake, client).ID(),
		ReferenceID:              amazonpay.NewReferenceID("tea.example", "subscription 42", "2026-01", "try 1"),
		Amount:                   amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD),
		Mode:                     amazonpay.ModeAsynchronous,
	})
	if err != nil {
		log.Fatal(err)
	}
	fake.Advance(time.Minute)
	authorization, err := client.AwaitAuthorization(ctx, charge.Authorization.AmazonAuthorizationID)
	if unsettled, ok := errors.AsType[*amazonpay.UnsettledError](err); ok {
		fmt.Println("not decided yet; sweep it later:", unsettled.ID)
		return
	}
	fmt.Println(authorization.Outcome())
	// Output: Paid
}

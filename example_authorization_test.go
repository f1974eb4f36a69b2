package amazonpay_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// reserve authorizes 50.00 USD on a new order, for Capture.
func reserve(fake *amazonpaytest.Fake, client *amazonpay.Client) *amazonpay.Authorization {
	authorization, err := client.Authorize(context.Background(), amazonpay.AuthorizeRequest{
		AmazonOrderReferenceID:   openOrder(fake, client),
		AuthorizationReferenceID: "order-1007-A1",
		AuthorizationAmount:      amazonpay.MustPrice("50", amazonpay.CurrencyUSD),
		TransactionTimeout:       new(0),
	})
	if err != nil {
		log.Fatal(err)
	}
	return authorization
}

// Reserve the money of a one-time order; Capture takes it when the goods leave.
func ExampleClient_Authorize() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	id := openOrder(fake, client)

	authorization, err := client.Authorize(ctx, amazonpay.AuthorizeRequest{
		AmazonOrderReferenceID:   id,
		AuthorizationReferenceID: "order-1007-A1",
		AuthorizationAmount:      amazonpay.MustPrice("50", amazonpay.CurrencyUSD),
		TransactionTimeout:       new(0), // decide now
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(authorization.Outcome(), authorization.AuthorizationAmount)
	// Output:
	// Open 50.00 USD
}

// A note like this one makes the sandbox decline. It is Amazon's own, so it
// works against the sandbox as it does against the fake.
func ExampleClient_Authorize_simulation() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	id := openOrder(fake, client)

	authorization, err := client.Authorize(ctx, amazonpay.AuthorizeRequest{
		AmazonOrderReferenceID:   id,
		AuthorizationReferenceID: "order-1007-A1",
		AuthorizationAmount:      amazonpay.MustPrice("50", amazonpay.CurrencyUSD),
		SellerAuthorizationNote:  `{"SandboxSimulation": {"State": "Declined", "ReasonCode": "AmazonRejected"}}`,
		TransactionTimeout:       new(0),
	})
	if err != nil {
		log.Fatal(err) // a decline is no error
	}
	fmt.Println(authorization.Outcome(), authorization.AuthorizationStatus.ReasonCode)
	// Output:
	// Declined AmazonRejected
}

// A Pending authorization is asked for until it is decided.
func ExampleClient_GetAuthorizationDetails() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{AuthorizationDelay: 40 * time.Minute})
	client := fake.Client()

	authorization, err := client.Authorize(ctx, amazonpay.AuthorizeRequest{
		AmazonOrderReferenceID:   openOrder(fake, client),
		AuthorizationReferenceID: "order-1007-A1",
		AuthorizationAmount:      amazonpay.MustPrice("50", amazonpay.CurrencyUSD),
	})
	for err == nil && authorization.Outcome() == amazonpay.OutcomePending {
		fmt.Println("pending")
		fake.Advance(15 * time.Minute) // your job sleeps, or waits for the notification
		authorization, err = client.GetAuthorizationDetails(ctx, amazonpay.GetAuthorizationDetailsRequest{
			AmazonAuthorizationID: authorization.AmazonAuthorizationID,
		})
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(authorization.Outcome())
	// Output:
	// pending
	// pending
	// pending
	// Open
}

// The order was changed before it was shipped: give the buyer the money free.
func ExampleClient_CloseAuthorization() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	id := reserve(fake, client).AmazonAuthorizationID

	err := client.CloseAuthorization(ctx, amazonpay.CloseAuthorizationRequest{
		AmazonAuthorizationID: id,
		ClosureReason:         "the order was changed",
	})
	if err != nil && !errors.Is(err, amazonpay.ErrInvalidAuthorizationStatus) { // it has ended already
		log.Fatal(err)
	}
	authorization, err := client.GetAuthorizationDetails(ctx, amazonpay.GetAuthorizationDetailsRequest{AmazonAuthorizationID: id})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(authorization.Outcome(), authorization.AuthorizationStatus.ReasonCode)
	// Output:
	// Closed SellerClosed
}

// What to do next, for each outcome.
func ExampleAuthorization_Outcome() {
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	agreement := open(fake, client)

	for reference, card := range map[amazonpay.ReferenceID]amazonpaytest.PaymentMethod{
		"sub-42-2026-01": amazonpaytest.GoodCard,
		"sub-42-2026-02": amazonpaytest.RejectedCard,
	} {
		agreement.UpdatePaymentMethod(card)
		charge := charge(client, agreement.ID(), reference, "42")
		switch charge.Outcome() {
		case amazonpay.OutcomePaid:
			fmt.Println("paid")
		case amazonpay.OutcomePending:
			fmt.Println("wait for the notification")
		case amazonpay.OutcomeOpen:
			fmt.Println("reserved: capture it")
		case amazonpay.OutcomeDeclined:
			fmt.Println("declined:", charge.AuthorizationStatus.ReasonCode)
		case amazonpay.OutcomeClosed:
			fmt.Println("over, and nothing was taken:", charge.AuthorizationStatus.ReasonCode)
		}
	}
	// Unordered output:
	// paid
	// declined: AmazonRejected
}

// A soft decline suspends the agreement like a hard one, but the same card may
// do on another day: confirm again, and charge with a new reference id.
func ExampleAuthorization_softDecline() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	agreement := open(fake, client)
	agreement.UpdatePaymentMethod(amazonpaytest.ShortOnce)

	first := charge(client, agreement.ID(), "sub-42-2026-01", "42-2026-01")
	fmt.Println(first.Outcome(), first.AuthorizationStatus.ReasonCode, "soft:", first.SoftDecline)
	if !first.SoftDecline {
		return // the buyer has to change the payment method
	}
	fake.AdvanceTo(fake.Now().AddDate(0, 0, 3)) // three days later
	err := client.ConfirmBillingAgreement(ctx, amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: agreement.ID()})
	if err != nil {
		log.Fatal(err)
	}
	second := charge(client, agreement.ID(), "sub-42-2026-01-try2", "42-2026-01")
	fmt.Println(second.Outcome())
	// Output:
	// Declined InvalidPaymentMethod soft: true
	// Paid
}

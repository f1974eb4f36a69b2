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

// One of two mugs leaves the house: take its price. The rest of the
// authorization is given free by that.
func ExampleClient_Capture() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	authorization := reserve(fake, client)

	capture, err := client.Capture(ctx, amazonpay.CaptureRequest{
		AmazonAuthorizationID: authorization.AmazonAuthorizationID,
		CaptureReferenceID:    "order-1007-C1", // never the authorization's
		CaptureAmount:         amazonpay.MustPrice("25", amazonpay.CurrencyUSD),
		SellerCaptureNote:     "One mug",
	})
	if err != nil {
		log.Fatal(err) // an *OutcomeUnknownError wants the same request again
	}
	switch capture.CaptureStatus.State {
	case amazonpay.StateCompleted, amazonpay.StateClosed:
		fmt.Println("taken:", capture.CaptureAmount)
	case amazonpay.StatePending:
		fmt.Println("wait for the notification")
	case amazonpay.StateDeclined:
		fmt.Println("declined:", capture.CaptureStatus.ReasonCode)
	}
	// Output:
	// taken: 25.00 USD
}

// A charge with CaptureNow has its capture under the charge's reference id.
func ExampleClient_GetCaptureDetails() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	paid := charge(client, open(fake, client).ID(), "sub-42-2026-01", "42-2026-01")

	for _, id := range paid.IDList {
		capture, err := client.GetCaptureDetails(ctx, amazonpay.GetCaptureDetailsRequest{AmazonCaptureID: id})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(capture.CaptureReferenceID, capture.CaptureAmount, capture.CaptureStatus.State)
		fmt.Println("refunded:", capture.RefundedAmount)
	}
	// Output:
	// sub-42-2026-01 19.90 USD Completed
	// refunded: 0.00 USD
}

// Everything that was paid on an order, for the page of your customer service.
func ExampleClient_PaymentDetails() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	paid := charge(client, open(fake, client).ID(), "sub-42-2026-01", "42-2026-01")
	giveBack(client, paid.IDList[0])

	details, err := client.PaymentDetails(ctx, paid.AmazonOrderReferenceID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("order", details.OrderReference.OrderTotal)
	for _, a := range details.Authorizations {
		fmt.Println(" authorized", a.Authorization.AuthorizationAmount, a.Authorization.Outcome())
		for _, c := range a.Captures {
			fmt.Println("  captured", c.Capture.CaptureAmount, c.Capture.CaptureStatus.State)
			for _, refund := range c.Refunds {
				fmt.Println("   refunded", refund.RefundAmount, refund.RefundStatus.State)
			}
		}
	}
	// Output:
	// order 19.90 USD
	//  authorized 19.90 USD Paid
	//   captured 19.90 USD Completed
	//    refunded 5.00 USD Pending
}

// A capture that comes late is Pending at first. A job that has the time waits
// for the decision.
func ExampleClient_AwaitCapture() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client := fake.Client()
	authorization := reserve(fake, client)
	fake.Advance(10 * 24 * time.Hour) // more than seven days

	capture, err := client.Capture(ctx, amazonpay.CaptureRequest{
		AmazonAuthorizationID: authorization.AmazonAuthorizationID,
		CaptureReferenceID:    "order-1007-C1",
		CaptureAmount:         authorization.AuthorizationAmount,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(capture.CaptureStatus.State)
	fake.Advance(time.Hour) // at Amazon that is not in your hands
	capture, err = client.AwaitCapture(ctx, capture.AmazonCaptureID)
	if unsettled, ok := errors.AsType[*amazonpay.UnsettledError](err); ok {
		fmt.Println("not decided yet; sweep it later:", unsettled.ID)
		return
	}
	fmt.Println(capture.CaptureStatus.State)
	// Output:
	// Pending
	// Completed
}

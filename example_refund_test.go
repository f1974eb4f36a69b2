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

// giveBack refunds 5.00 USD of a capture.
func giveBack(client *amazonpay.Client, capture amazonpay.CaptureID) *amazonpay.Refund {
	refund, err := client.Refund(context.Background(), amazonpay.RefundRequest{
		AmazonCaptureID:   capture,
		RefundReferenceID: "sub-42-2026-01-R1",
		RefundAmount:      amazonpay.MustPrice("5", amazonpay.CurrencyUSD),
	})
	if err != nil {
		log.Fatal(err)
	}
	return refund
}

// A part of a charge goes back. The same request twice is one refund.
func ExampleClient_Refund() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	paid := charge(client, open(fake, client).ID(), "sub-42-2026-01", "42-2026-01")

	for range 2 {
		refund, err := client.Refund(ctx, amazonpay.RefundRequest{
			AmazonCaptureID:   paid.IDList[0],
			RefundReferenceID: "sub-42-2026-01-R1", // the first refund of that charge
			RefundAmount:      amazonpay.MustPrice("5", amazonpay.CurrencyUSD),
			SellerRefundNote:  "Sorry for the missing issue",
		})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(refund.RefundAmount, refund.RefundStatus.State)
	}
	fake.Advance(2 * time.Hour)
	fmt.Println("gone back:", fake.TotalRefunded(amazonpay.CurrencyUSD))
	// Output:
	// 5.00 USD Pending
	// 5.00 USD Pending
	// gone back: 5.00 USD
}

// A refund is Pending at first; some time later it is decided.
func ExampleClient_GetRefundDetails() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	paid := charge(client, open(fake, client).ID(), "sub-42-2026-01", "42-2026-01")
	refund := giveBack(client, paid.IDList[0])

	var err error
	for !refund.RefundStatus.State.Terminal() {
		fmt.Println(refund.RefundStatus.State)
		fake.Advance(30 * time.Minute) // your job sleeps, or waits for the notification
		refund, err = client.GetRefundDetails(ctx, amazonpay.GetRefundDetailsRequest{AmazonRefundID: refund.AmazonRefundID})
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(refund.RefundStatus.State, refund.RefundType)
	// Output:
	// Pending
	// Pending
	// Completed SellerInitiated
}

// A refund is decided some time after the answer, and may be declined.
func ExampleClient_AwaitRefund() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client := fake.Client()
	agreement := open(fake, client).UpdatePaymentMethod(amazonpaytest.RefundFailing)
	refund := giveBack(client, charge(client, agreement.ID(), "sub-42-2026-01", "42-2026-01").IDList[0])
	fmt.Println(refund.RefundStatus.State)

	fake.Advance(2 * time.Hour) // at Amazon that is not in your hands
	refund, err := client.AwaitRefund(ctx, refund.AmazonRefundID)
	if unsettled, ok := errors.AsType[*amazonpay.UnsettledError](err); ok {
		fmt.Println("not decided yet; sweep it later:", unsettled.ID)
		return
	}
	fmt.Println(refund.RefundStatus.State, refund.RefundStatus.ReasonCode)
	fmt.Println(refund.Advice())
	// Output:
	// Pending
	// Declined ProcessingFailure
	// try again while the capture is Completed, unless the buyer has been refunded by a claim or chargeback
}

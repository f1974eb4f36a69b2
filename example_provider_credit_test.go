package amazonpay_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// captureWithCredit takes 50.00 USD, of which a solution provider gets 5.00.
func captureWithCredit(fake *amazonpaytest.Fake, client *amazonpay.Client) *amazonpay.Capture {
	capture, err := client.Capture(context.Background(), amazonpay.CaptureRequest{
		AmazonAuthorizationID: reserve(fake, client).AmazonAuthorizationID,
		CaptureReferenceID:    "order-1007-C1",
		CaptureAmount:         amazonpay.MustPrice("50", amazonpay.CurrencyUSD),
		ProviderCreditList: []amazonpay.ProviderCredit{{
			ProviderID:   "APROVIDER00001",
			CreditAmount: amazonpay.MustPrice("5", amazonpay.CurrencyUSD),
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	return capture
}

// A capture credits the solution provider, and names the credit.
func ExampleClient_Capture_providerCredit() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Providers: []string{"APROVIDER00001"}})
	client := fake.Client()
	authorization := reserve(fake, client)

	capture, err := client.Capture(ctx, amazonpay.CaptureRequest{
		AmazonAuthorizationID: authorization.AmazonAuthorizationID,
		CaptureReferenceID:    "order-1007-C1",
		CaptureAmount:         authorization.AuthorizationAmount,
		ProviderCreditList: []amazonpay.ProviderCredit{{
			ProviderID:   "APROVIDER00001",
			CreditAmount: amazonpay.MustPrice("5", amazonpay.CurrencyUSD),
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(capture.CaptureAmount, capture.CaptureStatus.State)
	fmt.Println("credit to", capture.ProviderCreditSummaryList[0].ProviderID)
	// Output:
	// 50.00 USD Completed
	// credit to APROVIDER00001
}

func ExampleClient_GetProviderCreditDetails() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Providers: []string{"APROVIDER00001"}})
	client := fake.Client()
	id := captureWithCredit(fake, client).ProviderCreditSummaryList[0].ProviderCreditID

	credit, err := client.GetProviderCreditDetails(ctx, amazonpay.GetProviderCreditDetailsRequest{
		AmazonProviderCreditID: id,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(credit.ProviderID, credit.CreditAmount, credit.CreditStatus.State)
	fmt.Println("reversed:", credit.CreditReversalAmount)
	// Output:
	// APROVIDER00001 5.00 USD Completed
	// reversed: 0.00 USD
}

// The provider gives back a part of the fee.
func ExampleClient_ReverseProviderCredit() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Providers: []string{"APROVIDER00001"}})
	client := fake.Client()
	id := captureWithCredit(fake, client).ProviderCreditSummaryList[0].ProviderCreditID

	reversal, err := client.ReverseProviderCredit(ctx, amazonpay.ReverseProviderCreditRequest{
		AmazonProviderCreditID:    id,
		CreditReversalReferenceID: "order-1007-CR1",
		CreditReversalAmount:      amazonpay.MustPrice("2", amazonpay.CurrencyUSD),
		CreditReversalNote:        "half of it was a mistake",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reversal.CreditReversalAmount, reversal.CreditReversalStatus.State)
	// Output:
	// 2.00 USD Completed
}

// A refund can take back what the provider got of the money, and names the
// reversal.
func ExampleClient_GetProviderCreditReversalDetails() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Providers: []string{"APROVIDER00001"}})
	client := fake.Client()
	capture := captureWithCredit(fake, client)

	refund, err := client.Refund(ctx, amazonpay.RefundRequest{
		AmazonCaptureID:   capture.AmazonCaptureID,
		RefundReferenceID: "order-1007-R1",
		RefundAmount:      capture.CaptureAmount,
		ProviderCreditReversalList: []amazonpay.ProviderCreditReversal{{
			ProviderID:           "APROVIDER00001",
			CreditReversalAmount: amazonpay.MustPrice("5", amazonpay.CurrencyUSD),
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fake.Advance(2 * time.Hour) // the credit is taken back when the refund is completed
	reversal, err := client.GetProviderCreditReversalDetails(ctx, amazonpay.GetProviderCreditReversalDetailsRequest{
		AmazonProviderCreditReversalID: refund.ProviderCreditReversalSummaryList[0].ProviderCreditReversalID,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reversal.ProviderID, reversal.CreditReversalAmount, reversal.CreditReversalStatus.State)
	// Output:
	// APROVIDER00001 5.00 USD Completed
}

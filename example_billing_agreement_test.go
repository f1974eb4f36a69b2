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

// The widgets have handed over the agreement and the buyer's token: show where
// the goods will go, before anything is confirmed.
func ExampleClient_GetBillingAgreementDetails() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	buyer := fake.NewBillingAgreement().Consent()

	agreement, err := client.GetBillingAgreementDetails(ctx, amazonpay.GetBillingAgreementDetailsRequest{
		AmazonBillingAgreementID: buyer.ID(),
		AddressConsentToken:      buyer.AccessToken(), // without it, only the city and the like
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(agreement.BillingAgreementStatus.State, len(agreement.Constraints), "constraints")
	fmt.Println("to:", agreement.Destination.PhysicalDestination.CountryCode)
	fmt.Println("left this month:", agreement.BillingAgreementLimits.CurrentRemainingBalance)
	// Output:
	// Draft 0 constraints
	// to: US
	// left this month: 1000.00 USD
}

// The answer tells what still stands between the agreement and its confirmation.
func ExampleClient_SetBillingAgreementDetails() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	buyer := fake.NewBillingAgreement() // and has not ticked the consent yet

	agreement, err := client.SetBillingAgreementDetails(ctx, amazonpay.SetBillingAgreementDetailsRequest{
		AmazonBillingAgreementID: buyer.ID(),
		BillingAgreementAttributes: amazonpay.BillingAgreementAttributes{
			SellerNote: "The Journal, monthly",
			SellerBillingAgreementAttributes: amazonpay.SellerBillingAgreementAttributes{
				SellerBillingAgreementID: "subscription-42",
			},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, constraint := range agreement.Constraints {
		fmt.Println("missing:", constraint.ConstraintID)
	}
	// Output:
	// missing: BuyerConsentNotSet
}

// In the EU and the UK the agreement also says who starts the charges.
func ExampleClient_SetBillingAgreementDetails_europe() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Region: amazonpay.RegionEU})
	client := fake.Client()
	buyer := fake.NewBillingAgreement().Consent()

	agreement, err := client.SetBillingAgreementDetails(ctx, amazonpay.SetBillingAgreementDetailsRequest{
		AmazonBillingAgreementID: buyer.ID(),
		BillingAgreementAttributes: amazonpay.BillingAgreementAttributes{
			BillingAgreementType: amazonpay.MerchantInitiatedTransaction,
			SubscriptionAmount:   amazonpay.MustPrice("19.90", amazonpay.CurrencyEUR),
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(agreement.BillingAgreementType, agreement.SubscriptionAmount)
	// Output:
	// MerchantInitiatedTransaction 19.90 EUR
}

// A constraint is the buyer's to remove, in the widgets; then it is confirmed
// again.
func ExampleClient_ConfirmBillingAgreement() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	buyer := fake.NewBillingAgreement()

	confirm := amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: buyer.ID()}
	err := client.ConfirmBillingAgreement(ctx, confirm)
	if errors.Is(err, amazonpay.ErrBillingAgreementConstraintsExist) {
		fmt.Println("please tick the box")
		buyer.Consent() // and the buyer does
		err = client.ConfirmBillingAgreement(ctx, confirm)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("confirmed")
	// Output:
	// please tick the box
	// confirmed
}

// Days before the money is due, ask whether the card will do.
func ExampleClient_ValidateBillingAgreement() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	agreement := open(fake, client)
	agreement.UpdatePaymentMethod(amazonpaytest.BadCard)

	validation, err := client.ValidateBillingAgreement(ctx, amazonpay.ValidateBillingAgreementRequest{
		AmazonBillingAgreementID: agreement.ID(),
	})
	if err != nil {
		log.Fatal(err)
	}
	if !validation.Valid() {
		fmt.Println("ask for another card:", validation.FailureReasonCode)
		fmt.Println("the agreement is", validation.BillingAgreementStatus.State)
	}
	// Output:
	// ask for another card: InvalidPaymentMethod
	// the agreement is Suspended
}

// One charge, decided and taken in the answer.
func ExampleClient_AuthorizeOnBillingAgreement() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	agreement := fake.NewBillingAgreement().Consent()
	if err := client.ConfirmBillingAgreement(ctx, amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: agreement.ID()}); err != nil {
		log.Fatal(err)
	}

	charge, err := client.AuthorizeOnBillingAgreement(ctx, amazonpay.AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: agreement.ID(),
		AuthorizationReferenceID: "sub-42-2026-01", // what is paid; the same for every repeat
		AuthorizationAmount:      amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD),
		TransactionTimeout:       new(0), // decide now
		CaptureNow:               true,
		SoftDescriptor:           "JOURNAL",
		SellerNote:               "The Journal, January 2026",
		SellerOrderAttributes:    amazonpay.SellerOrderAttributes{SellerOrderID: "42-2026-01"},
	})
	if err != nil {
		log.Fatal(err) // an *OutcomeUnknownError wants the same request again
	}
	fmt.Println(charge.Outcome(), charge.AuthorizationAmount)
	fmt.Println(charge.AuthorizationStatus.State, charge.AuthorizationStatus.ReasonCode)
	// Output:
	// Paid 19.90 USD
	// Closed MaxCapturesProcessed
}

// Without a TransactionTimeout, Amazon takes up to a day and declines less. The
// decision comes by notification, or is asked for.
func ExampleClient_AuthorizeOnBillingAgreement_later() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	agreement := open(fake, client)

	charge, err := client.AuthorizeOnBillingAgreement(ctx, amazonpay.AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: agreement.ID(),
		AuthorizationReferenceID: "sub-42-2026-02",
		AuthorizationAmount:      amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD),
		CaptureNow:               true,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(charge.Outcome())

	fake.Advance(time.Hour) // time passes
	decided, err := client.GetAuthorizationDetails(ctx, amazonpay.GetAuthorizationDetailsRequest{
		AmazonAuthorizationID: charge.AmazonAuthorizationID,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(decided.Outcome(), decided.CapturedAmount)
	// Output:
	// Pending
	// Paid 19.90 USD
}

// The subscriber cancels.
func ExampleClient_CloseBillingAgreement() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	id := open(fake, client).ID()

	err := client.CloseBillingAgreement(ctx, amazonpay.CloseBillingAgreementRequest{
		AmazonBillingAgreementID: id,
		ClosureReason:            "canceled by the subscriber",
	})
	if err != nil {
		log.Fatal(err)
	}
	agreement, err := client.GetBillingAgreementDetails(ctx, amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: id})
	if err != nil {
		log.Fatal(err)
	}
	status := agreement.BillingAgreementStatus
	fmt.Println(status.State, status.ReasonCode, status.ReasonDescription)
	// Output:
	// Closed SellerClosed canceled by the subscriber
}

package amazonpay_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// openOrder is a one-time order of 50.00 USD, ready for Authorize.
func openOrder(fake *amazonpaytest.Fake, client *amazonpay.Client) amazonpay.OrderReferenceID {
	ctx := context.Background()
	id := fake.NewOrderReference().ID()
	_, err := client.SetOrderReferenceDetails(ctx, amazonpay.SetOrderReferenceDetailsRequest{
		AmazonOrderReferenceID: id,
		OrderReferenceAttributes: amazonpay.OrderReferenceAttributes{
			OrderTotal: amazonpay.MustPrice("50", amazonpay.CurrencyUSD),
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := client.ConfirmOrderReference(ctx, amazonpay.ConfirmOrderReferenceRequest{AmazonOrderReferenceID: id}); err != nil {
		log.Fatal(err)
	}
	return id
}

// charge takes money on an agreement, at once, for an order number.
func charge(client *amazonpay.Client, agreement amazonpay.BillingAgreementID, reference amazonpay.ReferenceID, number string) *amazonpay.BillingAgreementAuthorization {
	charge, err := client.AuthorizeOnBillingAgreement(context.Background(), amazonpay.AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: agreement,
		AuthorizationReferenceID: reference,
		AuthorizationAmount:      amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD),
		TransactionTimeout:       new(0),
		CaptureNow:               true,
		SellerOrderAttributes:    amazonpay.SellerOrderAttributes{SellerOrderID: number},
	})
	if err != nil {
		log.Fatal(err)
	}
	return charge
}

func ExampleClient_SetOrderReferenceDetails() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	buyer := fake.NewOrderReferenceWith(amazonpaytest.Checkout{AddressMissing: true})

	order, err := client.SetOrderReferenceDetails(ctx, amazonpay.SetOrderReferenceDetailsRequest{
		AmazonOrderReferenceID: buyer.ID(),
		OrderReferenceAttributes: amazonpay.OrderReferenceAttributes{
			OrderTotal: amazonpay.MustPrice("50", amazonpay.CurrencyUSD),
			SellerNote: "Two mugs",
			SellerOrderAttributes: amazonpay.SellerOrderAttributes{
				SellerOrderID: "1007",
				StoreName:     "The Mug Shop",
			},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, constraint := range order.Constraints {
		fmt.Println("missing:", constraint.ConstraintID)
	}
	// Output:
	// missing: ShippingAddressNotSet
}

// The order number is known only after the order has been confirmed.
func ExampleClient_SetOrderAttributes() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	id := openOrder(fake, client)

	order, err := client.SetOrderAttributes(ctx, amazonpay.SetOrderAttributesRequest{
		AmazonOrderReferenceID: id,
		OrderAttributes: amazonpay.OrderReferenceAttributes{
			SellerOrderAttributes: amazonpay.SellerOrderAttributes{SellerOrderID: "1007"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(order.SellerOrderAttributes.SellerOrderID, order.OrderTotal)
	// Output:
	// 1007 50.00 USD
}

// Every charge on an agreement makes an order of its own, which tells the
// agreement and the authorizations.
func ExampleClient_GetOrderReferenceDetails() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	agreement := open(fake, client)
	paid := charge(client, agreement.ID(), "sub-42-2026-01", "42-2026-01")

	order, err := client.GetOrderReferenceDetails(ctx, amazonpay.GetOrderReferenceDetailsRequest{
		AmazonOrderReferenceID: paid.AmazonOrderReferenceID,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(order.OrderTotal, order.OrderReferenceStatus.State, order.OrderReferenceStatus.ReasonCode)
	fmt.Println(order.ParentDetails.Type, order.ParentDetails.ID == string(agreement.ID()))
	fmt.Println(len(order.IDList), "authorization")
	// Output:
	// 19.90 USD Closed SellerClosed
	// BillingAgreement true
	// 1 authorization
}

func ExampleClient_ConfirmOrderReference() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	buyer := fake.NewOrderReference()

	err := client.ConfirmOrderReference(ctx, amazonpay.ConfirmOrderReferenceRequest{
		AmazonOrderReferenceID: buyer.ID(),
	})
	if errors.Is(err, amazonpay.ErrConstraintsExist) {
		if refused, ok := errors.AsType[*amazonpay.Error](err); ok {
			fmt.Println(refused.Code, "-", refused.Hint)
		}
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("confirmed")
	// Output:
	// ConstraintsExist - AmountNotSet: call SetOrderReferenceDetails
}

// The goods are sold out: nothing has been captured, so all is given up.
func ExampleClient_CancelOrderReference() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	id := openOrder(fake, client)

	err := client.CancelOrderReference(ctx, amazonpay.CancelOrderReferenceRequest{
		AmazonOrderReferenceID: id,
		CancelationReason:      "sold out",
	})
	if err != nil {
		log.Fatal(err)
	}
	order, err := client.GetOrderReferenceDetails(ctx, amazonpay.GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: id})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(order.OrderReferenceStatus.State, order.OrderReferenceStatus.ReasonCode)
	// Output:
	// Canceled SellerCanceled
}

// The last parcel has left: no more will be authorized.
func ExampleClient_CloseOrderReference() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	id := openOrder(fake, client)

	err := client.CloseOrderReference(ctx, amazonpay.CloseOrderReferenceRequest{
		AmazonOrderReferenceID: id,
		ClosureReason:          "all is shipped",
	})
	if err != nil {
		log.Fatal(err)
	}
	order, err := client.GetOrderReferenceDetails(ctx, amazonpay.GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: id})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(order.OrderReferenceStatus.State, order.OrderReferenceStatus.ReasonDescription)
	// Output:
	// Closed all is shipped
}

// A crash between the charge and the database: was that month charged?
func ExampleClient_ListOrderReference() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	charge(client, open(fake, client).ID(), "sub-42-2026-01", "42-2026-01")

	page, err := client.ListOrderReference(ctx, amazonpay.ListOrderReferenceRequest{
		QueryID:                        "42-2026-01",
		OrderReferenceStatusListFilter: []amazonpay.State{amazonpay.StateOpen, amazonpay.StateClosed},
		SortOrder:                      "Descending",
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, order := range page.OrderReferences {
		fmt.Println(order.OrderReferenceStatus.State, order.OrderTotal)
	}
	fmt.Println("last page:", page.NextPageToken == "")
	// Output:
	// Closed 19.90 USD
	// last page: true
}

func ExampleClient_ListOrderReferenceByNextToken() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	agreement := open(fake, client)
	charge(client, agreement.ID(), "sub-42-2026-01", "42")
	charge(client, agreement.ID(), "sub-42-2026-02", "42")

	page, err := client.ListOrderReference(ctx, amazonpay.ListOrderReferenceRequest{QueryID: "42", PageSize: 1})
	if err != nil {
		log.Fatal(err)
	}
	next, err := client.ListOrderReferenceByNextToken(ctx, amazonpay.ListOrderReferenceByNextTokenRequest{
		NextPageToken: page.NextPageToken, // OrderReferences does this for you
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(page.OrderReferences), len(next.OrderReferences), next.NextPageToken == "")
	// Output:
	// 1 1 true
}

// All orders of an order number, on however many pages.
func ExampleClient_OrderReferences() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	agreement := open(fake, client)
	for _, month := range []string{"01", "02", "03"} {
		charge(client, agreement.ID(), amazonpay.ReferenceID("sub-42-2026-"+month), "42")
	}

	var total amazonpay.Price
	for order, err := range client.OrderReferences(ctx, amazonpay.ListOrderReferenceRequest{QueryID: "42", PageSize: 2}) {
		if err != nil {
			log.Fatal(err)
		}
		if total, err = total.Add(order.OrderTotal); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(total)
	// Output:
	// 59.70 USD
}

// An order on an agreement with an Authorize of its own: for goods that ship in
// several parcels, each paid when it leaves.
func ExampleClient_CreateOrderReferenceForId() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	agreement := open(fake, client)

	order, err := client.CreateOrderReferenceForId(ctx, amazonpay.CreateOrderReferenceForIdRequest{
		ID:         agreement.ID(),
		ConfirmNow: true,
		OrderReferenceAttributes: amazonpay.OrderReferenceAttributes{
			OrderTotal:            amazonpay.MustPrice("80", amazonpay.CurrencyUSD),
			SellerOrderAttributes: amazonpay.SellerOrderAttributes{SellerOrderID: "1008"},
		},
	})
	if unknown, ok := errors.AsType[*amazonpay.OutcomeUnknownError](err); ok {
		log.Fatal("look for order 1008 with OrderReferences first: ", unknown)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(order.OrderReferenceStatus.State, order.OrderTotal)
	// Output:
	// Open 80.00 USD
}

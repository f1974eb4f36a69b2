package amazonpay_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"strings"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// The blocks of docs/migration.md.

// fromOld reads the settings of another SDK.
func fromOld(old map[string]string) (*amazonpay.Client, error) {
	return amazonpay.New(amazonpay.Config{
		SellerID:    old["merchant_id"],
		AccessKey:   old["access_key"],
		SecretKey:   amazonpay.NewSecretKey(old["secret_key"]),
		Region:      amazonpay.Region(old["region"]), // "de", "uk", "us", "jp", …
		Environment: map[string]amazonpay.Environment{"true": amazonpay.Sandbox, "false": amazonpay.Production}[old["sandbox"]],
	})
}

func renew(ctx context.Context, client *amazonpay.Client, agreement amazonpay.BillingAgreementID, order, period, try string) (*amazonpay.Charge, error) {
	return client.Charge(ctx, amazonpay.ChargeRequest{
		AmazonBillingAgreementID: agreement,
		ReferenceID:              amazonpay.NewReferenceID("tea.example", order, period, try), // the same for each attempt
		Amount:                   amazonpay.MustPrice("19.90", amazonpay.CurrencyEUR),
		SellerOrderID:            order + "-" + period,
		Mode:                     amazonpay.ModeSynchronous, // 'transaction_timeout' => 0
	})
}

func notified(client *amazonpay.Client, inbox amazonpay.Inbox, settle func(amazonpay.ReferenceID, amazonpay.Outcome) error) http.Handler {
	return client.Notifications().Handler(func(ctx context.Context, n *amazonpay.Notification) error {
		return inbox.Once(ctx, n.ID, func(context.Context) error {
			switch object := n.Object.(type) {
			case *amazonpay.Authorization:
				return settle(object.AuthorizationReferenceID, object.Outcome())
			}
			return nil
		})
	})
}

// composite is the charge of the other SDKs: it takes the id of an agreement
// or of an order.
func composite(ctx context.Context, client *amazonpay.Client, amazonID string, id amazonpay.ReferenceID, amount amazonpay.Price) (*amazonpay.Charge, error) {
	request := amazonpay.ChargeRequest{ReferenceID: id, Amount: amount}
	if strings.HasPrefix(amazonID, "B") || strings.HasPrefix(amazonID, "C") {
		request.AmazonBillingAgreementID = amazonpay.BillingAgreementID(amazonID)
	} else { // P or S
		request.AmazonOrderReferenceID = amazonpay.OrderReferenceID(amazonID)
	}
	return client.Charge(ctx, request)
}

// A setting that is missing is a fault: it never means production.
func Example_migrateConstruction() {
	old := map[string]string{
		"merchant_id": "A2EXAMPLESELL", "access_key": "AKIAEXAMPLE", "secret_key": "a-made-up-secret",
		"region": "de", "sandbox": "true",
	}
	fmt.Println(fromOld(old))
	delete(old, "sandbox")
	_, err := fromOld(old)
	fmt.Println(err)
	// Output:
	// amazonpay.Client(A2EXAMPLESELL, EU, sandbox) <nil>
	// amazonpay: Config: Environment is required: production or sandbox
}

// A charge, repeated because the answer was late, and its notification.
func Example_migrateSteps() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true, Region: amazonpay.RegionEU})
	client := fake.Client()
	fake.Notify(notified(client, new(amazonpay.MemoryInbox), func(id amazonpay.ReferenceID, outcome amazonpay.Outcome) error {
		fmt.Println("notified:", id == amazonpay.NewReferenceID("tea.example", "42", "2026-01", "try 1"), outcome)
		return nil
	}))
	agreement := fake.OpenBillingAgreement().ID()
	for range 2 {
		charge, err := renew(ctx, client, agreement, "42", "2026-01", "try 1")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(charge.Outcome, fake.TotalCaptured(amazonpay.CurrencyEUR))
	}
	fake.Deliver()
	// Output:
	// Paid 19.90 EUR
	// Paid 19.90 EUR
	// notified: true Paid
}

// The same function for both kinds of ids, each repeated as after an accident.
func Example_migrateCharge() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	amount := amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD)
	for _, amazonID := range []string{string(fake.OpenBillingAgreement().ID()), string(fake.NewOrderReference().ID())} {
		for range 2 {
			charge, err := composite(ctx, fake.Client(), amazonID, amazonpay.NewReferenceID("tea.example", amazonID, "try 1"), amount)
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(amazonID[:1], charge.Outcome, fake.TotalCaptured(amazonpay.CurrencyUSD))
		}
	}
	// Output:
	// C Paid 19.90 USD
	// C Paid 19.90 USD
	// S Paid 39.80 USD
	// S Paid 39.80 USD
}

func takeOver(ctx context.Context, client *amazonpay.Client, agreement amazonpay.BillingAgreementID, oldID, oldOrder string, amount amazonpay.Price) (*amazonpay.Charge, error) {
	return client.Charge(ctx, amazonpay.ChargeRequest{
		AmazonBillingAgreementID: agreement,
		ReferenceID:              amazonpay.ReferenceID(oldID), // as the old program made it
		SellerOrderID:            oldOrder,                     // likewise: it is found by that
		Amount:                   amount,
		Mode:                     amazonpay.ModeSynchronous, // if that one timed out, no other follows
	})
}

// The old program never learned what became of two charges. One was made, with
// a note that nobody remembers; the other request never arrived.
func Example_migrateOpenCharges() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client, agreement := fake.Client(), fake.OpenBillingAgreement().ID()
	amount := amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD)
	_, err := client.AuthorizeOnBillingAgreement(ctx, amazonpay.AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: agreement, AuthorizationReferenceID: "1007-1767225600", AuthorizationAmount: amount,
		TransactionTimeout: new(0), CaptureNow: true, SellerNote: "a note",
		SellerOrderAttributes: amazonpay.SellerOrderAttributes{SellerOrderID: "1007"},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, old := range []struct{ id, order string }{{"1007-1767225600", "1007"}, {"1008-1767225601", "1008"}} {
		charge, err := takeOver(ctx, client, agreement, old.id, old.order, amount)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(old.order, charge.Outcome, fake.TotalCaptured(amazonpay.CurrencyUSD))
	}
	// Output:
	// 1007 Paid 19.90 USD
	// 1008 Paid 39.80 USD
}

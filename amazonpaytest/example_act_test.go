package amazonpaytest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// A control API is a loop around Act: it takes JSON, and so does a test that is
// written in another language.
func ExampleFake_Act() {
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	for _, text := range []string{
		`{"do": "OpenBillingAgreement", "payment": "BadCard"}`,
		`{"do": "UpdatePaymentMethod", "id": "C01-7654321-0000001", "payment": "GoodCard"}`,
		`{"do": "Advance", "duration": "P31D"}`,
		`{"do": "Cancel", "id": "C01-7654321-0000001"}`,
		`{"do": "Cancel", "id": "C01-7654321-0000001"}`,
		`{"do": "Advance", "duration": "tomorrow"}`,
	} {
		var act amazonpaytest.Act
		if err := json.Unmarshal([]byte(text), &act); err != nil {
			fmt.Println(err)
			continue
		}
		outcome, err := fake.Act(act)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(act.Do, outcome.ID, outcome.State, outcome.Reason, outcome.Now.Format(time.DateOnly))
	}
	// Output:
	// OpenBillingAgreement C01-7654321-0000001 Open  2026-01-15
	// UpdatePaymentMethod C01-7654321-0000001 Open  2026-01-15
	// Advance    2026-02-15
	// Cancel C01-7654321-0000001 Closed BuyerClosed 2026-02-15
	// amazonpaytest: Cancel: id names what is Closed; the act needs one of [Draft Open Suspended]
	// amazonpaytest: Advance: duration is "tomorrow"; it is a text like "720h", "1h30m", "P30D" or "PT90M"
}

// The process is killed and started again: the charge is still made, and its
// repetition does not make another.
func ExampleRestore() {
	dir, err := os.MkdirTemp("", "amazonpaytest")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	start := func() (*amazonpaytest.Fake, func() error, error) {
		file, err := os.OpenFile(filepath.Join(dir, "journal"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
		if err != nil {
			return nil, nil, err
		}
		fake, err := amazonpaytest.Restore(amazonpaytest.Settings{Manual: true}, file)
		return fake, file.Close, err
	}

	fake, kill, err := start()
	if err != nil {
		fmt.Println(err)
		return
	}
	agreement := fake.OpenBillingAgreement()
	if _, err := renew(fake.Client(), agreement.ID(), "2026-01"); err != nil {
		fmt.Println(err)
	}
	_ = kill() // nothing is flushed or said goodbye to

	fake, kill, err = start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = kill() }()
	fmt.Println(fake.TotalCaptured("USD"))
	charge, err := renew(fake.Client(), agreement.ID(), "2026-01")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(charge.Outcome(), fake.TotalCaptured("USD"))
	// Output:
	// 19.90 USD
	// Paid 19.90 USD
}

// A chargeback comes weeks after the money, and takes it back weeks later.
func ExampleDispute() {
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	if _, err := renew(fake.Client(), fake.OpenBillingAgreement().ID(), "2026-01"); err != nil {
		fmt.Println(err)
		return
	}
	fake.Advance(40 * 24 * time.Hour)
	dispute := fake.Chargeback(fake.Ledger()[0].CaptureID, amazonpay.Price{}, "Unauthorized Transaction Chargeback")
	fmt.Println(dispute.State(), fake.TotalChargedBack("USD"))
	fake.Advance(30 * 24 * time.Hour)
	dispute.Lose()
	fmt.Println(dispute.State(), fake.TotalChargedBack("USD"))
	// Output:
	// RECEIVED 0.00 USD
	// LOST 19.90 USD
}

// What an inspector shows.
func ExampleFake_SnapshotOf() {
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	for range 3 {
		fake.NewBillingAgreement()
	}
	fake.OpenBillingAgreement()
	page := fake.SnapshotOf(amazonpaytest.View{Limit: 2})
	for _, a := range page.Agreements {
		fmt.Println(a.ID, a.State, a.Remaining)
	}
	fmt.Println(len(page.Agreements), "of", page.Counts["agreements"])
	fmt.Println(page.Due[0].At.Format(time.DateTime), page.Due[0].What)
	// Output:
	// C01-2962981-0000003 Draft 1000.00 USD
	// C01-0617311-0000004 Open 1000.00 USD
	// 2 of 4
	// 2026-01-15 15:00:00 draft is canceled: Stale
}

// A charge is decided within a day; this test does not want to wait.
func ExampleAuthorization_Approve() {
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	agreement := fake.NewBillingAgreementWith(amazonpaytest.Checkout{Payment: amazonpaytest.SilentBank}).Consent()
	client := fake.Client()
	ctx := context.Background()
	if err := client.ConfirmBillingAgreement(ctx, amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: agreement.ID()}); err != nil {
		fmt.Println(err)
		return
	}
	charge, err := client.AuthorizeOnBillingAgreement(ctx, amazonpay.AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: agreement.ID(),
		AuthorizationReferenceID: "sub-42-2026-01",
		AuthorizationAmount:      amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD),
		CaptureNow:               true, // and no TransactionTimeout: Amazon has a day
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	authorization := fake.Authorization(charge.AmazonAuthorizationID)
	state, _ := authorization.State()
	fmt.Println(state)
	fmt.Println(authorization.Approve().State())
	// Output:
	// Pending
	// Closed MaxCapturesProcessed
}

// A charge is declined, and the buyer picks another card in your Wallet.
func ExampleFake_UseWidget() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	id := fake.OpenBillingAgreement().UpdatePaymentMethod(amazonpaytest.BadCard).ID()
	charge := func(reference amazonpay.ReferenceID) {
		result, err := client.AuthorizeOnBillingAgreement(ctx, amazonpay.AuthorizeOnBillingAgreementRequest{
			AmazonBillingAgreementID: id, AuthorizationReferenceID: reference,
			AuthorizationAmount: amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD), TransactionTimeout: new(0), CaptureNow: true,
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(result.AuthorizationStatus.State, result.AuthorizationStatus.ReasonCode)
	}
	charge("january")

	wallet := amazonpaytest.Widget{
		Kind: amazonpaytest.WalletWidget, SellerID: "AFAKESELLER01", Environment: amazonpay.Sandbox,
		AccessToken: fake.BillingAgreement(id).AccessToken(), BillingAgreementID: id,
	}
	view, err := fake.OpenWidget(wallet)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s, picked %q\n", view.State, view.Payment)
	if _, err := fake.UseWidget(wallet, amazonpaytest.WidgetChoice{Payment: amazonpaytest.GoodCard}); err != nil {
		fmt.Println(err)
		return
	}
	if err := client.ConfirmBillingAgreement(ctx, amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: id}); err != nil {
		fmt.Println(err)
		return
	}
	charge("january-again")
	// Output:
	// Declined InvalidPaymentMethod
	// Suspended, picked ""
	// Closed MaxCapturesProcessed
}

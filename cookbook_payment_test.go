package amazonpay_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// The recipes of docs/cookbook.md about refunds, notifications and other ways
// to pay.

func (b *bill) refund(ctx context.Context, client *amazonpay.Client, number int, amount amazonpay.Price) (*amazonpay.Refund, error) {
	return client.Refund(ctx, amazonpay.RefundRequest{
		AmazonCaptureID:   b.Captures[0],
		RefundReferenceID: b.id().Derive("refund", strconv.Itoa(number)), // 1, 2, …: a row each, stored before
		RefundAmount:      amount,
	})
}

// A part, the same part again because the answer was late, and then the rest.
func Example_refund() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client := fake.Client()
	b := january(fake, fake.OpenBillingAgreement())
	if err := b.charge(ctx, client, fake.Now()); err != nil {
		log.Fatal(err)
	}
	part := amazonpay.MustPrice("5", amazonpay.CurrencyUSD)
	rest, err := b.Amount.Sub(part)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range []struct {
		number int
		amount amazonpay.Price
	}{{1, part}, {1, part}, {2, rest}} {
		refund, err := b.refund(ctx, client, r.number, r.amount)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(r.number, refund.RefundAmount, refund.RefundStatus.State)
	}
	fake.Advance(2 * time.Hour)
	fmt.Println("gone back:", fake.TotalRefunded(amazonpay.CurrencyUSD))

	_, err = b.refund(ctx, client, 1, rest) // a number that was used for another amount
	fmt.Println(errors.Is(err, amazonpay.ErrDuplicateRequest))
	// Output:
	// 1 5.00 USD Pending
	// 1 5.00 USD Pending
	// 2 14.90 USD Pending
	// gone back: 19.90 USD
	// true
}

func cancel(ctx context.Context, client *amazonpay.Client, agreement amazonpay.BillingAgreementID) error {
	return client.CloseBillingAgreement(ctx, amazonpay.CloseBillingAgreementRequest{
		AmazonBillingAgreementID: agreement,
		ClosureReason:            "canceled by the subscriber",
	})
}

func listen(fake *amazonpaytest.Fake, apply func(context.Context, *amazonpay.Notification) error) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(fake.CertificateAuthority())
	verifier, err := amazonpay.NewVerifier(amazonpay.VerifierConfig{
		SellerIDs:   []string{fake.Config().SellerID},
		Environment: amazonpay.Sandbox,
		HTTPClient:  &http.Client{Transport: fake},
		Roots:       roots,
	})
	if err != nil {
		return err
	}
	fake.Notify(verifier.Handler(apply)) // called by fake.Deliver and fake.Advance
	return nil
}

type agreements map[amazonpay.BillingAgreementID]amazonpay.Status // the last known of each; a table

func (a agreements) apply(_ context.Context, n *amazonpay.Notification) error {
	agreement, ok := n.Object.(*amazonpay.BillingAgreement)
	if !ok || !n.NewerThan(a[agreement.AmazonBillingAgreementID]) {
		return nil
	}
	status := agreement.BillingAgreementStatus
	a[agreement.AmazonBillingAgreementID] = status
	switch status.State {
	case amazonpay.StateOpen:
		fmt.Println("charge what waits for the buyer")
	case amazonpay.StateSuspended:
		fmt.Println("mail the buyer")
	case amazonpay.StateClosed, amazonpay.StateCanceled:
		fmt.Println("plan nothing more:", status.ReasonCode)
	}
	return nil
}

// One subscriber cancels on Amazon's site, another in the shop.
func Example_cancel() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client, shop := fake.Client(), agreements{}
	if err := listen(fake, shop.apply); err != nil {
		log.Fatal(err)
	}

	fake.OpenBillingAgreement().Cancel()
	fake.Deliver()
	fmt.Println(cancel(ctx, client, fake.OpenBillingAgreement().ID()))
	fake.Deliver()
	// Output:
	// charge what waits for the buyer
	// plan nothing more: BuyerClosed
	// <nil>
	// charge what waits for the buyer
	// plan nothing more: SellerClosed
}

func (b *bill) picked(ctx context.Context, client *amazonpay.Client, now time.Time) error {
	b.State, b.Confirm = "", true // the buyer has picked a payment method in your Wallet widget
	return b.try(ctx, client, now)
}

// The card is bad. One buyer puts in another one on Amazon's site, one in the
// shop's Wallet widget, and one only says so.
func Example_paymentMethod() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client, shop := fake.Client(), agreements{}
	if err := listen(fake, shop.apply); err != nil {
		log.Fatal(err)
	}
	agreement := fake.OpenBillingAgreement().UpdatePaymentMethod(amazonpaytest.BadCard)
	fake.Advance(time.Minute)
	b := january(fake, agreement)
	fmt.Println(b.charge(ctx, client, fake.Now()), b.State, b.Try)
	fake.Advance(time.Minute)

	fmt.Println(errors.Is(b.picked(ctx, client, fake.Now()), amazonpay.ErrPaymentMethodNotUpdated), b.State, b.Try)
	agreement.ChoosePaymentMethod(amazonpaytest.GoodCard) // in the shop
	fmt.Println(b.picked(ctx, client, fake.Now()), b.State, b.Try)

	fake.Advance(time.Minute)
	agreement.UpdatePaymentMethod(amazonpaytest.BadCard)
	fake.Advance(time.Minute)
	b.Period, b.Try, b.State = "2026-02", 1, ""
	fmt.Println(b.charge(ctx, client, fake.Now()), b.State, b.Try)
	fake.Advance(time.Minute)
	agreement.UpdatePaymentMethod(amazonpaytest.GoodCard) // on Amazon's site
	fake.Advance(time.Minute)
	b.State = ""
	fmt.Println(b.charge(ctx, client, fake.Now()), b.State, b.Try)
	// Output:
	// charge what waits for the buyer
	// <nil> mail the buyer 2
	// mail the buyer
	// true mail the buyer 2
	// <nil> paid 2
	// charge what waits for the buyer
	// <nil> mail the buyer 2
	// mail the buyer
	// charge what waits for the buyer
	// <nil> paid 2
}

type bills map[amazonpay.ReferenceID]*bill // a table with an index

func (s bills) add(b *bill) {
	late := b.id().Derive("asynchronous") // of Charge's second authorization, if the first one timed out
	for _, id := range []amazonpay.ReferenceID{b.id(), b.id().Derive("capture"), late, late.Derive("capture")} {
		s[id] = b
	}
}

func (s bills) apply(_ context.Context, n *amazonpay.Notification) error {
	var id amazonpay.ReferenceID
	switch object := n.Object.(type) {
	case *amazonpay.Authorization:
		id = object.AuthorizationReferenceID
	case *amazonpay.Capture:
		id = object.CaptureReferenceID
	}
	b, ours := s[id]
	if !ours {
		return nil // another shop's, or about something else
	}
	b.Due = n.Timestamp // have a worker repeat the charge: its answer tells all
	return nil
}

// Tea and coffee share a seller account, and both sell a subscription 42.
func Example_severalShops() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client, tea := fake.Client(), bills{}
	if err := listen(fake, tea.apply); err != nil {
		log.Fatal(err)
	}
	b := january(fake, fake.OpenBillingAgreement().UpdatePaymentMethod(amazonpaytest.SlowBank))
	tea.add(b)
	coffee := b.request()
	coffee.ReferenceID = amazonpay.NewReferenceID("coffee.example", "42", "2026-01", "try 1")
	if _, err := client.Charge(ctx, coffee); err != nil {
		log.Fatal(err)
	}
	fmt.Println(b.charge(ctx, client, fake.Now()), b.State, b.Due.Sub(fake.Now()))
	b.Due = time.Time{}
	fake.Advance(10 * time.Minute)
	fmt.Println("told:", !b.Due.IsZero())
	fmt.Println(b.charge(ctx, client, fake.Now()), b.State, fake.TotalCaptured(amazonpay.CurrencyUSD))
	// Output:
	// <nil>  15m0s
	// told: true
	// <nil> paid 39.80 USD
}

func chargeFor(ctx context.Context, provider *amazonpay.Client, sellerID, token string, b *bill, fee amazonpay.Price) (*amazonpay.Charge, error) {
	merchant, err := provider.OnBehalfOf(sellerID, token)
	if err != nil {
		return nil, err
	}
	request := b.request()
	request.ProviderCreditList = []amazonpay.ProviderCredit{{ProviderID: provider.SellerID(), CreditAmount: fee}}
	return merchant.Charge(ctx, request)
}

// A solution provider charges a merchant's subscriber and gets its fee.
func Example_solutionProvider() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{
		Manual: true, SellerID: "APROVIDER00001", Providers: []string{"APROVIDER00001"},
		Delegated: map[string]string{"AMERCHANT00007": "amzn.mws.token-of-merchant-7"},
	})
	provider := fake.Client()
	merchant, err := provider.OnBehalfOf("AMERCHANT00007", "amzn.mws.token-of-merchant-7")
	if err != nil {
		log.Fatal(err)
	}
	agreement := fake.NewBillingAgreementWith(amazonpaytest.Checkout{SellerID: merchant.SellerID()}).Consent()
	b := january(fake, agreement)
	if err := begin(ctx, merchant, b, fake.Now()); err != nil {
		log.Fatal(err)
	}

	b.Period = "2026-02"
	charge, err := chargeFor(ctx, provider, merchant.SellerID(), "amzn.mws.token-of-merchant-7", b, amazonpay.MustPrice("1", amazonpay.CurrencyUSD))
	if err != nil {
		log.Fatal(err)
	}
	capture, err := merchant.GetCaptureDetails(ctx, amazonpay.GetCaptureDetailsRequest{AmazonCaptureID: charge.CaptureIDs[0]})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(charge.Outcome, charge.Amount, "credit to", capture.ProviderCreditSummaryList[0].ProviderID)
	// Output: Paid 19.90 USD credit to APROVIDER00001
}

func buy(ctx context.Context, client *amazonpay.Client, order amazonpay.OrderReferenceID, number string, total amazonpay.Price) (*amazonpay.Charge, error) {
	return client.Charge(ctx, amazonpay.ChargeRequest{
		AmazonOrderReferenceID: order,
		ReferenceID:            amazonpay.NewReferenceID("tea.example", "order "+number, "try 1"),
		Amount:                 total,
		SellerOrderID:          number,
		SellerNote:             "Tea pot",
	})
}

// A tea pot, paid once, although the button was pressed twice.
func Example_oneTimePurchase() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	order := fake.NewOrderReference() // of the widgets; SetOrderReferenceDetails and the rest is Charge's
	for range 2 {
		charge, err := buy(ctx, fake.Client(), order.ID(), "1007", amazonpay.MustPrice("49", amazonpay.CurrencyUSD))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(charge.Outcome, fake.TotalCaptured(amazonpay.CurrencyUSD))
	}
	// Output:
	// Paid 49.00 USD
	// Paid 49.00 USD
}

func (b *bill) chargeByTomorrow(ctx context.Context, client *amazonpay.Client) (amazonpay.Outcome, error) {
	request := b.request()
	request.Mode = amazonpay.ModeAsynchronous
	charge, err := client.Charge(ctx, request)
	if err != nil {
		return "", err
	}
	return charge.Outcome, nil // Pending at first; a repeat tells what has become of it
}

// Nobody waits, so the bank may take its time. The repeat moves no money.
func Example_asynchronousCharge() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	b := january(fake, fake.OpenBillingAgreement().UpdatePaymentMethod(amazonpaytest.SlowBank))
	for range 3 {
		outcome, err := b.chargeByTomorrow(ctx, fake.Client())
		fmt.Println(outcome, err, fake.TotalCaptured(amazonpay.CurrencyUSD))
		fake.Advance(time.Hour)
	}
	// Output:
	// Pending <nil> 0.00 USD
	// Paid <nil> 19.90 USD
	// Paid <nil> 19.90 USD
}

func (b *bill) reserve(ctx context.Context, client *amazonpay.Client) (*amazonpay.Charge, error) {
	request := b.request()
	request.AuthorizeOnly = true
	return client.Charge(ctx, request)
}

func ship(ctx context.Context, client *amazonpay.Client, reserved *amazonpay.Charge, amount amazonpay.Price) (*amazonpay.Capture, error) {
	return client.Capture(ctx, amazonpay.CaptureRequest{
		AmazonAuthorizationID: reserved.Authorization.AmazonAuthorizationID,
		CaptureReferenceID:    reserved.ReferenceID.Derive("capture"),
		CaptureAmount:         amount, // the whole or a part, once
	})
}

// The parcel leaves after ten days: the capture takes an hour then.
func Example_lateCapture() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client := fake.Client()
	b := january(fake, fake.OpenBillingAgreement())
	reserved, err := b.reserve(ctx, client)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reserved.Outcome, fake.TotalCaptured(amazonpay.CurrencyUSD))

	fake.Advance(10 * 24 * time.Hour)
	capture, err := ship(ctx, client, reserved, b.Amount)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(capture.CaptureStatus.State)
	fake.Advance(time.Hour)
	capture, err = client.AwaitCapture(ctx, capture.AmazonCaptureID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(capture.CaptureStatus.State, fake.TotalCaptured(amazonpay.CurrencyUSD))
	// Output:
	// Open 0.00 USD
	// Pending
	// Completed 19.90 USD
}

func reconcile(ctx context.Context, client *amazonpay.Client, open map[amazonpay.AuthorizationID]amazonpay.Watched) {
	for s := range client.Sweep(ctx, slices.Collect(maps.Values(open))...) {
		authorization := s.Object.(*amazonpay.Authorization)
		id := authorization.AmazonAuthorizationID
		if s.Changed {
			fmt.Println("as a notification would have told:", authorization.Outcome())
		}
		if s.Done && s.Err != nil {
			fmt.Println("somebody must look:", s.Err)
		}
		if open[id] = s.Watched; s.Done {
			delete(open, id)
		}
	}
}

// The night is over. Two charges are still open, and no notification has come.
func Example_endOfNight() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client := fake.Client()
	open := make(map[amazonpay.AuthorizationID]amazonpay.Watched) // a table
	for _, method := range []amazonpaytest.PaymentMethod{amazonpaytest.GoodCard, amazonpaytest.SilentBank} {
		b := january(fake, fake.OpenBillingAgreement().UpdatePaymentMethod(method))
		b.Subscription = string(method)
		request := b.request()
		request.Mode = amazonpay.ModeAsynchronous
		charge, err := client.Charge(ctx, request)
		if err != nil {
			log.Fatal(err)
		}
		open[charge.Authorization.AmazonAuthorizationID] = amazonpay.Watched{
			Object: charge.Authorization, Since: time.Now().Add(-time.Hour),
		}
	}
	fake.Advance(time.Hour)
	reconcile(ctx, client, open)
	fmt.Println(len(open), "still open")
	// Output:
	// as a notification would have told: Paid
	// 1 still open
}

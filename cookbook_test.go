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

// The recipes of docs/cookbook.md about subscriptions.

// bill is a row of the shop's table: one period of one subscription.
type bill struct {
	Subscription string
	Period       string
	Agreement    amazonpay.BillingAgreementID
	Amount       amazonpay.Price
	Try          int       // 1 at first
	Due          time.Time // when to charge
	Confirm      bool      // the agreement, before the charge
	State        string    // empty as long as it is to be charged
	Captures     []amazonpay.CaptureID
	Reserved     amazonpay.AuthorizationID // by a declined capture: to be closed
}

func (b *bill) id() amazonpay.ReferenceID {
	return amazonpay.NewReferenceID("tea.example", b.Subscription, b.Period, "try "+strconv.Itoa(b.Try))
}

func (b *bill) request() amazonpay.ChargeRequest {
	return amazonpay.ChargeRequest{
		AmazonBillingAgreementID: b.Agreement,
		ReferenceID:              b.id(),
		Amount:                   b.Amount,
		SellerNote:               "Tea, " + b.Period,
	}
}

func begin(ctx context.Context, client *amazonpay.Client, first *bill, now time.Time) error {
	_, err := client.SetBillingAgreementDetails(ctx, amazonpay.SetBillingAgreementDetailsRequest{
		AmazonBillingAgreementID:   first.Agreement,
		BillingAgreementAttributes: amazonpay.BillingAgreementAttributes{SellerNote: "Tea, monthly"},
	})
	if err != nil && !errors.Is(err, amazonpay.ErrBillingAgreementNotModifiable) { // which a repeat may meet
		return err
	}
	err = client.ConfirmBillingAgreement(ctx, amazonpay.ConfirmBillingAgreementRequest{
		AmazonBillingAgreementID: first.Agreement,
	})
	if err != nil {
		return err // ErrBillingAgreementConstraintsExist: the buyer has left something out
	}
	return first.charge(ctx, client, now)
}

func (b *bill) charge(ctx context.Context, client *amazonpay.Client, now time.Time) error {
	charge, err := client.Charge(ctx, b.request())
	switch {
	case err != nil:
		b.later(amazonpay.AdviceFor(err), now)
		return err
	case charge.Outcome == amazonpay.OutcomePaid:
		b.State, b.Captures = "paid", charge.CaptureIDs
	default: // pending or declined
		if a := charge.Authorization; charge.Outcome == amazonpay.OutcomeDeclined && a.Outcome() == amazonpay.OutcomeOpen {
			b.Reserved = a.AmazonAuthorizationID // the capture was declined: see Dunning
		}
		b.later(charge.Advice, now)
	}
	return nil
}

func (b *bill) later(advice amazonpay.Advice, now time.Time) {
	at, again := amazonpay.DefaultDunning().Next(b.Try, advice, now)
	if advice.Retry == amazonpay.RetryNewID {
		b.Try++ // declined for good: the next try has another reference id
	}
	switch {
	case again:
		b.Due, b.Confirm = at, b.Confirm || advice.Confirm
	case advice.Buyer:
		b.State = "mail the buyer"
	case advice.Over:
		b.State = "stop"
	default:
		b.State = "given up: " + advice.Text
	}
}

func (b *bill) try(ctx context.Context, client *amazonpay.Client, now time.Time) error {
	if b.Confirm { // a soft decline has suspended the agreement
		err := client.ConfirmBillingAgreement(ctx, amazonpay.ConfirmBillingAgreementRequest{
			AmazonBillingAgreementID: b.Agreement,
		})
		if err != nil {
			b.later(amazonpay.AdviceFor(err), now)
			return err
		}
		b.Confirm = false
	}
	return b.charge(ctx, client, now)
}

func (b *bill) release(ctx context.Context, client *amazonpay.Client) error {
	if b.Reserved == "" {
		return nil
	}
	err := client.CloseAuthorization(ctx, amazonpay.CloseAuthorizationRequest{AmazonAuthorizationID: b.Reserved})
	if err != nil && !errors.Is(err, amazonpay.ErrInvalidAuthorizationStatus) { // it has ended already
		return err
	}
	b.Reserved = ""
	return nil
}

// january is the first bill of a subscription, on the fake's clock.
func january(fake *amazonpaytest.Fake, agreement *amazonpaytest.BillingAgreement) *bill {
	return &bill{
		Subscription: "42", Period: "2026-01", Agreement: agreement.ID(),
		Amount: amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD), Try: 1, Due: fake.Now(),
	}
}

// The buyer has ticked the consent; the shop confirms, charges, and does all of
// it again because its own answer got lost.
func Example_firstCharge() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client := fake.Client()
	agreement := fake.NewBillingAgreement()
	first := january(fake, agreement)

	err := begin(ctx, client, first, fake.Now())
	fmt.Println(errors.Is(err, amazonpay.ErrBillingAgreementConstraintsExist))
	agreement.Consent()
	for range 2 {
		err = begin(ctx, client, first, fake.Now())
		fmt.Println(err, first.State, fake.TotalCaptured(amazonpay.CurrencyUSD))
	}
	// Output:
	// true
	// <nil> paid 19.90 USD
	// <nil> paid 19.90 USD
}

// The answers of the first run get lost; the second asks for the same again.
func Example_renewal() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client := fake.Client()
	b := january(fake, fake.OpenBillingAgreement())

	fake.Inject(amazonpaytest.Fault{Action: "AuthorizeOnBillingAgreement", Kind: amazonpaytest.AnswerLost, Times: 10})
	_, unknown := errors.AsType[*amazonpay.OutcomeUnknownError](b.charge(ctx, client, fake.Now()))
	fmt.Println("unknown:", unknown, "again after", b.Due.Sub(fake.Now()), "in try", b.Try)
	fmt.Println(b.charge(ctx, client, fake.Now()), b.State, fake.TotalCaptured(amazonpay.CurrencyUSD))
	// Output:
	// unknown: true again after 1m0s in try 1
	// <nil> paid 19.90 USD
}

// A card that works the next day, a slow bank, and a card that never will.
func Example_dunning() {
	ctx := context.Background()
	for _, method := range []amazonpaytest.PaymentMethod{
		amazonpaytest.ShortOnce, amazonpaytest.SlowBank, amazonpaytest.RejectedCard, amazonpaytest.BadCard,
	} {
		fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
		client, start := fake.Client(), fake.Now()
		b := january(fake, fake.OpenBillingAgreement().UpdatePaymentMethod(method))
		for b.State == "" {
			fake.AdvanceTo(b.Due)
			if err := b.try(ctx, client, fake.Now()); err != nil {
				log.Fatal(err)
			}
		}
		fmt.Printf("%s after %v: %s\n", method, fake.Now().Sub(start), b.State)
	}
	// Output:
	// ShortOnce after 24h0m0s: paid
	// SlowBank after 15m0s: paid
	// RejectedCard after 24h0m0s: given up: try once more later, or ask for another form of payment: Amazon rejected it
	// BadCard after 0s: mail the buyer
}

// The money of these charges can be reserved, but not taken. No try leaves it
// reserved, whatever becomes of the bill, and the answer of the first release
// gets lost.
func Example_declinedCapture() {
	ctx := context.Background()
	for _, method := range []amazonpaytest.PaymentMethod{amazonpaytest.CaptureFailing, amazonpaytest.CaptureRejected} {
		fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
		client := fake.Client()
		b := january(fake, fake.OpenBillingAgreement().UpdatePaymentMethod(method))
		fake.Inject(amazonpaytest.Fault{Action: "CloseAuthorization", Kind: amazonpaytest.AnswerLost, Times: 5})
		tries := 0
		for b.State == "" {
			fake.AdvanceTo(b.Due)
			tries++
			if err := b.try(ctx, client, fake.Now()); err != nil {
				log.Fatal(err)
			}
			for b.release(ctx, client) != nil { // after the bill is stored, and again if it failed
				fmt.Println("release it again")
			}
		}
		reserved := 0
		for _, a := range fake.Snapshot().Authorizations {
			if a.State == amazonpay.StateOpen {
				reserved++
			}
		}
		fmt.Println(method, tries, "tries,", reserved, "still reserved")
	}
	// Output:
	// release it again
	// CaptureFailing 5 tries, 0 still reserved
	// release it again
	// CaptureRejected 2 tries, 0 still reserved
}

func prorated(price amazonpay.Price, days, of int64) (amazonpay.Price, error) {
	return amazonpay.NewPrice(price.Minor()*days/of, price.Currency()) // rounded down
}

func upgrade(from, to amazonpay.Price, days, of int64) (amazonpay.Price, error) {
	unused, err := prorated(from, days, of)
	if err != nil {
		return amazonpay.Price{}, err
	}
	due, err := prorated(to, days, of)
	if err != nil {
		return amazonpay.Price{}, err
	}
	return due.Sub(unused)
}

// Ten days of January are left; the upgrade costs what they cost more.
func Example_proration() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	b := january(fake, fake.OpenBillingAgreement())
	amount, err := upgrade(b.Amount, amazonpay.MustPrice("29.90", amazonpay.CurrencyUSD), 10, 31)
	if err != nil {
		log.Fatal(err)
	}
	b.Period, b.Amount = "2026-01 upgrade 1", amount // a bill of its own
	fmt.Println(b.charge(ctx, fake.Client(), fake.Now()), b.State, b.Amount)
	// Output: <nil> paid 3.23 USD
}

func priceOf(period string) amazonpay.Price {
	if period >= "2026-03" {
		return amazonpay.MustPrice("21.90", amazonpay.CurrencyUSD)
	}
	return amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD)
}

func (b *bill) checked(charge *amazonpay.Charge) error {
	if charge.Outcome == amazonpay.OutcomePaid && charge.Amount != b.Amount {
		return fmt.Errorf("%s %s: the bill says %v, but %v was charged", b.Subscription, b.Period, b.Amount, charge.Amount)
	}
	return nil
}

// March costs more. A bill that was charged keeps its amount, whatever the row
// says later.
func Example_priceChange() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client := fake.Client()
	b := january(fake, fake.OpenBillingAgreement())
	for _, b.Period = range []string{"2026-02", "2026-03"} {
		b.Amount = priceOf(b.Period)
		if err := b.charge(ctx, client, fake.Now()); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(fake.TotalCaptured(amazonpay.CurrencyUSD))

	b.Period, b.Amount = "2026-02", priceOf("2026-03") // somebody edits an old row
	charge, err := client.Charge(ctx, b.request())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(b.checked(charge))
	fmt.Println(fake.TotalCaptured(amazonpay.CurrencyUSD))
	// Output:
	// 41.80 USD
	// 42 2026-02: the bill says 21.90 USD, but 19.90 USD was charged
	// 41.80 USD
}

func resume(ctx context.Context, client *amazonpay.Client, agreement amazonpay.BillingAgreementID) (string, error) {
	now, err := client.GetBillingAgreementDetails(ctx, amazonpay.GetBillingAgreementDetailsRequest{
		AmazonBillingAgreementID: agreement,
	})
	if err != nil {
		return "", err
	}
	switch advice := now.Advice(); {
	case advice.Over:
		return "let the buyer subscribe anew", nil
	case advice.Buyer:
		return "ask for another payment method", nil
	}
	return "plan bills from now on", nil
}

// Nothing was charged for months, and much may have happened meanwhile.
func Example_pauseAndResume() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	agreement := fake.OpenBillingAgreement()
	for _, happens := range []func() *amazonpaytest.BillingAgreement{
		func() *amazonpaytest.BillingAgreement { return agreement },
		agreement.DeletePaymentMethod,
		agreement.Cancel,
	} {
		happens()
		fake.Advance(60 * 24 * time.Hour)
		fmt.Println(resume(ctx, fake.Client(), agreement.ID()))
	}
	// Output:
	// plan bills from now on <nil>
	// ask for another payment method <nil>
	// let the buyer subscribe anew <nil>
}

func fits(ctx context.Context, client *amazonpay.Client, b *bill) (bool, error) {
	agreement, err := client.GetBillingAgreementDetails(ctx, amazonpay.GetBillingAgreementDetailsRequest{
		AmazonBillingAgreementID: b.Agreement,
	})
	if err != nil {
		return false, err
	}
	left, err := agreement.BillingAgreementLimits.CurrentRemainingBalance.Sub(b.Amount)
	return left.Sign() >= 0, err
}

// The cap of January is used up: the same bill goes again in February.
func Example_monthlyCap() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{
		Manual: true, MonthlyLimit: amazonpay.MustPrice("30", amazonpay.CurrencyUSD),
	})
	client, agreement := fake.Client(), fake.OpenBillingAgreement()
	first, second := january(fake, agreement), january(fake, agreement)
	second.Subscription = "43"
	if err := first.charge(ctx, client, fake.Now()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(fits(ctx, client, second))
	err := second.charge(ctx, client, fake.Now())
	fmt.Println(errors.Is(err, amazonpay.ErrPeriodicAmountExceeded), second.Due)
	fake.AdvanceTo(second.Due)
	fmt.Println(second.charge(ctx, client, fake.Now()), second.State, second.Try)
	// Output:
	// false <nil>
	// true 2026-02-01 01:00:00 +0000 UTC
	// <nil> paid 1
}

func year(fake *amazonpaytest.Fake, first bill, charge func(*bill, time.Time) error) (unpaid int) {
	for month := range 12 {
		b := first
		b.Period = fmt.Sprintf("2026-%02d", month+1)
		b.Due = time.Date(2026, time.Month(month+1), 15, 12, 0, 0, 0, time.UTC)
		for b.State == "" {
			fake.AdvanceTo(b.Due) // days and months pass in no time
			_ = charge(&b, fake.Now())
		}
		if b.State != "paid" {
			unpaid++
		}
	}
	return unpaid
}

// A year with a road that loses every third answer; in the middle of it the card
// is short of money once.
func Example_aYearInATest() {
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client, agreement := fake.Client(), fake.OpenBillingAgreement()
	fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.AnswerLost, Probability: 0.3, Times: -1})

	unpaid := year(fake, *january(fake, agreement), func(b *bill, now time.Time) error {
		if b.Period == "2026-06" && b.Try == 1 {
			agreement.UpdatePaymentMethod(amazonpaytest.ShortOnce)
		}
		return b.try(context.Background(), client, now)
	})
	fmt.Println(unpaid, "unpaid,", len(fake.Ledger()), "captures,", fake.TotalCaptured(amazonpay.CurrencyUSD))
	// Output: 0 unpaid, 12 captures, 238.80 USD
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// story is one subscription and what the merchant's database knows of it.
type story struct {
	place
	out   io.Writer
	today time.Time

	price    amazonpay.Price
	captured amazonpay.Price // what we believe to have taken
	refunded amazonpay.Price // and given back
	paid     int             // charges
	orders   []amazonpay.OrderReferenceID
	last     *amazonpay.BillingAgreementAuthorization // the last paid charge
}

const months = 12

// tell is the table of contents.
func (s *story) tell(ctx context.Context) error {
	var err error
	currency := amazonpay.Currency(map[amazonpay.Region]string{"NA": "USD", "UK": "GBP", "EU": "EUR", "JP": "JPY"}[s.client().Region()])
	if s.price, err = amazonpay.NewPrice(1990, currency); err != nil {
		return err
	}
	s.say("A subscription for %s a month, on %s.", s.price, s.name())
	for _, chapter := range []func(context.Context) error{
		s.signUp, s.firstCharge, s.renewals, s.declineAndRepair, s.lostAnswer, s.partialRefund, s.end, s.compare,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

func (s *story) signUp(ctx context.Context) error {
	id := s.agreement()
	s.say("\n1. The buyer signs in, picks an address and a card, and consents: agreement %s.", id)
	agreement, err := s.client().SetBillingAgreementDetails(ctx, amazonpay.SetBillingAgreementDetailsRequest{
		AmazonBillingAgreementID: id,
		BillingAgreementAttributes: amazonpay.BillingAgreementAttributes{
			SellerNote: "The journal, monthly",
			SellerBillingAgreementAttributes: amazonpay.SellerBillingAgreementAttributes{
				SellerBillingAgreementID: "subscription-42", StoreName: "The Journal",
			},
		},
	})
	if err != nil {
		return err
	}
	for _, c := range agreement.Constraints {
		return fmt.Errorf("the agreement cannot be confirmed: %s: %s", c.ConstraintID, c.Description)
	}
	if err := s.client().ConfirmBillingAgreement(ctx, amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: id}); err != nil {
		return err
	}
	validation, err := s.client().ValidateBillingAgreement(ctx, amazonpay.ValidateBillingAgreementRequest{AmazonBillingAgreementID: id})
	if err != nil {
		return err
	}
	agreement, err = s.client().GetBillingAgreementDetails(ctx, amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: id})
	if err != nil {
		return err
	}
	s.say("   set, confirmed, validated (%s): %s, %s left this month",
		validation.ValidationResult, agreement.BillingAgreementStatus.State, agreement.BillingAgreementLimits.CurrentRemainingBalance)
	return nil
}

// charge makes one charge. The reference id says what is paid, and is the same
// whenever the same thing is paid; try counts up only after a final decline.
func (s *story) charge(ctx context.Context, try int, timeout *int, note string) (*amazonpay.BillingAgreementAuthorization, error) {
	reference := fmt.Sprintf("%s-%s", s.agreement(), s.today.Format("2006-01"))
	if try > 1 {
		reference = fmt.Sprintf("%s-%d", reference, try)
	}
	return s.client().AuthorizeOnBillingAgreement(ctx, amazonpay.AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: s.agreement(),
		AuthorizationReferenceID: amazonpay.ReferenceID(reference),
		AuthorizationAmount:      s.price,
		SellerAuthorizationNote:  note,
		TransactionTimeout:       timeout,
		CaptureNow:               true,
		SellerOrderAttributes:    amazonpay.SellerOrderAttributes{SellerOrderID: reference},
	})
}

// row prints a charge and remembers it.
func (s *story) row(a *amazonpay.BillingAgreementAuthorization) error {
	if !slices.Contains(s.orders, a.AmazonOrderReferenceID) {
		s.orders = append(s.orders, a.AmazonOrderReferenceID)
	}
	why := string(a.AuthorizationStatus.State)
	if reason := a.AuthorizationStatus.ReasonCode; reason != "" {
		why += "/" + string(reason)
	}
	s.say("   %s  %s  %-8s  %s  (%s, reference %s)", s.now().Format(time.DateOnly), a.AuthorizationAmount,
		a.Outcome(), a.AmazonAuthorizationID, why, a.AuthorizationReferenceID)
	if a.Outcome() != amazonpay.OutcomePaid {
		return nil
	}
	s.last = a
	s.paid++
	var err error
	s.captured, err = s.captured.Add(a.AuthorizationAmount)
	return err
}

func (s *story) firstCharge(ctx context.Context) error {
	s.say("\n2. The first charge. The buyer waits, so it is decided in the answer.")
	charge, err := s.charge(ctx, 1, new(0), "")
	if err != nil {
		return err
	}
	if err := s.row(charge); err != nil {
		return err
	}
	return expect(charge, amazonpay.OutcomePaid)
}

func expect(a *amazonpay.BillingAgreementAuthorization, want amazonpay.Outcome) error {
	if got := a.Outcome(); got != want {
		return fmt.Errorf("charge %s is %s, not %s", a.AuthorizationReferenceID, got, want)
	}
	return nil
}

func (s *story) nextMonth(ctx context.Context) error {
	s.today = s.today.AddDate(0, 1, 0)
	return s.pass(ctx, s.today)
}

// renew charges without the buyer: Amazon may take its time, and is asked later.
func (s *story) renew(ctx context.Context, try int, note string) (*amazonpay.BillingAgreementAuthorization, error) {
	charge, err := s.charge(ctx, try, nil, note)
	if err != nil {
		return nil, err
	}
	for range 20 {
		if charge.Outcome() != amazonpay.OutcomePending {
			break
		}
		if err := s.settle(ctx); err != nil {
			return nil, err
		}
		decided, err := s.client().GetAuthorizationDetails(ctx, amazonpay.GetAuthorizationDetailsRequest{
			AmazonAuthorizationID: charge.AmazonAuthorizationID,
		})
		if err != nil {
			return nil, err
		}
		charge.Authorization = *decided
	}
	return charge, s.row(charge)
}

func (s *story) renewals(ctx context.Context) error {
	s.say("\n3. Eleven months pass. The nightly job charges each, and Amazon decides when it likes.")
	for range months - 1 {
		if err := s.nextMonth(ctx); err != nil {
			return err
		}
		charge, err := s.renew(ctx, 1, "")
		if err != nil {
			return err
		}
		if err := expect(charge, amazonpay.OutcomePaid); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) declineAndRepair(ctx context.Context) error {
	if err := s.nextMonth(ctx); err != nil {
		return err
	}
	s.say("\n4. The card has expired. The decline is hard: it suspends the agreement.")
	charge, err := s.renew(ctx, 1, s.cardExpires())
	if err != nil {
		return err
	}
	if err := expect(charge, amazonpay.OutcomeDeclined); err != nil {
		return err
	}
	due := s.today
	for day := 1; ; day += 2 {
		state, err := s.look(ctx)
		if err != nil {
			return err
		}
		if state == amazonpay.StateOpen {
			break
		}
		if day > 7 {
			return errors.New("the buyer did not repair the payment method")
		}
		s.say("   day %d: the agreement is %s; a mail asks the buyer for another card", day, state)
		if err := s.pass(ctx, due.AddDate(0, 0, day)); err != nil {
			return err
		}
		if day == 3 {
			s.say("   day %d: the buyer enters another card on Amazon's site", day)
			if err := s.buyerRepairs(ctx); err != nil {
				return err
			}
		}
	}
	s.say("   the agreement is Open again: a new try, with a new reference id")
	charge, err = s.renew(ctx, 2, "")
	if err != nil {
		return err
	}
	return expect(charge, amazonpay.OutcomePaid)
}

func (s *story) look(ctx context.Context) (amazonpay.State, error) {
	agreement, err := s.client().GetBillingAgreementDetails(ctx, amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: s.agreement()})
	if err != nil {
		return "", err
	}
	return agreement.BillingAgreementStatus.State, nil
}

func (s *story) lostAnswer(ctx context.Context) error {
	if err := s.nextMonth(ctx); err != nil {
		return err
	}
	s.say("\n5. The charge is made, but every answer to it gets lost.")
	s.losing(true)
	_, err := s.charge(ctx, 1, new(0), "")
	s.losing(false)
	unknown, ok := errors.AsType[*amazonpay.OutcomeUnknownError](err)
	if !ok {
		return fmt.Errorf("the outcome should be unknown, and is: %w", err)
	}
	s.say("   %v", unknown)
	s.say("   not paid, not failed: unknown. The same charge again, with the same reference id:")
	charge, err := s.charge(ctx, 1, new(0), "")
	if err != nil {
		return err
	}
	if err := s.row(charge); err != nil {
		return err
	}
	return expect(charge, amazonpay.OutcomePaid)
}

func (s *story) partialRefund(ctx context.Context) error {
	s.say("\n6. The buyer missed an issue and gets a part of the last charge back.")
	amount, err := amazonpay.NewPrice(500, s.price.Currency())
	if err != nil {
		return err
	}
	refund, err := s.client().Refund(ctx, amazonpay.RefundRequest{
		AmazonCaptureID:   s.last.IDList[0],
		RefundReferenceID: "R-" + s.last.AuthorizationReferenceID,
		RefundAmount:      amount,
		SellerRefundNote:  "Sorry for the missing issue",
	})
	if err != nil {
		return err
	}
	s.say("   %s  %s  %s", amount, refund.RefundStatus.State, refund.AmazonRefundID)
	for range 20 {
		if refund.RefundStatus.State.Terminal() {
			break
		}
		if err := s.pass(ctx, s.now().Add(time.Hour)); err != nil {
			return err
		}
		if err := s.settle(ctx); err != nil {
			return err
		}
		if refund, err = s.client().GetRefundDetails(ctx, amazonpay.GetRefundDetailsRequest{AmazonRefundID: refund.AmazonRefundID}); err != nil {
			return err
		}
	}
	s.say("   %s  %s  %s", refund.RefundAmount, refund.RefundStatus.State, refund.AmazonRefundID)
	if refund.RefundStatus.State == amazonpay.StateCompleted {
		s.refunded, err = s.refunded.Add(refund.RefundAmount)
	}
	return err
}

func (s *story) end(ctx context.Context) error {
	s.say("\n7. The buyer cancels the subscription.")
	err := s.client().CloseBillingAgreement(ctx, amazonpay.CloseBillingAgreementRequest{
		AmazonBillingAgreementID: s.agreement(), ClosureReason: "canceled by the subscriber",
	})
	if err != nil {
		return err
	}
	state, err := s.look(ctx)
	if err != nil {
		return err
	}
	s.say("   agreement %s: %s", s.agreement(), state)
	return nil
}

// compare holds what we believe against Amazon's books.
func (s *story) compare(ctx context.Context) error {
	captured, refunded, err := s.books(ctx, s.orders)
	if err != nil {
		return err
	}
	s.say("\n            captured      refunded")
	s.say("   ours     %-12s  %s", s.captured, s.refunded)
	s.say("   books    %-12s  %s", captured, refunded)
	if captured != s.captured || refunded != s.refunded {
		return errors.New("our totals differ from the books")
	}
	s.say("   They agree: %d charges paid, each once.", s.paid)
	return nil
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// referenceID names a payment by what it is for: whoever makes it, whenever and
// how often, makes the same.
func referenceID(shop, subscription, period string, step int) amazonpay.ReferenceID {
	return amazonpay.NewReferenceID(shop, subscription, period, "try "+strconv.Itoa(step+1))
}

// charge sends an attempt: claim it, call, settle. It may die anywhere. Before
// the claim is committed nothing has been sent; after that the ledger says
// "sending", and whoever finds it so repeats it with the same reference id.
//
// The result is how long to wait before it is to be tried again; 0 is not again
// by this job.
func (s *service) charge(ctx context.Context, id int64) (again time.Duration, err error) {
	if again := s.hold.wait(ctx); again > 0 {
		return again, nil
	}
	e, again, err := s.claim(ctx, id)
	if e == nil || err != nil {
		return again, err
	}
	news := s.send(ctx, e)

	// The answer is worth more than an orderly end: it is written even if the
	// process is being stopped.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	err = s.db.within(ctx, func(t tx) error {
		now, err := s.load(ctx, t, "id", id)
		if err != nil || now == nil {
			return err
		}
		// Charge has looked for the reference id before it says that Amazon
		// refused; long enough after the last doubt, that settles it.
		news.Certain = news.Kind == evRejected && searched(news.Reason) && time.Since(now.DoubtSince) > s.settings.certain
		if err := s.happened(ctx, t, now, news); err != nil {
			return err
		}
		e = now
		return nil
	})
	return s.again(e, news), err
}

// again is how long an attempt waits after what came of it. What somebody must
// look at does not take the others' turn.
func (s *service) again(e *entry, news event) time.Duration {
	switch {
	case e.State != unknown && e.State != intent:
		return 0
	case news.Kind == evRejected && e.State == intent: // next month, with a job of its own
		return 0
	case news.Kind == evRejected, news.Held, news.Conflict:
		return s.settings.patience
	}
	return s.settings.retry
}

// claim takes an attempt for this worker. The entry is nil if there is nothing
// to send.
func (s *service) claim(ctx context.Context, id int64) (e *entry, again time.Duration, err error) {
	err = s.db.within(ctx, func(t tx) (err error) {
		again = 0
		if e, err = s.load(ctx, t, "id", id); err != nil || e == nil {
			return err
		}
		wall := time.Now()
		due := s.calendar.wallAt(e.Due)
		switch {
		case e.State.final() || e.State == pending:
			e = nil
			return nil
		case due.After(wall):
			e, again = nil, due.Sub(wall)
			return nil
		case e.State == sending && e.Lease.After(wall): // another worker's, which may be alive
			e = nil
			return nil
		}
		if stop, err := s.unwanted(ctx, t, e); stop || err != nil {
			e = nil
			return err
		}
		if e.State == sending { // its worker died
			e.DoubtSince = wall
		}
		e.attempt, e.Lease = e.after(event{Kind: evSend}), wall.Add(s.settings.lease)
		if _, err := t.exec(ctx, "UPDATE attempts SET requests = requests + 1 WHERE id = $1", id); err != nil {
			return err
		}
		return s.save(ctx, t, e, e.Lease, e.Lease)
	})
	return e, again, err
}

// unwanted finds an attempt that must not be sent. One that has never been sent
// is ended: its agreement is suspended or has ended, it is so late that the next
// period's is due, or the obligation has been paid by a late surprise of another
// attempt. One that may have been sent, of an
// obligation that is paid, stays as it is: to repeat it might take the money
// twice, so somebody must look.
func (s *service) unwanted(ctx context.Context, t tx, e *entry) (bool, error) {
	var agreement subscriptionState
	var obligation obligationState
	var anchor int
	if _, err := one(ctx, t, "SELECT s.state, s.anchor, o.state FROM subscriptions s JOIN obligations o ON o.subscription = s.id WHERE o.id = $1",
		[]any{e.Obligation}, &agreement, &anchor, &obligation); err != nil {
		return false, err
	}
	var reason amazonpay.Reason
	unsent := e.State == intent && !e.Doubt
	switch {
	case obligation == obligationPaid && !unsent:
		s.log.ErrorContext(ctx, "an attempt without an answer belongs to an obligation that is paid", "reference", e.Reference)
		return true, nil
	case obligation == obligationPaid:
		reason = reasonAlreadyPaid
	case !unsent:
		return false, nil
	case agreement == subscriptionEnded:
		reason = reasonAgreementEnded
	case s.lapsed(e.Due, anchor):
		reason = reasonLapsed
	case agreement == subscriptionSuspended && !e.Confirm:
		reason = amazonpay.Reason(amazonpay.ErrInvalidBillingAgreementStatus)
	default:
		return false, nil
	}
	e.attempt = e.after(event{Kind: evSend})
	return true, s.happened(ctx, t, e, event{Kind: evRejected, Reason: reason})
}

// send makes the call and tells what came of it.
func (s *service) send(ctx context.Context, e *entry) event {
	ctx, cancel := context.WithTimeout(ctx, s.settings.call)
	defer cancel()
	if e.Confirm { // a soft decline suspended the agreement; where this does not help, the charge is refused
		_ = s.client.ConfirmBillingAgreement(ctx, amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: e.Agreement})
	}
	charge, err := s.client.Charge(ctx, amazonpay.ChargeRequest{
		AmazonBillingAgreementID: e.Agreement,
		ReferenceID:              e.Reference,
		Amount:                   e.Amount,
		Mode:                     amazonpay.ModeAsynchronous, // one call, Amazon's best rate of approval; the notification decides
	})
	if err != nil {
		news := newsOfError(err)
		if news.Kind == evRejected { // of this charge, so others go through
			s.hold.end()
		}
		if news.Held && s.hold.begin(2*s.settings.retry, err) {
			s.log.ErrorContext(ctx, "charging pauses: a refusal that is not about the charge; nothing is given up",
				"error", err, "reference", e.Reference, "pause", 2*s.settings.retry)
		}
		return news
	}
	s.hold.end()
	news := event{Kind: evNews, News: pending, OrderReferenceID: charge.AmazonOrderReferenceID}
	if charge.Authorization != nil {
		news = newsOfAuthorization(charge.Authorization)
		news.OrderReferenceID, news.Amount = charge.AmazonOrderReferenceID, charge.Amount
	}
	switch charge.Outcome {
	case amazonpay.OutcomePaid:
		news.News = paid
	case amazonpay.OutcomeDeclined:
		news.News, news.Reason = declined, charge.Reason
	}
	return news
}

// searched tells the refusals that Client.Charge answers only after it has
// searched Amazon's books for the reference id in vain: those that an earlier
// request with the id may have brought about.
func searched(reason amazonpay.Reason) bool {
	advice := amazonpay.AdviceFor(amazonpay.ErrorCode(reason))
	return advice.Buyer || advice.NextMonth
}

// newsOfError is what an error says about an attempt that was sent. Only what
// is about this very charge ends it; whatever may befall every charge, and
// whatever this version does not know, leaves it to be sent again.
func newsOfError(err error) event {
	_, lost := errors.AsType[*amazonpay.OutcomeUnknownError](err)
	answer, answered := errors.AsType[*amazonpay.Error](err)
	code, _ := errors.AsType[amazonpay.ErrorCode](err)
	advice, reason := amazonpay.AdviceFor(err), amazonpay.Reason(code)
	switch {
	case answered && code == "" && (answer.StatusCode/100 == 3 || answer.StatusCode/100 == 4): // not Amazon's words: of a proxy, which may have passed it on
		return event{Kind: evLost, Held: true, Reason: amazonpay.Reason(fmt.Sprintf("Status%d", answer.StatusCode))}
	case lost, answered && answer.Action != "AuthorizeOnBillingAgreement": // or of what follows: an authorization may be there
		return event{Kind: evLost}
	case advice.Seller && advice.Retry == amazonpay.RetryNot && advice.State == "": // something has used the reference id, and may have been paid
		return event{Kind: evLost, Conflict: true, Reason: reason}
	case advice.Buyer, advice.NextMonth, advice.Over, ofThisCharge(code),
		code == amazonpay.ErrInvalidBillingAgreementStatus: // also if it is Open when it is read: the reconciler reads it again
		return event{Kind: evRejected, Reason: reason}
	case code == amazonpay.ErrQuotaExceeded: // everybody's, for the hour
		return event{Kind: evUnsent, Held: true, Reason: reason}
	case advice.Seller:
		return event{Kind: evUnsent, Held: true, Reason: amazonpay.Reason(cmp.Or(string(code), "InvalidRequest"))}
	}
	return event{Kind: evUnsent} // throttled, or never connected
}

// ofThisCharge tells the refusals of a charge's own agreement or amount.
func ofThisCharge(code amazonpay.ErrorCode) bool {
	switch code {
	case amazonpay.ErrInvalidBillingAgreementID, amazonpay.ErrTransactionAmountExceeded, amazonpay.ErrCurrencyMismatch,
		amazonpay.ErrInvalidAuthorizationAmount, amazonpay.ErrInvalidSubscriptionAmount:
		return true
	}
	return false
}

// look reads an attempt that has been pending for long: its notification may be
// lost.
func (s *service) look(ctx context.Context, id int64) error {
	var e *entry
	if err := s.db.within(ctx, func(t tx) (err error) {
		e, err = s.load(ctx, t, "id", id)
		return err
	}); err != nil || e == nil || e.State != pending {
		return err
	}
	news, err := s.read(ctx, e)
	if err != nil {
		return err
	}
	return s.db.within(ctx, func(t tx) error {
		e, err := s.load(ctx, t, "id", id)
		if err != nil || e == nil {
			return err
		}
		return s.happened(ctx, t, e, news)
	})
}

// read asks Amazon how a pending attempt stands. Without an id of Amazon's that
// leads to it, the same request is sent again, and answered with the first
// result.
func (s *service) read(ctx context.Context, e *entry) (news event, err error) {
	if e.AuthorizationID == "" {
		return s.send(ctx, e), nil
	}
	authorization, err := s.client.GetAuthorizationDetails(ctx, amazonpay.GetAuthorizationDetailsRequest{AmazonAuthorizationID: e.AuthorizationID})
	if err != nil {
		return news, fmt.Errorf("reading %s: %w", e.AuthorizationID, err)
	}
	news = newsOfAuthorization(authorization)
	if authorization.Outcome() == amazonpay.OutcomeOpen && news.CaptureID != "" { // reserved: the capture decides
		capture, err := s.client.GetCaptureDetails(ctx, amazonpay.GetCaptureDetailsRequest{AmazonCaptureID: news.CaptureID})
		if err != nil {
			return news, fmt.Errorf("reading %s: %w", news.CaptureID, err)
		}
		news = newsOfCapture(capture, authorization)
	}
	return news, nil
}

// readAgreement reads an agreement that is suspended: its notification may be
// lost, too.
func (s *service) readAgreement(ctx context.Context, agreement amazonpay.BillingAgreementID) error {
	asked := s.calendar.now()
	details, err := s.client.GetBillingAgreementDetails(ctx, amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: agreement})
	if err != nil {
		return fmt.Errorf("reading %s: %w", agreement, err)
	}
	status := details.BillingAgreementStatus
	if status.LastUpdateTimestamp.IsZero() { // as Amazon's answers about agreements come: it is so since now at the latest
		status.LastUpdateTimestamp = asked
	}
	return s.db.within(ctx, func(t tx) error {
		return s.agreementIs(ctx, t, agreement, status.State, status.LastUpdateTimestamp)
	})
}

// release gives back what an authorization has reserved whose capture was
// declined. At worst it expires by itself.
func (s *service) release(ctx context.Context, id amazonpay.AuthorizationID) error {
	err := s.client.CloseAuthorization(ctx, amazonpay.CloseAuthorizationRequest{AmazonAuthorizationID: id})
	if errors.Is(err, amazonpay.ErrInvalidAuthorizationStatus) {
		return nil
	}
	return err
}

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/riverqueue/river"
)

// page is how many rows a transaction takes: the memory needed does not depend
// on the number of subscribers.
const page = 500

// entry is an attempt as it lies in the ledger.
type entry struct {
	attempt
	ID         int64
	Obligation int64
	Step       int
	Reference  amazonpay.ReferenceID
	Agreement  amazonpay.BillingAgreementID
	Due        time.Time
	Confirm    bool
	DoubtSince time.Time
	Lease      time.Time
}

// load reads an attempt and keeps it to the transaction.
func (s *service) load(ctx context.Context, t tx, where string, key any) (*entry, error) {
	var e entry
	var minor, taken, due, lease, doubtSince int64
	var currency, takenIn amazonpay.Currency
	found, err := one(ctx, t, `SELECT id, obligation, step, reference, agreement, amount, currency, due, confirm, lease, doubt_since,
		state, doubt, conflict, reason, soft, authorization_id, order_id, capture_id,
		COALESCE((SELECT p.amount FROM payments p WHERE p.attempt = attempts.id), 0), COALESCE((SELECT p.currency FROM payments p WHERE p.attempt = attempts.id), '')
		FROM attempts WHERE `+where+` = $1`+s.db.forUpdate(), []any{key},
		&e.ID, &e.Obligation, &e.Step, &e.Reference, &e.Agreement, &minor, &currency, &due, (*bitFlag)(&e.Confirm), &lease, &doubtSince,
		&e.State, (*bitFlag)(&e.Doubt), (*bitFlag)(&e.Conflict), &e.Reason, (*bitFlag)(&e.Soft), &e.AuthorizationID, &e.OrderReferenceID, &e.CaptureID,
		&taken, &takenIn)
	if err != nil || !found {
		return nil, err
	}
	e.Due, e.Lease, e.DoubtSince = time.UnixMilli(due).UTC(), time.UnixMilli(lease), time.UnixMilli(doubtSince)
	if e.Amount, err = priceOf(minor, currency); err == nil {
		e.Taken, err = priceOf(taken, takenIn)
	}
	return &e, err
}

// priceOf is a price of the database, where the zero Price has no currency.
func priceOf(minor int64, currency amazonpay.Currency) (amazonpay.Price, error) {
	if currency == "" {
		return amazonpay.Price{}, nil
	}
	return amazonpay.NewPrice(minor, currency)
}

// bitFlag is a bool in a column of 0 and 1.
type bitFlag bool

func (f *bitFlag) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("a flag of type %T", v)
	}
	*f = n != 0
	return nil
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// save writes what an attempt has become.
func (s *service) save(ctx context.Context, t tx, e *entry, lease, look time.Time) error {
	_, err := t.exec(ctx, `UPDATE attempts SET state = $1, doubt = $2, conflict = $3, reason = $4, soft = $5,
		authorization_id = $6, order_id = $7, capture_id = $8, lease = $9, look = $10, doubt_since = $11 WHERE id = $12`,
		string(e.State), bit(e.Doubt), bit(e.Conflict), string(e.Reason), bit(e.Soft),
		string(e.AuthorizationID), string(e.OrderReferenceID), string(e.CaptureID), lease.UnixMilli(), look.UnixMilli(), e.DoubtSince.UnixMilli(), e.ID)
	return err
}

// happened applies an event to an attempt and does what follows from it: the
// only way in which news of any kind reach the ledger.
func (s *service) happened(ctx context.Context, t tx, e *entry, news event) error {
	before := e.attempt
	if e.attempt = before.after(news); news.Kind == evLost {
		e.DoubtSince = time.Now()
	}
	if e.attempt == before && e.Lease.UnixMilli() == 0 {
		return nil
	}
	lease := time.UnixMilli(0)
	if e.State == sending { // somebody's call is on its way
		lease = e.Lease
	}
	if err := s.save(ctx, t, e, lease, time.Now().Add(s.settings.patience)); err != nil {
		return err
	}
	if e.Conflict && !before.Conflict {
		s.log.ErrorContext(ctx, "somebody must look: Amazon contradicts itself or the ledger",
			"reference", e.Reference, "was", before.State, "is", e.State, "said", news.News, "reason", news.Reason, "asked", e.Amount, "amount", news.Amount)
	}
	if e.State == before.State && e.Taken == before.Taken {
		return nil
	}
	s.log.InfoContext(ctx, "charge", "reference", e.Reference, "step", e.Step, "state", e.State, "reason", e.Reason, "doubt", e.Doubt)
	switch e.State {
	case paid:
		return s.wasPaid(ctx, t, e)
	case declined:
		return s.wasDeclined(ctx, t, e)
	case refused:
		return s.wasRefused(ctx, t, e)
	}
	return nil
}

func (s *service) wasPaid(ctx context.Context, t tx, e *entry) error {
	if _, err := t.exec(ctx, `INSERT INTO payments (attempt, obligation, reference, amount, currency, capture_id, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (attempt) DO UPDATE SET amount = excluded.amount, currency = excluded.currency`,
		e.ID, e.Obligation, string(e.Reference), e.Taken.Minor(), string(e.Taken.Currency()), string(e.CaptureID), s.calendar.now().UnixMilli()); err != nil {
		return err
	}
	return s.stand(ctx, t, e.Obligation, obligationPaid)
}

// stand writes where an obligation stands.
func (s *service) stand(ctx context.Context, t tx, obligation int64, state obligationState) error {
	_, err := t.exec(ctx, "UPDATE obligations SET state = $1 WHERE id = $2 AND state <> 'paid'", string(state), obligation)
	return err
}

// wasDeclined plans what comes after a decline, if it was the latest attempt.
func (s *service) wasDeclined(ctx context.Context, t tx, e *entry) error {
	state, latest, err := s.obligation(ctx, t, e.Obligation)
	if err != nil || state == obligationPaid || latest != e.Step {
		return err
	}
	if e.CaptureID != "" && e.AuthorizationID != "" {
		if err := t.enqueue(ctx, river.InsertManyParams{Args: releaseArgs{e.AuthorizationID}}); err != nil {
			return err
		}
	}
	now := s.calendar.now()
	advice := adviceOn(e.attempt)
	at, again := s.settings.dunning.Next(e.Step+1, advice, now)
	switch {
	case again:
		return s.nextStep(ctx, t, e, at, advice.Confirm)
	case advice.Buyer:
		if err := s.suspend(ctx, t, e.Agreement); err != nil {
			return err
		}
		return s.stand(ctx, t, e.Obligation, obligationWaiting)
	}
	return s.stand(ctx, t, e.Obligation, obligationFailed)
}

// adviceOn is what to do about a declined attempt.
func adviceOn(a attempt) amazonpay.Advice {
	authorization := amazonpay.Authorization{SoftDecline: a.Soft,
		AuthorizationStatus: amazonpay.Status{State: amazonpay.StateDeclined, ReasonCode: a.Reason}}
	return authorization.Advice(true)
}

func (s *service) obligation(ctx context.Context, t tx, id int64) (state obligationState, step int, err error) {
	_, err = one(ctx, t, "SELECT state, step FROM obligations WHERE id = $1"+s.db.forUpdate(), []any{id}, &state, &step)
	return state, step, err
}

// wasRefused does what the SDK advises about a refusal: it waits for the buyer,
// or for the next month if this one's cap is reached. Otherwise it gives up:
// somebody must look.
func (s *service) wasRefused(ctx context.Context, t tx, e *entry) error {
	advice := amazonpay.AdviceFor(amazonpay.ErrorCode(e.Reason))
	switch {
	case advice.NextMonth:
		return s.nextMonth(ctx, t, e, advice)
	case advice.Buyer:
		if err := s.suspend(ctx, t, e.Agreement); err != nil {
			return err
		}
		return s.stand(ctx, t, e.Obligation, obligationWaiting)
	}
	return s.stand(ctx, t, e.Obligation, obligationFailed)
}

// nextMonth has the same attempt sent when the agreement's cap begins anew: its
// reference id is not used up. The reason stays with it, so that the report
// tells of an amount that no month can take.
func (s *service) nextMonth(ctx context.Context, t tx, e *entry, advice amazonpay.Advice) error {
	e.Due, _ = s.settings.dunning.Next(e.Step+1, advice, s.calendar.now())
	if err := s.happened(ctx, t, e, event{Kind: evRearm, Reason: e.Reason}); err != nil {
		return err
	}
	wall := s.calendar.wallAt(e.Due)
	if _, err := t.exec(ctx, "UPDATE attempts SET due = $1, look = $2 WHERE id = $3",
		e.Due.UnixMilli(), wall.Add(s.settings.patience).UnixMilli(), e.ID); err != nil {
		return err
	}
	return t.enqueue(ctx, chargeJob(e.ID, wall))
}

// suspend notes that an agreement needs its buyer, and has it read soon: it may
// have ended, too.
func (s *service) suspend(ctx context.Context, t tx, agreement amazonpay.BillingAgreementID) error {
	_, err := t.exec(ctx, "UPDATE subscriptions SET state = 'suspended', look = $1 WHERE agreement = $2 AND state = 'active'",
		time.Now().Add(s.settings.patience).UnixMilli(), string(agreement))
	return err
}

// nextStep writes the next attempt of an obligation and its job. A new
// reference id is only ever made here, after a final decline.
func (s *service) nextStep(ctx context.Context, t tx, last *entry, due time.Time, confirm bool) error {
	var name, period string
	if _, err := one(ctx, t, "SELECT s.name, o.period FROM obligations o JOIN subscriptions s ON s.id = o.subscription WHERE o.id = $1",
		[]any{last.Obligation}, &name, &period); err != nil {
		return err
	}
	next := &entry{attempt: attempt{Amount: last.Amount}, Obligation: last.Obligation, Step: last.Step + 1, Agreement: last.Agreement, Due: due, Confirm: confirm}
	job, err := s.writeAttempt(ctx, t, next, name, period)
	if err != nil {
		return err
	}
	if _, err := t.exec(ctx, "UPDATE obligations SET state = 'open', step = $1 WHERE id = $2", next.Step, last.Obligation); err != nil {
		return err
	}
	return t.enqueue(ctx, job)
}

// writeAttempt writes the intent to charge, before anything is sent.
func (s *service) writeAttempt(ctx context.Context, t tx, e *entry, subscription, period string) (job river.InsertManyParams, err error) {
	e.Reference = referenceID(s.settings.shop, subscription, period, e.Step)
	wall := s.calendar.wallAt(e.Due)
	if _, err := one(ctx, t, `INSERT INTO attempts (obligation, step, reference, agreement, amount, currency, due, confirm, state, look)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id`,
		[]any{e.Obligation, e.Step, string(e.Reference), string(e.Agreement), e.Amount.Minor(), string(e.Amount.Currency()),
			e.Due.UnixMilli(), bit(e.Confirm), string(intent), later(wall, time.Now()).Add(s.settings.patience).UnixMilli()}, &e.ID); err != nil {
		return job, err
	}
	return chargeJob(e.ID, wall), nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// agreementIs applies what is known of an agreement since a time of Amazon's.
func (s *service) agreementIs(ctx context.Context, t tx, agreement amazonpay.BillingAgreementID, state amazonpay.State, since time.Time) error {
	var now subscriptionState
	look := time.Now().Add(s.settings.patience).UnixMilli()
	switch state {
	case amazonpay.StateOpen:
		now = subscriptionActive
	case amazonpay.StateSuspended:
		now = subscriptionSuspended
	case amazonpay.StateClosed, amazonpay.StateCanceled:
		now = subscriptionEnded
	default:
		return nil
	}
	n, err := t.exec(ctx, "UPDATE subscriptions SET state = $1, changed = $2, look = $3 WHERE agreement = $4 AND changed <= $2 AND state <> 'ended'",
		string(now), since.UnixMilli(), look, string(agreement))
	if err != nil || n == 0 || now == subscriptionSuspended {
		return err
	}
	return s.wake(ctx, t, agreement, now)
}

// wake goes on with what waited for the buyer, or gives it up: with the
// agreement, or because it has lapsed. A buyer who repairs a card after a year
// pays for one period, not for twelve at once.
func (s *service) wake(ctx context.Context, t tx, agreement amazonpay.BillingAgreementID, state subscriptionState) error {
	type late struct {
		attempt, due int64
		anchor       int
	}
	var waiting []late
	err := each(ctx, t, `SELECT a.id, o.due, s.anchor FROM subscriptions s JOIN obligations o ON o.subscription = s.id
		JOIN attempts a ON a.obligation = o.id AND a.step = o.step
		WHERE s.agreement = $1 AND o.state = 'waiting' ORDER BY a.id`, []any{string(agreement)}, func(scan func(...any) error) error {
		var l late
		err := scan(&l.attempt, &l.due, &l.anchor)
		waiting = append(waiting, l)
		return err
	})
	for _, l := range waiting {
		if err != nil {
			return err
		}
		var e *entry
		if e, err = s.load(ctx, t, "id", l.attempt); err != nil {
			return err
		}
		switch {
		case state == subscriptionEnded, s.lapsed(time.UnixMilli(l.due).UTC(), l.anchor):
			err = s.stand(ctx, t, e.Obligation, obligationFailed)
		case e.State == declined:
			err = s.nextStep(ctx, t, e, s.calendar.now(), false)
		case e.State == refused:
			err = s.rearm(ctx, t, e)
		}
	}
	return err
}

// rearm has a refused attempt sent again, now that the buyer has acted.
func (s *service) rearm(ctx context.Context, t tx, e *entry) error {
	confirm := e.Confirm || amazonpay.AdviceFor(amazonpay.ErrorCode(e.Reason)).Confirm
	if err := s.happened(ctx, t, e, event{Kind: evRearm}); err != nil {
		return err
	}
	if _, err := t.exec(ctx, "UPDATE attempts SET confirm = $1 WHERE id = $2", bit(confirm), e.ID); err != nil {
		return err
	}
	if err := s.stand(ctx, t, e.Obligation, obligationOpen); err != nil {
		return err
	}
	return t.enqueue(ctx, chargeJob(e.ID, time.Time{}))
}

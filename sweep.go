package amazonpay

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"reflect"
	"time"
)

// Watched is an object whose end is awaited, as a merchant stores it.
type Watched struct {
	// Object is what is known: an [*Authorization], [*Capture], [*Refund],
	// [*OrderReference] or [*BillingAgreement]. Its id and its status are
	// enough; with a zero status everything is news.
	Object NotificationObject

	Since time.Time // when it was made, or began to wait, by your clock. Required
	Read  time.Time // when it was last read, or told of by a notification; zero means never
}

// Due is when the object is to be read next: after a quarter of the age that it
// had when it was last read, but at least a minute and at most a day. It is the
// zero time if there is nothing to wait for.
func (w Watched) Due() time.Time {
	if w.nothing() {
		return time.Time{}
	}
	if _, status := w.Object.about(); status == nil || status.State.Terminal() {
		return time.Time{}
	}
	read := w.Read
	if read.Before(w.Since) {
		read = w.Since
	}
	return read.Add(min(max(read.Sub(w.Since)/4, time.Minute), day))
}

// nothing tells that there is no object, or a nil pointer in place of one.
func (w Watched) nothing() bool {
	v := reflect.ValueOf(w.Object)
	return w.Object == nil || v.Kind() == reflect.Pointer && v.IsNil()
}

// longest is how old the object may become; 0 is any age.
func (w Watched) longest() time.Duration {
	_, status := w.Object.about()
	switch w.Object.(type) {
	case *Authorization:
		if status.State == StatePending {
			return longestPending + day
		}
		return longestOpen + day
	case *OrderReference:
		if status.State == StateDraft {
			return longestDraft + day
		}
		return longestOrder + day
	case *BillingAgreement:
		if status.State == StateDraft {
			return longestDraft + day
		}
		return 0
	}
	return longestAnyhow
}

// Sighting is an object as [Client.Sweep] found it.
type Sighting struct {
	Watched       // what to store: Read is now, and Object what is known now
	Changed bool  // Object has a newer status: treat it as if a notification had told it
	Done    bool  // nothing more is awaited: watch it no longer
	Err     error // it could not be read, and will be due again; with Done it was given up: an *UnsettledError
}

// LogValue tells the object's ids and state and what was found, and nothing of
// the buyer.
func (s Sighting) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Bool("changed", s.Changed), slog.Bool("done", s.Done)}
	if !s.nothing() {
		attrs = append(attrs, slog.Any("object", s.Object))
	}
	if s.Err != nil {
		attrs = append(attrs, slog.String("error", s.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// Sweep reads those of the objects that are due, one after the other, and
// yields what it found; what is not yielded was not due, and stays as you stored
// it. It is for what notifications missed: call it every minute or every hour
// with all that is open. It ends early when ctx ends.
// Nothing is lost if it is left early, or run by several at once: an older
// status never replaces a newer one.
//
// Watch what is Pending; an authorization that is Open, until you have captured
// or closed it; a Suspended agreement or order reference, until the buyer has
// acted. Each is given up, with an [*UnsettledError] and Done, a day after the
// end that Amazon documents (authorizations: 24 hours Pending, 30 days Open;
// order references: 3 hours Draft, 180 days in all; agreements: 3 hours Draft,
// else never), after 30 days where none is documented (captures, refunds), or
// when Amazon does not know its id.
func (c *Client) Sweep(ctx context.Context, watched ...Watched) iter.Seq[Sighting] {
	return func(yield func(Sighting) bool) {
		for _, w := range watched {
			now := time.Now()
			due := w.Due()
			if due.After(now) {
				continue
			}
			s := Sighting{Watched: w, Done: true}
			switch {
			case due.IsZero():
			case w.Since.IsZero():
				s.Done, s.Err = false, invalid("Sweep", []Fault{{Field: "Since", Problem: "is required"}})
			default:
				s = c.sight(ctx, w, now)
			}
			if ended(ctx) != nil || !yield(s) {
				return
			}
		}
	}
}

// sight reads an object that is due.
func (c *Client) sight(ctx context.Context, w Watched, now time.Time) Sighting {
	id, known := w.Object.about()
	object, err := c.reread(ctx, w.Object)
	s := Sighting{Watched: w, Err: err}
	advice := AdviceFor(err)
	if err == nil || advice.Seller { // a temporary error: due again at once
		s.Read = now
	}
	if err == nil && (&Notification{Object: dated(object, *known, now)}).NewerThan(*known) {
		s.Object, s.Changed = object, true
		_, known = object.about()
		s.Done = known.State.Terminal()
	}
	_, invalid := errors.AsType[*InvalidError](err)
	longest := s.longest()
	switch {
	case s.Done:
	case invalid || unknownID(err):
		s.Done = true
	case longest > 0 && now.Sub(w.Since) > longest:
		s.Done = true
		if err == nil {
			err = errTooLong
		}
	}
	if s.Done && err != nil {
		s.Err = &UnsettledError{id, *known, err}
	}
	return s
}

// dated gives a status that came without a time one after the time of the status
// known, if it is another: Amazon's answers about agreements carry none, and what
// is read now is no older than what was told before.
func dated(object NotificationObject, known Status, now time.Time) NotificationObject {
	_, read := object.about()
	if read.LastUpdateTimestamp.IsZero() {
		read.LastUpdateTimestamp = known.LastUpdateTimestamp
		if read.State != known.State || read.ReasonCode != known.ReasonCode {
			read.LastUpdateTimestamp = known.LastUpdateTimestamp.Add(time.Second)
			if surely := now.Add(-clockTolerance); surely.After(read.LastUpdateTimestamp) { // this clock may be ahead of Amazon's
				read.LastUpdateTimestamp = surely
			}
		}
	}
	return object
}

// reread is an object as it is now.
func (c *Client) reread(ctx context.Context, object NotificationObject) (NotificationObject, error) {
	switch o := object.(type) {
	case *Authorization:
		return c.GetAuthorizationDetails(ctx, GetAuthorizationDetailsRequest{o.AmazonAuthorizationID})
	case *Capture:
		return c.GetCaptureDetails(ctx, GetCaptureDetailsRequest{o.AmazonCaptureID})
	case *Refund:
		return c.GetRefundDetails(ctx, GetRefundDetailsRequest{o.AmazonRefundID})
	case *OrderReference:
		return c.GetOrderReferenceDetails(ctx, GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: o.AmazonOrderReferenceID})
	case *BillingAgreement:
		return c.GetBillingAgreementDetails(ctx, GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: o.AmazonBillingAgreementID})
	case *ProviderCreditDetails:
		return c.GetProviderCreditDetails(ctx, GetProviderCreditDetailsRequest{o.AmazonProviderCreditID})
	case *ProviderCreditReversalDetails:
		return c.GetProviderCreditReversalDetails(ctx, GetProviderCreditReversalDetailsRequest{o.AmazonProviderCreditReversalID})
	}
	return nil, errors.New("amazonpay: Sweep: no operation reads this object")
}

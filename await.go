package amazonpay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// UnsettledError says that an object was given up: it was not decided in the
// time that Amazon documents, or can no longer be read. It does not say what
// became of the money.
type UnsettledError struct {
	ID     string // Amazon's id of the object
	Status Status // as last seen; zero if it never was
	Err    error  // why: context.Canceled, an *Error, or that its time is over
}

// Error names the object, its state and why it was given up.
func (e *UnsettledError) Error() string {
	state := e.Status.State
	if state == "" {
		state = "unknown"
	}
	return fmt.Sprintf("amazonpay: %s is still %s: %s", e.ID, state, strings.TrimPrefix(e.Err.Error(), "amazonpay: "))
}

// Unwrap is why it was given up.
func (e *UnsettledError) Unwrap() error { return e.Err }

// errTooLong is why an object is given up that never comes to rest.
var errTooLong = errors.New("its time is over; ask Amazon")

// The longest that objects take, by Amazon's documents; for captures and
// refunds there is none.
const (
	day            = 24 * time.Hour
	longestPending = 24 * time.Hour // the longest TransactionTimeout
	longestOpen    = 30 * day       // of an authorization
	longestDraft   = 3 * time.Hour
	longestOrder   = 180 * day
	longestAnyhow  = 30 * day
)

// AwaitAuthorization reads an authorization until it is decided: Open, Declined
// or Closed. See Outcome for what that means. The readings are 5 seconds apart
// at first, later up to 10 minutes; notifications are quicker and cheaper, and
// this is for where none arrive. What passes, such as a lost answer, is waited
// out.
//
// It gives up with an [*UnsettledError] when ctx ends, after the 24 hours of the
// longest TransactionTimeout, and when Amazon refuses to show the object; the
// object as last seen comes with it, nil if it never was.
func (c *Client) AwaitAuthorization(ctx context.Context, id AuthorizationID) (*Authorization, error) {
	return await(ctx, string(id), longestPending, func() (*Authorization, error) {
		return c.GetAuthorizationDetails(ctx, GetAuthorizationDetailsRequest{id})
	})
}

// AwaitCapture is AwaitAuthorization for a capture: until it is Completed,
// Declined or Closed. It gives up after 30 days.
func (c *Client) AwaitCapture(ctx context.Context, id CaptureID) (*Capture, error) {
	return await(ctx, string(id), longestAnyhow, func() (*Capture, error) {
		return c.GetCaptureDetails(ctx, GetCaptureDetailsRequest{id})
	})
}

// AwaitRefund is AwaitAuthorization for a refund: until it is Completed or
// Declined. It gives up after 30 days.
func (c *Client) AwaitRefund(ctx context.Context, id RefundID) (*Refund, error) {
	return await(ctx, string(id), longestAnyhow, func() (*Refund, error) {
		return c.GetRefundDetails(ctx, GetRefundDetailsRequest{id})
	})
}

// await reads an object until it rests.
func await[T NotificationObject](ctx context.Context, id string, longest time.Duration, read func() (T, error)) (T, error) {
	var last T
	var status Status
	start := time.Now()
	for wait := 5 * time.Second; ; wait = min(2*wait, 10*time.Minute) {
		object, err := read()
		switch advice := AdviceFor(err); {
		case err == nil:
			_, now := object.about()
			last, status = object, *now
			if status.State.Terminal() || status.State == StateOpen {
				return last, nil
			}
			err = errTooLong
		case advice.Retry != RetrySameID || advice.Seller: // it will not pass
			return last, &UnsettledError{id, status, err}
		}
		left := longest - time.Since(start)
		if left <= 0 {
			return last, &UnsettledError{id, status, err}
		}
		if ended := sleep(ctx, min(wait, left)); ended != nil {
			return last, &UnsettledError{id, status, ended}
		}
	}
}

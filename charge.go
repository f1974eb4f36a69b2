package amazonpay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/amazonpay-go/amazonpay/internal/fault"
)

// ChargeMode says how long Amazon may take to decide a charge.
type ChargeMode string

// The modes of a charge.
const (
	ModeFallback     ChargeMode = ""             // a decision within seconds; if there is none, one within a day
	ModeSynchronous  ChargeMode = "Synchronous"  // a decision within seconds; if there is none, Declined with TransactionTimedOut
	ModeAsynchronous ChargeMode = "Asynchronous" // a decision within a day: the answer is Pending
)

// ChargeRequest describes one payment. To repeat it, send the same again, field
// by field: Amazon compares. Store at least what is not the same for all.
type ChargeRequest struct {
	AmazonBillingAgreementID BillingAgreementID // the open agreement to charge; this or AmazonOrderReferenceID
	AmazonOrderReferenceID   OrderReferenceID   // or the order reference of a one-time purchase, confirmed or not

	ReferenceID ReferenceID `pay:"required,ref"` // of the intent: see NewReferenceID. Store it before the call
	Amount      Price       `pay:"required"`     // what to take

	// Mode says how long Amazon may take; zero is ModeFallback. Repeat a charge in
	// the mode in which it was first sent: repeated in ModeFallback, one that timed
	// out in ModeSynchronous would be authorized once more, asynchronously.
	Mode ChargeMode

	AuthorizeOnly bool // reserves the money only; take it with Capture, and an id like ReferenceID.Derive("capture")

	// MaybeSent tells that an earlier call with this ReferenceID may have been
	// sent and brought no answer, for example because its process died, in the
	// last hour or so. Amazon may then refuse the repeat for what the first one
	// did, and its list of orders may not show that yet: such a refusal becomes
	// an *OutcomeUnknownError. It changes nothing of what is sent.
	MaybeSent bool

	SellerAuthorizationNote string           `pay:"max=255"`  // in the buyer's e-mail; carries sandbox simulations
	SellerNote              string           `pay:"max=1024"` // describes the order to the buyer
	SoftDescriptor          string           `pay:"max=16"`   // on the buyer's statement behind "AMZ*"
	SellerOrderID           string           // your order number, shown to the buyer; one for each charge, because a lost charge is found by it. Empty means the ReferenceID
	StoreName               string           // replaces the store name of Seller Central
	CustomInformation       string           // yours, not shown. Empty means the ids of charge and agreement
	InheritShippingAddress  *bool            // agreements: nil means true
	ProviderCreditList      []ProviderCredit // fees of a solution provider
}

func (r *ChargeRequest) faults() (wrong fault.List) {
	switch {
	case r.AmazonBillingAgreementID == "" && r.AmazonOrderReferenceID == "":
		wrong.Add("AmazonBillingAgreementID", "or AmazonOrderReferenceID is required")
	case r.AmazonBillingAgreementID != "" && r.AmazonOrderReferenceID != "":
		wrong.Add("AmazonBillingAgreementID", "and AmazonOrderReferenceID exclude each other")
	}
	switch r.Mode {
	case ModeFallback, ModeSynchronous, ModeAsynchronous:
	default:
		wrong.Add("Mode", "is none of the modes")
	}
	return wrong
}

// Charge is what became of a charge.
type Charge struct {
	// Outcome is OutcomePaid, OutcomePending or OutcomeDeclined; with
	// AuthorizeOnly it is OutcomeOpen instead of OutcomePaid as long as nothing
	// is captured. Declined is also what ended without taking money: Reason says
	// how.
	Outcome Outcome
	Reason  Reason // why it was declined, or ended; empty if it is paid
	Advice  Advice // what to do about it; zero if it is paid

	Amount                 Price            // what was charged: if an earlier call with this ReferenceID asked for another amount, that one
	ReferenceID            ReferenceID      // the one that decided: the request's, or that of the fall-back, derived from it
	AmazonOrderReferenceID OrderReferenceID // the order: on an agreement, the one made for this charge
	Authorization          *Authorization   // as last seen
	CaptureIDs             []CaptureID      // the capture, one if it is paid; refund it by this id

	// Repeated tells that an earlier call had made the authorization. True is
	// certain: the authorization was created more than 15 minutes before this
	// call (no clock may differ from Amazon's by more), or was found by its
	// SellerOrderID. False is not: a repeat within minutes may go unnoticed. It is
	// for logs and statistics, not for deciding about money.
	Repeated bool
}

// LogValue tells ids, amount and outcome, and nothing of the buyer.
func (c Charge) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("outcome", string(c.Outcome)), slog.String("reason", string(c.Reason)),
		slog.String("referenceId", string(c.ReferenceID)), slog.String("amount", c.Amount.String()),
		slog.String("orderReferenceId", string(c.AmazonOrderReferenceID)), slog.Bool("repeated", c.Repeated))
}

// String tells the outcome, its reason if there is one, amount and ids.
func (c Charge) String() string {
	text := string(c.Outcome)
	if c.Reason != "" {
		text += " " + string(c.Reason)
	}
	return fmt.Sprintf("%s %v %s, reference id %s", text, c.Amount, c.AmazonOrderReferenceID, c.ReferenceID)
}

// Charge makes one payment, on an open billing agreement or on the order
// reference of a one-time purchase, and may be repeated for ever: the same
// request always ends in the same single payment, whatever was lost on the way,
// whoever repeats it and how long after. It needs no state of its own; store
// the request, above all its ReferenceID, before the call.
//
// A declined payment is an answer, not an error. An error means that there is
// no answer: Amazon would not take the request (see [AdviceFor] for what to
// do), or could not be reached; an [*OutcomeUnknownError] says that the
// payment may have been made. After any error the same request may be repeated
// safely, and only with the same ReferenceID.
//
// The money is taken at once unless AuthorizeOnly is set. In ModeFallback a
// synchronous authorization that timed out is followed by an asynchronous one,
// with an id derived from the ReferenceID; in the other modes that one is looked
// for before a time-out is told. An answer that can still change is read again,
// so that a repeat tells what has become of the charge. What an order reference
// lacks is done first: a Draft without a total gets the amount, a Draft is
// confirmed, and so is a Suspended one. (Where the buyer's bank may want a
// challenge, confirm it yourself.) An agreement is left as it is.
//
// If Amazon refuses a repeat, the first attempt is looked up by its
// SellerOrderID; Charge never makes up a new id. A lost answer is asked for
// again as Config.Backoff says, and then once more: bound the time with ctx. If
// a capture was declined, the money stays reserved until the authorization
// expires; CloseAuthorization sets it free.
//
// Notifications about the charge carry the ReferenceID, or one that is derived
// from it: Derive("asynchronous") is that of the second authorization, and
// Derive("capture") of either is that of a capture that Charge made by itself.
// Store all four with the row, if notifications are to find it.
func (c *Client) Charge(ctx context.Context, req ChargeRequest) (*Charge, error) {
	if err := invalid("Charge", c.faults(&req)); err != nil {
		return nil, err
	}
	j := &charging{Client: c, req: req, began: time.Now(), order: req.AmazonOrderReferenceID}
	charge, err := j.run(ctx)
	if unknown, ok := errors.AsType[*OutcomeUnknownError](err); ok {
		err = &OutcomeUnknownError{Action: "Charge", ReferenceID: req.ReferenceID, Err: unknown.Err}
	}
	if err != nil {
		return nil, err
	}
	return charge, nil
}

const (
	aDay           = 1440             // minutes; sent, so that it stays the same if Amazon's default changes
	clockTolerance = 15 * time.Minute // what a clock may be from Amazon's
)

// charging is one call of Charge.
type charging struct {
	*Client
	req     ChargeRequest
	began   time.Time
	order   OrderReferenceID // as soon as it is known
	inDoubt bool             // this call may have made the authorization that a look-up finds
	found   bool             // the authorization, by a look-up
}

func (j *charging) run(ctx context.Context) (*Charge, error) {
	if j.order != "" {
		if err := j.prepare(ctx); err != nil {
			return nil, err
		}
	}
	timeout := 0
	if j.req.Mode == ModeAsynchronous {
		timeout = aDay
	}
	a, err := j.attempt(ctx, j.req.ReferenceID, timeout)
	switch {
	case err == nil && j.fallsBack(a):
		a, err = j.attempt(inTurn(ctx), j.fallback(), aDay)
	case err == nil && a.timedOut():
		a, err = j.fallen(ctx, a)
	}
	if err != nil {
		return nil, err
	}
	return j.conclude(ctx, a)
}

// fallback is the id of the asynchronous authorization after a synchronous one.
func (j *charging) fallback() ReferenceID { return j.req.ReferenceID.Derive("asynchronous") }

// fallsBack tells whether another authorization follows this one.
func (j *charging) fallsBack(a *Authorization) bool {
	return j.req.Mode == ModeFallback && a.AuthorizationReferenceID != j.fallback() && a.timedOut()
}

// fallen is the authorization that followed this one in an earlier call, if
// that was in ModeFallback: it may still take the money.
func (j *charging) fallen(ctx context.Context, a *Authorization) (*Authorization, error) {
	next, err := j.lookup(ctx, j.fallback())
	switch {
	case err != nil:
		return nil, &OutcomeUnknownError{Err: err}
	case next != nil:
		j.found = true
		return next, nil
	}
	return a, nil
}

func (a *Authorization) timedOut() bool {
	return a.Outcome() == OutcomeDeclined && a.AuthorizationStatus.ReasonCode == ReasonTransactionTimedOut
}

// prepare does what an order reference lacks before money can be authorized on
// it. Another call may do the same at the same time.
func (j *charging) prepare(ctx context.Context) error {
	o, err := j.GetOrderReferenceDetails(ctx, GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: j.order})
	if err != nil {
		return err
	}
	switch o.OrderReferenceStatus.State {
	case StateDraft:
		if o.OrderTotal.IsZero() {
			_, err = j.SetOrderReferenceDetails(ctx, SetOrderReferenceDetailsRequest{j.order, OrderReferenceAttributes{
				OrderTotal: j.req.Amount, SellerNote: j.req.SellerNote, SellerOrderAttributes: j.attributes(),
			}})
			if err != nil && !errors.Is(err, ErrOrderReferenceNotModifiable) {
				return err
			}
		}
	case StateSuspended:
		if o.OrderReferenceStatus.ReasonCode == ReasonPaymentAuthorizationRequired || o.PaymentAuthenticationStatus.State == "REQUIRED" {
			return nil // the buyer has not passed the bank's challenge: a confirmation would go past it
		}
		// Maybe by this very charge: then it is declined, and a confirmation
		// would reopen the order for nothing.
		if decided, err := j.decided(ctx); decided || err != nil {
			return err
		}
	default:
		return nil
	}
	err = j.ConfirmOrderReference(ctx, ConfirmOrderReferenceRequest{AmazonOrderReferenceID: j.order})
	if stateful(err) {
		// Another call may have confirmed it, or made this charge.
		if now, lost := j.GetOrderReferenceDetails(ctx, GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: j.order}); lost == nil &&
			now.OrderReferenceStatus.State == StateOpen {
			return nil
		}
		decided, lost := j.decided(ctx)
		switch {
		case decided:
			return nil
		case lost != nil || j.req.MaybeSent:
			return unsure(join(err, lost))
		}
	}
	return err
}

// decided tells whether the order reference has the authorization that decides
// this charge.
func (j *charging) decided(ctx context.Context) (bool, error) {
	for _, id := range []ReferenceID{j.req.ReferenceID, j.fallback()} {
		if a, err := j.search(ctx, j.order, id); err != nil || a != nil && !j.fallsBack(a) {
			return a != nil, err
		}
	}
	return false, nil
}

func (j *charging) attributes() SellerOrderAttributes {
	a := SellerOrderAttributes{
		SellerOrderID: j.req.SellerOrderID, StoreName: j.req.StoreName, CustomInformation: j.req.CustomInformation,
	}
	if a.SellerOrderID == "" {
		a.SellerOrderID = string(j.req.ReferenceID)
	}
	if a.CustomInformation == "" {
		a.CustomInformation = "charge " + string(j.req.ReferenceID)
		if j.req.AmazonBillingAgreementID != "" {
			a.CustomInformation += " on " + string(j.req.AmazonBillingAgreementID)
		}
	}
	return a
}

// attempt makes an authorization, or finds the one that an earlier call made.
func (j *charging) attempt(ctx context.Context, id ReferenceID, timeout int) (*Authorization, error) {
	a, err := j.authorize(ctx, id, timeout)
	refused := stateful(err)
	if unknown, ok := errors.AsType[*OutcomeUnknownError](err); ok {
		j.inDoubt = true
		if !refused && ended(ctx) == nil {
			a, err = j.authorize(inTurn(ctx), id, timeout)
			refused = stateful(err)
			if err != nil { // whatever it says now does not settle what came before
				err = unsure(join(unknown.Err, beneath(err)))
			}
		}
	}
	switch {
	case err == nil:
		if a, err = j.refreshed(ctx, a); err == nil && a.AuthorizationReferenceID == "" {
			a.AuthorizationReferenceID = id
		}
		return a, err
	case !refused:
		return nil, err
	}
	found, lost := j.lookup(ctx, id)
	switch {
	case lost != nil:
		return nil, unsure(join(beneath(err), lost))
	case found != nil:
		j.found = true
		return found, nil
	case j.req.MaybeSent:
		return nil, unsure(beneath(err))
	}
	if errors.Is(err, ErrDuplicateRequest) || errors.Is(err, ErrDuplicateReferenceID) {
		err = fmt.Errorf("%w, and the authorization with the reference id %s was not found by the SellerOrderID or order reference: "+
			"find out what used the id, in your records or in Seller Central; charge with a new id only if you know that nothing was paid", err, id)
	}
	return nil, j.explained(ctx, err)
}

// unsure is an error that Charge gives its name and reference id.
func unsure(err error) error { return &OutcomeUnknownError{Err: err} }

// beneath is what an OutcomeUnknownError tells of, so that it is told once.
func beneath(err error) error {
	if unknown, ok := errors.AsType[*OutcomeUnknownError](err); ok {
		return unknown.Err
	}
	return err
}

// explained is a refusal for the state of the agreement or order reference, with
// the advice on that state as it is read now.
func (j *charging) explained(ctx context.Context, err error) error {
	var advice Advice
	switch code, _ := errors.AsType[ErrorCode](err); code {
	case ErrInvalidBillingAgreementStatus:
		if b, lost := j.GetBillingAgreementDetails(ctx, GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: j.req.AmazonBillingAgreementID}); lost == nil {
			advice = openAgain(b.Advice())
		}
	case ErrInvalidOrderReferenceStatus:
		if o, lost := j.GetOrderReferenceDetails(ctx, GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: j.order}); lost == nil {
			advice = openAgain(o.Advice())
		}
	}
	if advice == (Advice{}) { // it cannot be read
		return err
	}
	return &standingError{err, advice}
}

// openAgain is the advice on what was refused for its state and is Open now.
func openAgain(a Advice) Advice {
	if a == (Advice{}) {
		return Advice{Soft: true, Retry: RetrySameID, After: time.Minute, State: StateOpen, Text: "repeat the same request: it is Open again"}
	}
	return a
}

// stateful reports whether a request was refused for how things stand, which
// an earlier attempt with the same id may have brought about.
func stateful(err error) bool {
	switch code, _ := errors.AsType[ErrorCode](err); code {
	case ErrDuplicateRequest, ErrDuplicateReferenceID,
		ErrInvalidBillingAgreementStatus, ErrInvalidOrderReferenceStatus, ErrInvalidAuthorizationStatus,
		ErrBillingAgreementConstraintsExist, ErrConstraintsExist, ErrPaymentMethodNotUpdated,
		ErrPeriodicAmountExceeded, ErrTransactionAmountExceeded, ErrTransactionCountExceeded, ErrCurrencyMismatch:
		return true
	}
	return false
}

// authorize is the request that moves the money. What it sends must never
// change: Amazon refuses a repeat that differs.
func (j *charging) authorize(ctx context.Context, id ReferenceID, timeout int) (*Authorization, error) {
	r := &j.req
	if r.AmazonOrderReferenceID != "" {
		return j.Authorize(ctx, AuthorizeRequest{
			AmazonOrderReferenceID: r.AmazonOrderReferenceID, AuthorizationReferenceID: id, AuthorizationAmount: r.Amount,
			SellerAuthorizationNote: r.SellerAuthorizationNote, TransactionTimeout: &timeout, CaptureNow: !r.AuthorizeOnly,
			SoftDescriptor: r.SoftDescriptor, ProviderCreditList: r.ProviderCreditList,
		})
	}
	made, err := j.AuthorizeOnBillingAgreement(ctx, AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: r.AmazonBillingAgreementID, AuthorizationReferenceID: id, AuthorizationAmount: r.Amount,
		SellerAuthorizationNote: r.SellerAuthorizationNote, TransactionTimeout: &timeout, CaptureNow: !r.AuthorizeOnly,
		SoftDescriptor: r.SoftDescriptor, SellerNote: r.SellerNote, SellerOrderAttributes: j.attributes(),
		InheritShippingAddress: r.InheritShippingAddress, ProviderCreditList: r.ProviderCreditList,
	})
	if err != nil {
		return nil, err
	}
	j.order = made.AmazonOrderReferenceID
	return &made.Authorization, nil
}

// refreshed reads an authorization that may have moved on: the answer to a
// repeat tells how it once was. If it cannot be read, Pending stands, and so
// does an Open of these minutes; an old Open would promise money that may have
// been captured or set free long ago.
func (j *charging) refreshed(ctx context.Context, a *Authorization) (*Authorization, error) {
	outcome := a.Outcome()
	if outcome != OutcomePending && outcome != OutcomeOpen && !(outcome == OutcomePaid && len(a.IDList) == 0) {
		return a, nil
	}
	now, err := j.GetAuthorizationDetails(ctx, GetAuthorizationDetailsRequest{a.AmazonAuthorizationID})
	switch {
	case err == nil && (outcome != OutcomePaid || now.Outcome() == OutcomePaid): // what is paid stays so
		return now, nil
	case outcome == OutcomeOpen && j.old(a):
		return nil, &OutcomeUnknownError{Err: err}
	}
	return a, nil
}

// old tells that an earlier call made the authorization, for certain.
func (j *charging) old(a *Authorization) bool {
	made := a.CreationTimestamp
	return !made.IsZero() && made.Before(j.began.Add(-clockTolerance))
}

// lookup finds the authorization with a reference id, or nil.
func (j *charging) lookup(ctx context.Context, id ReferenceID) (*Authorization, error) {
	if j.req.AmazonOrderReferenceID != "" {
		return j.search(ctx, j.req.AmazonOrderReferenceID, id)
	}
	listed := ListOrderReferenceRequest{QueryID: j.attributes().SellerOrderID, SortOrder: "Descending"}
	var unread error
	for o, err := range j.OrderReferences(ctx, listed) {
		if err != nil {
			return nil, err
		}
		a, err := j.search(ctx, o.AmazonOrderReferenceID, id)
		switch {
		case a != nil:
			return a, nil
		case unknownID(err): // listed, and not shown yet: the others first
			unread = err
		case err != nil:
			return nil, err
		}
	}
	return nil, unread
}

// search finds the authorization with a reference id on an order reference, or
// nil. One on another agreement is not this charge, though the id should have
// been its own.
func (j *charging) search(ctx context.Context, order OrderReferenceID, id ReferenceID) (*Authorization, error) {
	o, err := j.GetOrderReferenceDetails(ctx, GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: order})
	if err != nil {
		return nil, err
	}
	parent, agreement := o.ParentDetails.ID, string(j.req.AmazonBillingAgreementID)
	if agreement != "" && parent != "" && parent != agreement {
		return nil, nil
	}
	for _, made := range o.IDList {
		a, err := j.GetAuthorizationDetails(ctx, GetAuthorizationDetailsRequest{made})
		if err != nil {
			return nil, err
		}
		if a.AuthorizationReferenceID == id {
			j.order = order
			return a, nil
		}
	}
	return nil, nil
}

// conclude says what has become of the charge, and captures what CaptureNow
// left uncaptured.
func (j *charging) conclude(ctx context.Context, a *Authorization) (*Charge, error) {
	a, p, err := j.capture(ctx, a)
	if err != nil {
		return nil, err
	}
	charge := &Charge{
		Outcome: a.Outcome(), Reason: a.AuthorizationStatus.ReasonCode, Advice: a.Advice(j.req.AmazonBillingAgreementID != ""),
		Amount: a.AuthorizationAmount, ReferenceID: a.AuthorizationReferenceID, AmazonOrderReferenceID: j.order,
		Authorization: a, CaptureIDs: a.IDList,
		Repeated: j.found && !j.inDoubt || j.old(a),
	}
	if a.CapturedAmount.Sign() > 0 {
		charge.Amount = a.CapturedAmount
	}
	if p != nil {
		charge.CaptureIDs, charge.Outcome = []CaptureID{p.AmazonCaptureID}, p.outcome(a)
		charge.Reason, charge.Advice = p.CaptureStatus.ReasonCode, p.Advice()
		if p.CaptureAmount.Sign() > 0 {
			charge.Amount = p.CaptureAmount
		}
	}
	switch {
	case charge.Outcome == OutcomePaid && charge.Reason != ReasonStopShipmentAtypicalAuth:
		charge.Reason, charge.Advice = "", Advice{}
	case charge.Outcome == OutcomeClosed:
		charge.Outcome = OutcomeDeclined
	case charge.Outcome == OutcomeOpen && !j.req.AuthorizeOnly: // the capture of CaptureNow is on its way
		charge.Outcome = OutcomePending
		if charge.Advice = undecided; charge.Reason == ReasonStopShipmentAtypicalAuth {
			charge.Advice = stopAndWait
		}
	}
	return charge, nil
}

// capture finds the capture that decides the charge, if the authorization alone
// does not: the one that was tried, or the one that is missing and is made now.
// The authorization comes back, too, as it may turn out to have moved on.
func (j *charging) capture(ctx context.Context, a *Authorization) (*Authorization, *Capture, error) {
	// Amazon's own capture may not be listed yet. After a day there is none, and
	// an authorization takes one only.
	waits := a.CaptureNow && !(!a.CreationTimestamp.IsZero() && a.CreationTimestamp.Before(j.began.Add(-day)))
	uncaptured := a.Outcome() == OutcomeOpen && !j.req.AuthorizeOnly && !waits
	if !uncaptured || len(a.IDList) > 0 {
		p, err := j.tried(ctx, a)
		return a, p, err
	}
	p, err := j.Capture(ctx, CaptureRequest{
		AmazonAuthorizationID: a.AmazonAuthorizationID, CaptureReferenceID: a.AuthorizationReferenceID.Derive("capture"),
		CaptureAmount: a.AuthorizationAmount, SellerCaptureNote: j.req.SellerAuthorizationNote,
		SoftDescriptor: j.req.SoftDescriptor, ProviderCreditList: j.req.ProviderCreditList,
	})
	if !stateful(err) {
		return a, p, err
	}
	now, lost := j.GetAuthorizationDetails(ctx, GetAuthorizationDetailsRequest{a.AmazonAuthorizationID})
	if lost != nil { // somebody else may have captured it
		return a, nil, unsure(join(beneath(err), lost))
	}
	if now.Outcome() == OutcomeOpen && len(now.IDList) == 0 {
		if j.req.MaybeSent {
			err = unsure(beneath(err))
		}
		return now, nil, err
	}
	p, err = j.tried(ctx, now)
	return now, p, err
}

// tried reads the capture that took the money of an authorization, or else the
// last one that did not. It is nil where the authorization alone decides. A
// capture by CaptureNow is decided together with its authorization; one made
// later may still be Pending although the authorization is Closed. One that is
// Closed for whatever other reason is believed only if it has no capture.
func (j *charging) tried(ctx context.Context, a *Authorization) (last *Capture, err error) {
	captureNow := a.CaptureNow || !j.found && !j.req.AuthorizeOnly
	switch a.Outcome() {
	case OutcomePaid:
		if captureNow && len(a.IDList) < 2 {
			return nil, nil
		}
	case OutcomeOpen:
		if j.req.AuthorizeOnly {
			return nil, nil
		}
	case OutcomePending, OutcomeDeclined:
		return nil, nil
	}
	for _, id := range slices.Backward(a.IDList) {
		p, err := j.GetCaptureDetails(ctx, GetCaptureDetailsRequest{id})
		if err != nil {
			return nil, &OutcomeUnknownError{Err: err}
		}
		if p.outcome(a) != OutcomeDeclined {
			return p, nil
		}
		if last == nil {
			last = p
		}
	}
	return last, nil
}

// outcome is what a capture makes of its charge. Amazon may close one after it
// has taken the money.
func (p *Capture) outcome(a *Authorization) Outcome {
	switch s := p.CaptureStatus; {
	case s.State == StateCompleted, s.ReasonCode == ReasonMaxAmountRefunded, s.ReasonCode == ReasonMaxRefundsProcessed,
		s.State == StateClosed && a.CapturedAmount.Sign() > 0:
		return OutcomePaid
	case s.State == StateDeclined, s.State == StateClosed:
		return OutcomeDeclined
	}
	return OutcomePending
}

package amazonpay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay/internal/endpoint"
	"github.com/amazonpay-go/amazonpay/internal/sns"
	"github.com/amazonpay-go/amazonpay/internal/wire"
)

// Notification is what Amazon said. A [Verifier] hands out none that it has not
// verified.
//
// It is a hint, not the books: notifications come late, twice and in any order.
// Before you act on one that matters, compare it with what you know
// ([Notification.NewerThan]) or read the object anew.
type Notification struct {
	ID            string                    // SNS's; the same when it is repeated: the id for an Inbox
	ReferenceID   string                    // Amazon Pay's id of the notification
	Type          NotificationType          // what it is about
	EventType     BillingAgreementEventType // of newer notifications about an agreement
	SellerID      string                    // whose object it is
	MarketplaceID string                    // as Amazon writes it: a number, or an id like A3BXB0YN3XH17H
	Environment   Environment               // Production or Sandbox: the one that the Verifier expects
	TopicARN      string                    // the SNS topic that it came by
	Timestamp     time.Time                 // when it was published, as SNS signed it; the same when it is repeated
	EventTime     time.Time                 // when Amazon Pay wrote it; zero if unreadable

	// IsSample tells a test message of Seller Central, about an object that does
	// not exist: answer it, and do nothing.
	IsSample bool

	// Object is what it is about, as far as a notification tells: no buyer, no
	// destination, no constraints. Nil for a type that this version does not
	// know, and for a chargeback that is not XML; Raw has it then.
	Object NotificationObject

	Raw string // NotificationData as Amazon sent it, usually XML. May hold personal data
}

// NotificationObject is what a [Notification] is about: an [*OrderReference],
// [*BillingAgreement], [*Authorization], [*Capture], [*Refund],
// [*ProviderCreditDetails], [*ProviderCreditReversalDetails], [*Chargeback] or
// [*MerchantRegistration].
type NotificationObject interface {
	// about is Amazon's id of the object, and its status if it has one.
	about() (string, *Status)
}

func (o *OrderReference) about() (string, *Status)   { return o.id(), &o.OrderReferenceStatus }
func (b *BillingAgreement) about() (string, *Status) { return b.id(), &b.BillingAgreementStatus }
func (a *Authorization) about() (string, *Status)    { return a.id(), &a.AuthorizationStatus }
func (p *Capture) about() (string, *Status)          { return p.id(), &p.CaptureStatus }
func (r *Refund) about() (string, *Status)           { return r.id(), &r.RefundStatus }
func (d *ProviderCreditDetails) about() (string, *Status) {
	return string(d.AmazonProviderCreditID), &d.CreditStatus
}
func (r *ProviderCreditReversalDetails) about() (string, *Status) {
	return r.id(), &r.CreditReversalStatus
}
func (c *Chargeback) about() (string, *Status)           { return string(c.AmazonChargebackID), nil }
func (m *MerchantRegistration) about() (string, *Status) { return m.SellerID, nil }

// NotificationType says what a notification is about. The type is open.
type NotificationType string

// The types of notifications.
const (
	NotificationOrderReference         NotificationType = "OrderReferenceNotification"
	NotificationBillingAgreement       NotificationType = "BillingAgreementNotification"
	NotificationAuthorize              NotificationType = "PaymentAuthorize"
	NotificationCapture                NotificationType = "PaymentCapture"
	NotificationRefund                 NotificationType = "PaymentRefund"
	NotificationProviderCredit         NotificationType = "ProviderCredit"
	NotificationProviderCreditReversal NotificationType = "ProviderCreditReversal"
	NotificationChargeback             NotificationType = "ChargebackDetailedNotification" // also comes with spaces between the words
	NotificationSolutionProvider       NotificationType = "SolutionProviderEvent"
)

// BillingAgreementEventType says what happened to an agreement: not always a
// change of its state. The type is open.
type BillingAgreementEventType string

// What happens to agreements. The notification has neither the address nor the
// payment method: GetBillingAgreementDetails does.
const (
	BillingAgreementStatusUpdated  BillingAgreementEventType = "BillingAgreementStatusUpdated"
	PaymentMethodUpdated           BillingAgreementEventType = "PaymentMethodUpdated"
	AddressUpdated                 BillingAgreementEventType = "AddressUpdated"
	AddressAndPaymentMethodUpdated BillingAgreementEventType = "AddressAndPaymentMethodUpdated"
)

// ChargebackID is Amazon's id of a chargeback.
type ChargebackID string

// Chargeback is a payment that the buyer's bank took back. Only a notification
// tells; several may share an id, with different reasons.
type Chargeback struct {
	AmazonChargebackID     ChargebackID     `xml:"AmazonChargebackId"`       // Amazon's id of it
	AmazonOrderReferenceID OrderReferenceID `xml:"AmazonOrderReferenceId"`   // the order
	CaptureReferenceID     ReferenceID      `xml:"AmazonCaptureReferenceId"` // yours, despite Amazon's name for it
	CreationTimestamp      time.Time        // when it was made
	ChargebackAmount       Price            // what the buyer wants back
	ChargebackState        State            // "RECEIVED" has been seen
	ChargebackReason       string           // such as "Unauthorized Transaction Chargeback"
}

// MerchantRegistration tells a solution provider of a merchant.
type MerchantRegistration struct {
	SellerID string                       `xml:"SellerId"` // the merchant
	Type     string                       // "Register" has been seen
	Options  []MerchantRegistrationOption `xml:"Options>SolutionProviderOption"` // details; may be empty
}

// MerchantRegistrationOption is a detail of a registration.
type MerchantRegistrationOption struct {
	Name  string `xml:"name"`  // such as "lwaClientId"
	Value string `xml:"value"` // free text
}

// payloads are the types of notifications: where the object is in the XML.
var payloads = []struct {
	kind       NotificationType
	root, path string
	object     func() NotificationObject
}{
	{NotificationOrderReference, "OrderReferenceNotification", "OrderReference", func() NotificationObject { return new(OrderReference) }},
	{NotificationBillingAgreement, "BillingAgreementNotification", "BillingAgreement", func() NotificationObject { return new(BillingAgreement) }},
	{NotificationAuthorize, "AuthorizationNotification", "AuthorizationDetails", func() NotificationObject { return new(Authorization) }},
	{NotificationCapture, "CaptureNotification", "CaptureDetails", func() NotificationObject { return new(Capture) }},
	{NotificationRefund, "RefundNotification", "RefundDetails", func() NotificationObject { return new(Refund) }},
	{NotificationProviderCredit, "ProviderCreditNotification", "ProviderCreditDetails", func() NotificationObject { return new(ProviderCreditDetails) }},
	{NotificationProviderCreditReversal, "ProviderCreditReversalNotification", "ProviderCreditReversalDetails", func() NotificationObject { return new(ProviderCreditReversalDetails) }},
	{NotificationChargeback, "ChargebackNotification", "ChargebackDetails", func() NotificationObject { return new(Chargeback) }},
	{NotificationSolutionProvider, "SolutionProviderMerchantNotification", "MerchantRegistrationDetails", func() NotificationObject { return new(MerchantRegistration) }},
}

// notification reads a message that has been verified.
func (v *Verifier) notification(ctx context.Context, m *sns.Message) (*Notification, error) {
	if m.Type != sns.TypeNotification {
		return nil, refuse(refusedType, "it is a "+m.Type)
	}
	var room [16]sns.Member
	members, err := sns.Members(room[:0], m.Message)
	if err != nil {
		return nil, &NotificationError{refusedPayload, fmt.Errorf("the Message is no notification: %w", err)}
	}
	n := &Notification{ID: strings.Clone(m.MessageID), TopicARN: m.TopicARN, Timestamp: m.Time}
	var environment, eventTime string
	required := [...]struct {
		name  string
		value *string
	}{
		{"NotificationReferenceId", &n.ReferenceID}, {"NotificationType", (*string)(&n.Type)},
		{"SellerId", &n.SellerID}, {"ReleaseEnvironment", &environment}, {"NotificationData", &n.Raw},
		{"MarketplaceID", &n.MarketplaceID}, {"EventType", (*string)(&n.EventType)}, {"Timestamp", &eventTime},
	}
	for _, member := range members {
		switch member.Name {
		case "IsSample":
			n.IsSample = member.Text == "true"
		case "NotificationVersion":
			return nil, refuse(refusedPayload, "it is a notification of Amazon Pay's API version 2")
		}
		for _, f := range required {
			if f.name == member.Name && member.String {
				*f.value = member.Text
			}
		}
	}
	for _, f := range required[:5] {
		if *f.value == "" {
			return nil, refuse(refusedPayload, f.name+" is missing")
		}
	}
	// Whose it is comes before what it says. A solution provider cannot know the
	// merchants that register; the topic is his own, which was checked.
	n.Environment, _ = endpoint.ParseEnvironment(environment)
	if registration := strings.EqualFold(string(n.Type), string(NotificationSolutionProvider)); !registration && !slices.Contains(v.config.SellerIDs, n.SellerID) {
		return nil, refuse(refusedSeller, "the SellerId is not an expected one")
	}
	if n.Environment != v.config.Environment {
		return nil, refuse(refusedEnvironment, "the ReleaseEnvironment is not the expected one")
	}
	n.EventTime = eventTimeOf(eventTime, n.Timestamp)
	if err := v.payload(ctx, n); err != nil {
		return nil, err
	}
	return n, nil
}

// eventTimeOf reads a time in the message. In old ones it has a 12-hour clock
// without saying which half of the day it means.
func eventTimeOf(text string, published time.Time) time.Time {
	t, ok := wire.ParseTime(text)
	if half := published.Sub(t).Round(time.Hour); ok && half.Abs() == 12*time.Hour {
		return t.Add(half)
	}
	return t
}

// payload reads what the notification is about.
func (v *Verifier) payload(ctx context.Context, n *Notification) error {
	kind := strings.ReplaceAll(string(n.Type), " ", "")
	for _, p := range payloads {
		if !strings.EqualFold(kind, string(p.kind)) {
			continue
		}
		n.Type = p.kind
		object := p.object()
		doc, err := wire.Decode([]byte(n.Raw), object, p.path)
		switch {
		case err == nil && doc.Root == p.root:
		case n.Type == NotificationChargeback: // reported not to be XML always
			return nil
		case err == nil:
			err = errors.New("the root is another type's")
			fallthrough
		default:
			return &NotificationError{refusedPayload, fmt.Errorf("the NotificationData is not what the type says: %w", err)}
		}
		for _, problem := range doc.Problems[:min(len(doc.Problems), maxUnread)] {
			v.log(ctx, slog.LevelWarn, "amazonpay: a field of the notification cannot be read and stays zero",
				slog.String("notification", n.ID), slog.String("field", problem.Path), slog.String("kind", problem.Kind))
		}
		id, status := object.about()
		n.Object, n.IsSample = object, n.IsSample || strings.HasPrefix(id, "P01-0000000-0000000")
		if status != nil {
			status.normalize()
		}
	}
	return nil
}

// normalize spells what old messages and samples spell differently, CLOSED and
// a reason None, as the constants do.
func (s *Status) normalize() {
	for _, state := range [...]State{StateDraft, StateOpen, StateSuspended, StateCanceled, StateClosed, StatePending, StateDeclined, StateCompleted} {
		if strings.EqualFold(string(s.State), string(state)) {
			s.State = state
		}
	}
	if s.ReasonCode == "None" {
		s.ReasonCode = ""
	}
}

// ObjectID is Amazon's id of the object, empty without one.
func (n *Notification) ObjectID() string {
	if n.Object == nil {
		return ""
	}
	id, _ := n.Object.about()
	return id
}

// Status is that of the object; zero for what has none.
func (n *Notification) Status() Status {
	if n.Object != nil {
		if _, status := n.Object.about(); status != nil {
			return *status
		}
	}
	return Status{}
}

// NewerThan reports whether the notification tells of a later status of the
// object than the one known, so that a late Pending never undoes a Completed.
// An object goes from Draft or Pending to Open or Suspended, to Completed, to
// Declined, Canceled or Closed, which are final; where the states do not decide,
// the LastUpdateTimestamp does. If nothing is known, everything is newer.
// Answers about agreements need not carry that time: store the time of the
// reading with a status that you have read, as [Client.Sweep] does.
//
// It is about states only: an agreement's PaymentMethodUpdated need not change
// any.
func (n *Notification) NewerThan(known Status) bool {
	status := n.Status()
	was, is := stage(known.State), stage(status.State)
	switch {
	case known.State == "":
		return true
	case was != is && was != 0 && is != 0:
		return is > was
	case was == final && is == final && known.State != status.State:
		return false
	}
	return status.LastUpdateTimestamp.After(known.LastUpdateTimestamp)
}

const final = 4

// stage is how far an object in a state is in its life; 0 for a state that this
// version does not know.
func stage(s State) int {
	switch s {
	case StateDraft, StatePending:
		return 1
	case StateOpen, StateSuspended:
		return 2
	case StateCompleted:
		return 3
	case StateDeclined, StateCanceled, StateClosed:
		return final
	}
	return 0
}

// String names the notification without its contents.
func (n Notification) String() string {
	return fmt.Sprintf("amazonpay.Notification(%s, %s, %s %s)", n.ID, n.Type, n.ObjectID(), n.Status().State)
}

// LogValue tells ids, types and the state, and nothing of the buyer.
func (n Notification) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", n.ID), slog.String("type", string(n.Type)), slog.String("eventType", string(n.EventType)),
		slog.String("sellerId", n.SellerID), slog.String("environment", string(n.Environment)),
		slog.Bool("sample", n.IsSample), slog.String("objectId", n.ObjectID()), slog.String("state", string(n.Status().State)))
}

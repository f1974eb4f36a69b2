package amazonpaytest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// The kinds of notifications, as NotificationType spells them.
const (
	orderKind      = "OrderReferenceNotification"
	agreementKind  = "BillingAgreementNotification"
	authorizeKind  = "PaymentAuthorize"
	captureKind    = "PaymentCapture"
	refundKind     = "PaymentRefund"
	creditKind     = "ProviderCredit"
	reversalKind   = "ProviderCreditReversal"
	chargebackKind = "Chargeback Detailed Notification"
	merchantKind   = "SolutionProviderEvent"
)

const notificationNamespace = "https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01"

// Message is a notification before it is signed. Every field may be left out;
// [Fake.Draft] fills them in for an object of the fake.
type Message struct {
	NotificationType string // such as "PaymentCapture" or "Chargeback Detailed Notification"
	Data             string // NotificationData, a document of XML
	EventType        string // of a BillingAgreementNotification, such as "PaymentMethodUpdated"
	SellerID         string // the seller that the object belongs to; empty is the fake's own

	// Sample marks a test message of Seller Central. Without Data it is about
	// Seller Central's made-up object, which exists for the types of order
	// references, authorizations, captures and refunds.
	Sample bool

	// Text is the whole Message, in place of one that is made of the fields
	// above.
	Text string

	Type             string    // of SNS: "SubscriptionConfirmation", "UnsubscribeConfirmation"; empty is "Notification"
	MessageID        string    // empty is a new one
	TopicARN         string    // empty is Amazon's topic for the seller
	Subject          string    // empty is none, as Amazon Pay does it
	Time             time.Time // zero is now, on the business clock
	SignatureVersion string    // "1" is SHA-1, all others are SHA-256; empty is the one of [Delivery]

	ObjectID string           // the object it is about; only for [Fake.Notifications]
	State    amazonpay.State  // likewise
	Reason   amazonpay.Reason // likewise
}

// subject is an object whose changes are told.
type subject interface {
	notice(*Fake) notice
}

type notice struct {
	kind   string
	id     string
	seller *seller
	status status
	object node
}

// change is a subject that has changed in the present step.
type change struct {
	subject subject
	event   string // EventType, if it is more than a change of state
}

// changed remembers that a subject has to be told of when the step is over. One
// that changes several times in a step is told of once, in the place of its
// last change.
func (f *Fake) changed(s subject, event string) {
	if s == nil || !f.listening() {
		return
	}
	if i := slices.IndexFunc(f.changes, func(c change) bool { return c.subject == s }); i >= 0 {
		fill(&event, f.changes[i].event)
		f.changes = slices.Delete(f.changes, i, i+1)
	}
	f.changes = append(f.changes, change{s, event})
}

// publish ends a step, a request or an event: what has changed is told. That a
// new object is Pending is no news to who asked for it.
func (f *Fake) publish() {
	changes := f.changes
	f.changes = nil
	for _, c := range changes {
		n := c.subject.notice(f)
		if n.status.is(amazonpay.StatePending) {
			continue
		}
		f.post(f.draft(n, c.event))
	}
}

// draft is the message about an object as it stands.
func (f *Fake) draft(n notice, event string) Message {
	if n.kind == agreementKind {
		fill(&event, "BillingAgreementStatusUpdated")
	}
	return Message{
		NotificationType: n.kind, EventType: event, SellerID: n.seller.id, Data: notificationDocument(n.kind, n.object, f.messages),
		ObjectID: n.id, State: n.status.state, Reason: n.status.reason,
	}
}

// Draft is the notification about an object as it stands: of any id, from the
// billing agreement's to the provider credit reversal's. It panics if there is
// no such object.
func (f *Fake) Draft(id string) Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.subject(id)
	if s == nil {
		panic(fmt.Sprintf("amazonpaytest: no object %q to notify of", id))
	}
	return f.draft(s.notice(f), "")
}

// subject finds an object of any kind; nil if there is none.
func (f *Fake) subject(id string) subject {
	return cmp.Or(in(f.agreements, id), in(f.orders, id), in(f.authorizations, id), in(f.captures, id),
		in(f.refunds, id), in(f.credits, id), in(f.reversals, id))
}

// in is the object of that id, nil if there is none.
func in[T subject](books map[string]T, id string) subject {
	if s, ok := books[id]; ok {
		return s
	}
	return nil
}

// notificationDocument is NotificationData.
func notificationDocument(kind string, object node, turn int) string {
	var b bytes.Buffer
	object.write(&b, turn)
	return `<?xml version="1.0" encoding="UTF-8"?><` + rootOf(kind) + ` xmlns="` + notificationNamespace + `">` + b.String() + "</" + rootOf(kind) + ">"
}

// rootOf is the root element of NotificationData.
func rootOf(kind string) string {
	switch kind {
	case authorizeKind:
		return "AuthorizationNotification"
	case chargebackKind:
		return "ChargebackNotification"
	case merchantKind:
		return "SolutionProviderMerchantNotification"
	}
	return strings.TrimSuffix(strings.TrimPrefix(kind, "Payment"), "Notification") + "Notification"
}

// told turns an element of an answer into that of a notification, which names
// some things differently.
func told(n node) node {
	kids := make([]node, len(n.kids))
	for i, kid := range n.kids {
		kid = told(kid)
		switch {
		case kid.name == "member" && strings.HasSuffix(n.name, "IdList"):
			kid.name = "Id"
		case kid.name == "member":
			kid.name = strings.TrimSuffix(n.name, "List")
		case kid.name == "ProviderId":
			kid.name = "ProviderSellerId"
		case kid.name == "LastUpdatedTimestamp":
			kid.name = "LastUpdateTimestamp"
		}
		kids[i] = kid
	}
	return node{name: n.name, text: n.text, kids: kids}
}

// some keeps only the named children, and adds others.
func (n node) some(name string, names []string, more ...node) node {
	kids := slices.DeleteFunc(slices.Clone(n.kids), func(kid node) bool { return !slices.Contains(names, kid.name) })
	return el(name, append(kids, more...)...)
}

func (a *agreement) notice(f *Fake) notice {
	object := told(f.agreementNode(a, a.status, shown{})).some("BillingAgreement",
		[]string{"AmazonBillingAgreementId", "BillingAgreementStatus", "CreationTimestamp", "BillingAgreementLimits", "BillingAgreementConsent"},
		el("SellerBillingAgreementAttributes", tx("SellerId", a.seller.id), opt("SellerBillingAgreementId", a.sellerID)))
	return notice{agreementKind, a.id, a.seller, a.status, object}
}

func (o *order) notice(f *Fake) notice {
	object := told(f.orderNode(o, shown{})).some("OrderReference",
		[]string{"AmazonOrderReferenceId", "OrderTotal", "SellerNote", "OrderReferenceStatus", "CreationTimestamp", "ExpirationTimestamp"},
		el("SellerOrderAttributes", tx("SellerId", o.seller.id), opt("SellerOrderId", o.sellerOrderID),
			list("OrderItemCategories", "OrderItemCategory", o.categories)))
	return notice{orderKind, o.id, o.seller, o.status, object}
}

func (a *authorization) notice(f *Fake) notice {
	object := told(f.authorizationNode(a, false))
	object.kids = append(object.kids, when(len(a.categories) == 0, el("OrderItemCategories")))
	return notice{authorizeKind, a.id, a.order.seller, a.status, object}
}

func (c *capture) notice(f *Fake) notice {
	object := told(f.captureNode(c))
	object.kids = append(object.kids, when(!c.paid, priced("CaptureFee", money{currency: c.amount.currency})))
	object.kids = append(object.kids, f.conversion(c.amount, c.paid)...)
	return notice{captureKind, c.id, c.authorization.order.seller, c.status, object}
}

func (b *refund) notice(f *Fake) notice {
	object := told(f.refundNode(b))
	object.kids = append(object.kids, f.conversion(b.amount, b.status.is(amazonpay.StateCompleted))...)
	return notice{refundKind, b.id, b.capture.authorization.order.seller, b.status, object}
}

func (c *credit) notice(*Fake) notice {
	return notice{creditKind, c.id, c.capture.authorization.order.seller, c.status, told(c.node("Id"))}
}

func (back *reversal) notice(*Fake) notice {
	return notice{reversalKind, back.id, back.credit.capture.authorization.order.seller, back.status, told(back.node())}
}

// topic is the topic's name but for the seller's id, and the MarketplaceID of
// its messages. Those of chargebacks have been seen in one place only.
func (f *Fake) topic(kind string) (arn, marketplace string) {
	switch sandbox := f.settings.Environment == amazonpay.Sandbox; {
	case kind == chargebackKind:
		return "arn:aws:sns:us-east-1:598607868003:A35A4JO734ER04", "165570"
	case f.settings.Region == amazonpay.RegionNA && sandbox:
		return "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17H", "623690"
	case f.settings.Region == amazonpay.RegionNA:
		return "arn:aws:sns:us-east-1:291180941288:AGWSWK15IEJJ7", "623680"
	case f.settings.Region == amazonpay.RegionJP:
		return "arn:aws:sns:us-west-2:291180941288:A31YDYE76E6TCP", "A31YDYE76E6TCP"
	case sandbox:
		return "arn:aws:sns:eu-west-1:291180941288:A1G8446IYHA4MR", "136311"
	}
	return "arn:aws:sns:eu-west-1:291180941288:A1G8446IYHA4MR", "A1G8446IYHA4MR"
}

// TopicARNs are the topics that the fake's notifications come from, for the
// configuration of a verifier: the first is that of all types but chargebacks,
// which have the second. They are named after the fake's own seller; messages
// about delegated sellers come from there, too.
func (f *Fake) TopicARNs() []string {
	all, _ := f.topic("")
	chargebacks, _ := f.topic(chargebackKind)
	return []string{all + f.settings.SellerID, chargebacks + f.settings.SellerID}
}

// uuid is one made of a text, the same in every run.
func uuid(text string) string {
	sum := sha256.Sum256([]byte(text))
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

const isoMillis = "2006-01-02T15:04:05.000Z"

// completed fills in what the message leaves out, and makes its text.
func (f *Fake) completed(m Message) Message {
	f.messages++
	arn, marketplace := f.topic(m.NotificationType)
	fill(&m.Type, "Notification")
	fill(&m.SellerID, f.settings.SellerID)
	fill(&m.TopicARN, arn+f.settings.SellerID)
	fill(&m.MessageID, uuid(f.settings.realm()+fmt.Sprint("message", m.SellerID, f.messages)))
	fill(&m.SignatureVersion, f.delivery.SignatureVersion)
	fill(&m.SignatureVersion, "1")
	if m.Time.IsZero() {
		m.Time = f.now
	}
	if m.Type == "Notification" && m.Text == "" {
		m.Text = f.notificationText(&m, arn, marketplace)
	}
	return m
}

// notificationText is the Message of a notification.
func (f *Fake) notificationText(m *Message, arn, marketplace string) string {
	reference := uuid(f.settings.realm() + fmt.Sprint("notification", m.SellerID, f.messages))
	if m.SellerID != f.settings.SellerID {
		reference += strings.ToLower(m.SellerID) // as recorded with solution providers
	}
	if m.Sample {
		reference, marketplace = "1111111-1111-11111-1111-11111EXAMPLE", arn[strings.LastIndex(arn, ":")+1:]
		if m.Data == "" {
			f.makeSample(m)
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	// Errors: a struct of texts has none to give.
	_ = e.Encode(struct {
		NotificationReferenceID string `json:"NotificationReferenceId"`
		MarketplaceID           string
		NotificationType        string
		IsSample                bool   `json:",omitempty"`
		SellerID                string `json:"SellerId"`
		ReleaseEnvironment      string
		Version                 string
		NotificationData        string
		Timestamp               string
		EventType               string `json:",omitempty"`
	}{reference, marketplace, m.NotificationType, m.Sample, m.SellerID, f.releaseNode().text, apiVersion,
		m.Data, m.Time.UTC().Format(isoMillis), m.EventType})
	return strings.ReplaceAll(strings.TrimSpace(b.String()), "/", `\/`)
}

// makeSample fills in the object of Seller Central's test messages: its id says
// nothing of its kind.
func (f *Fake) makeSample(m *Message) {
	const id, reference = "P01-0000000-0000000-000000", "P01-0000000-0000000-Ref"
	at := time.Date(2013, 1, 1, 1, 1, 1, 1e6, time.UTC)
	price := money{minor: 500, currency: f.ledgerIn, text: "5.0"}
	zero := money{currency: f.ledgerIn, text: "0.0"}
	done := status{state: amazonpay.StateCompleted, reason: "None", at: at}
	o := &order{id: id, created: at, total: price, visit: visit{seller: f.sellers[f.settings.SellerID]},
		status: status{state: amazonpay.StateClosed, reason: amazonpay.ReasonAmazonClosed, at: at}}
	a := &authorization{id: id, order: o, created: at, reference: reference, amount: price, captured: price, captureNow: true, descriptor: "softDescriptor",
		status: status{state: amazonpay.StateClosed, reason: amazonpay.ReasonMaxCapturesProcessed, at: at}}
	c := &capture{id: id, authorization: a, created: at, reference: reference, amount: price, refunded: zero, descriptor: "softDescriptor", status: done}
	b := &refund{id: id, capture: c, created: at, reference: reference, amount: price, descriptor: "softDescriptor", status: done}
	s := map[string]subject{orderKind: o, authorizeKind: a, captureKind: c, refundKind: b}[m.NotificationType]
	if s == nil {
		panic(fmt.Sprintf("amazonpaytest: Seller Central has no sample of %q", m.NotificationType))
	}
	n := s.notice(f)
	m.ObjectID, m.State, m.Reason = n.id, n.status.state, n.status.reason
	var text strings.Builder
	text.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<" + rootOf(n.kind) + ` xmlns="` + notificationNamespace + `">` + "\n")
	n.object.writeIndented(&text, "  ")
	m.Data = text.String() + "</" + rootOf(n.kind) + ">"
}

// writeIndented renders an element as Seller Central does.
func (n node) writeIndented(b *strings.Builder, indent string) {
	kids := present(n.kids)
	switch {
	case n.name == "":
	case len(kids) > 0:
		b.WriteString(indent + "<" + n.name + ">\n")
		for _, kid := range kids {
			kid.writeIndented(b, indent+"  ")
		}
		b.WriteString(indent + "</" + n.name + ">\n")
	case n.text == "":
		b.WriteString(indent + "<" + n.name + " />\n")
	default:
		b.WriteString(indent + "<" + n.name + ">")
		_ = xml.EscapeText(b, []byte(n.text)) // a strings.Builder has no errors to give
		b.WriteString("</" + n.name + ">\n")
	}
}

// Sign is the request that SNS posts for a message, for tests of what reads
// notifications. It needs no receiver and delivers nothing. A change to the
// body beyond SigningCertURL and UnsubscribeURL breaks the signature.
func (f *Fake) Sign(m Message) (http.Header, []byte) {
	return f.signed(func() Message {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.keep(entry{Signed: true})
		return f.completed(m)
	}())
}

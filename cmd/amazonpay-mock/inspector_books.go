package main

import (
	"cmp"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// How many rows a page shows of a kind.
const (
	glance   = 8
	pageSize = 20
	historic = 40
)

// payment is an authorization with all that hangs on it.
type payment struct {
	Authorization transaction
	Captures      []captured
}

type captured struct {
	transaction
	Refunds  []transaction
	Disputes []dispute
}

// transaction is a record with the acts that fit it.
type transaction struct {
	amazonpaytest.TransactionRecord
	Kind string
	Acts []actForm
}

type dispute struct {
	amazonpaytest.DisputeRecord
	Acts []actForm
}

// recent is a snapshot that is deep enough for the authorizations of a page to
// have all their captures and refunds in it: those are made after them.
func recent(b *books, offset, size int) amazonpaytest.Snapshot {
	for depth := 4 * (offset + size); ; depth *= 4 {
		snap := b.now().SnapshotOf(amazonpaytest.View{Limit: depth})
		first := snap.Now
		if shown := latest(snap.Authorizations, size, offset); len(shown) > 0 {
			first = shown[0].Created
		}
		deep := func(kind string, n int, made func() time.Time) bool {
			return snap.Counts[kind] <= n || made().Before(first)
		}
		if deep("captures", len(snap.Captures), func() time.Time { return snap.Captures[0].Created }) &&
			deep("refunds", len(snap.Refunds), func() time.Time { return snap.Refunds[0].Created }) &&
			deep("disputes", len(snap.Disputes), func() time.Time { return snap.Disputes[0].Created }) {
			return snap
		}
	}
}

// payments puts together what belongs together, the latest first.
func (p *sheet) payments(authorizations []amazonpaytest.TransactionRecord, s amazonpaytest.Snapshot) []payment {
	refunds, captures, disputes := make(map[string][]transaction), make(map[string][]captured), make(map[string][]dispute)
	shown := make(map[string]bool)
	for _, a := range authorizations {
		shown[a.ID] = true
	}
	owner := make(map[string]bool)
	for _, c := range s.Captures {
		owner[c.ID] = shown[c.ParentID]
	}
	for _, r := range s.Refunds {
		if owner[r.ParentID] {
			refunds[r.ParentID] = append(refunds[r.ParentID], p.transaction(r, "Refund", refundOffers(r)))
		}
	}
	for _, d := range s.Disputes {
		if owner[d.CaptureID] {
			disputes[d.CaptureID] = append(disputes[d.CaptureID], dispute{d, p.allActs(d.ID, disputeOffers(d))})
		}
	}
	for _, c := range s.Captures {
		if owner[c.ID] {
			captures[c.ParentID] = append(captures[c.ParentID], captured{p.transaction(c, "Capture", captureOffers(c)), refunds[c.ID], disputes[c.ID]})
		}
	}
	var all []payment
	for _, a := range authorizations {
		all = append(all, payment{p.transaction(a, "Authorization", authorizationOffers(a)), captures[a.ID]})
	}
	slices.Reverse(all)
	return all
}

func (p *sheet) transaction(r amazonpaytest.TransactionRecord, kind string, offers []offer) transaction {
	return transaction{r, kind, p.allActs(r.ID, offers)}
}

func (p *sheet) allActs(id string, offers []offer) []actForm {
	return slices.Concat(p.acts(id, "buyer", offers), p.acts(id, "amazon", offers), p.acts(id, "road", offers))
}

// call is a request as a row shows it.
type call struct {
	Time      time.Time
	Action    string
	Status    int
	Code      string
	Reference string
	Fault     amazonpaytest.FaultKind
	Replay    bool
}

// callOf leaves out what is secret or a buyer's.
func callOf(c amazonpaytest.Call) call {
	row := call{Time: c.Time, Action: c.Action, Status: c.Status, Code: c.Code, Fault: c.Fault, Replay: c.Replay}
	for _, name := range referenceNames {
		if id := c.Params.Get(name); referenceShape.MatchString(id) {
			row.Reference = id
			break
		}
	}
	return row
}

// Tone is how the status looks.
func (c call) Tone() string {
	switch {
	case c.Status >= 200 && c.Status < 300:
		return "good"
	case c.Status >= 400 && c.Status < 500:
		return "warn"
	}
	return "bad"
}

// sent is a notification with the form that sends it again.
type sent struct {
	amazonpaytest.NotificationRecord
	Again actForm
}

// Host is where it goes, without the path: some have a secret in it.
func (n sent) Host() string {
	u, err := url.Parse(n.Receiver)
	if err != nil {
		return ""
	}
	return u.Host
}

// Outcome says how it went.
func (n sent) Outcome() string {
	switch {
	case n.Lost:
		return "Lost"
	case n.Status >= 200 && n.Status < 300:
		return "Delivered"
	case n.Attempts == 0:
		return "Waiting"
	case !n.Due.IsZero():
		return "Trying again"
	}
	return "Failed"
}

// Why is what has kept the last attempt from being answered, without the address.
func (n sent) Why() string {
	if _, why, found := strings.Cut(n.Error, `": `); found {
		return why
	}
	return n.Error
}

// Tone is how the outcome looks.
func (n sent) Tone() string {
	return map[string]string{"Delivered": "good", "Waiting": "wait", "Trying again": "warn"}[n.Outcome()]
}

func (p *sheet) notifications(records []amazonpaytest.NotificationRecord) []sent {
	var rows []sent
	for _, n := range slices.Backward(records) {
		rows = append(rows, sent{n, p.form(actForm{Do: "Resend", Number: n.Number, Key: "f-Resend-" + strconv.Itoa(n.Number), Label: "Resend", Doc: docs["Resend"]})})
	}
	return rows
}

func backward[T any](list []T) []T {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

// overviewData is the first page.
type overviewData struct {
	amazonpaytest.Snapshot
	Payments []payment
	Sent     []sent
	Calls    []call
	Oneoff   []amazonpaytest.OrderRecord
	Point    [][2]string // how a client is pointed here

	NewAgreement, NewOrder, Clock, ClockBy, Inject, Heal, Reset actForm
	World                                                       []actForm
}

func (in *inspector) overview(w http.ResponseWriter, r *http.Request) {
	b := in.booksOfPage(w, r)
	if b == nil {
		return
	}
	p := in.page(r, b, "Overview")
	d := overviewData{Snapshot: recent(b, 0, glance), Point: in.point(b)}
	d.Payments = p.payments(latest(d.Authorizations, glance, 0), d.Snapshot)
	d.Sent = p.notifications(latest(d.Notifications, glance, 0))
	calls := b.now().Calls()
	d.Counts["calls"] = len(calls)
	for _, c := range backward(latest(calls, glance, 0)) {
		d.Calls = append(d.Calls, callOf(c))
	}
	d.Agreements, d.Orders = backward(latest(d.Agreements, glance, 0)), backward(latest(d.Orders, glance, 0))
	d.Due = d.Due[:min(len(d.Due), glance)]
	in.forms(p, b, &d)
	p.finish()
	in.render(w, "overview", http.StatusOK, p, d)
}

// forms are those of the overview.
func (in *inspector) forms(p *sheet, b *books, d *overviewData) {
	digital := field{Name: "digital", Label: "Digital goods: no address", Kind: "check"}
	d.NewAgreement = p.form(actForm{Key: "new-agreement", Fields: []field{paymentField(""), digital}})
	d.NewOrder = p.form(actForm{Key: "new-order", Fields: []field{
		amountField("Total", amazonpay.Currency(b.region.LedgerCurrency()), "for an open one"), paymentField(""), digital}})
	d.Clock = p.form(actForm{Path: "clock", Key: "clock"})
	d.ClockBy = p.form(actForm{Path: "clock", Key: "clock-by", Label: "Advance", Fields: []field{
		{Name: "duration", Label: "Any duration", Kind: "text", Hint: "36h, 90m, 30d", Required: true}}})
	var kinds []string
	for _, kind := range amazonpaytest.FaultKinds() {
		kinds = append(kinds, string(kind))
	}
	d.Inject = p.form(actForm{Path: "fault", Key: "inject", Label: "Inject", Fields: []field{
		{Name: "action", Label: "Action", Kind: "select", Options: append([]string{""}, faultActions...)},
		{Name: "kind", Label: "Kind", Kind: "select", Options: kinds},
		{Name: "times", Label: "Times", Kind: "text", Value: "1", Hint: "-1 is all"},
		{Name: "probability", Label: "Probability", Kind: "text", Hint: "above 0, up to 1"},
		{Name: "delay", Label: "Delay", Kind: "text", Hint: "such as 2s"}}})
	d.Heal = p.form(actForm{Path: "fault", Do: "Heal", Key: "heal", Label: "Take all back"})
	d.Reset = p.form(actForm{Path: "reset", Key: "reset", Label: "Forget everything", Grave: true, Fields: []field{
		{Name: "sure", Label: "In all regions: nothing can be brought back", Kind: "check"}}})
	for _, f := range []actForm{
		{Do: "SetQuota", Label: "Set quotas", Fields: []field{{Name: "quota", Label: "Quota factor", Kind: "text", Hint: "1 as documented, 0 none"}}},
		{Do: "SetServiceStatus", Label: "Set service status", Fields: []field{
			{Name: "status", Label: "Service status", Kind: "select", Options: []string{"GREEN", "GREEN_I", "YELLOW", "RED"}},
			{Name: "text", Label: "Text", Kind: "text"}}},
		{Do: "SetAccountActive", Label: "Set account", Fields: []field{{Name: "active", Label: "The seller’s account is active", Kind: "check", Value: "on"}}},
		{Do: "SetDelivery", Label: "Set delivery", Fields: []field{
			{Name: "duration", Label: "Notifications are late by", Kind: "text", Hint: "such as 5m"},
			{Name: "duplicates", Label: "Duplicates", Kind: "text", Hint: "how often each comes again"},
			{Name: "lossRate", Label: "Loss", Kind: "text", Hint: "probability, 0 to 1"},
			{Name: "reversed", Label: "The latest first", Kind: "check"}}},
	} {
		f.Doc = docs[f.Do]
		d.World = append(d.World, p.form(f))
	}
}

// point tells what the banner at the start tells, and no more.
func (in *inspector) point(b *books) [][2]string {
	client, login := b.now().Config(), b.now().LoginClient()
	base := slices.Concat(in.urls("http"), in.urls("https"))[0]
	return [][2]string{
		{"Base URL", base}, {"Region", string(b.region)}, {"Environment", string(b.environment)},
		{"Seller id", client.SellerID}, {"Access key", client.AccessKey}, {"Secret key", shown(in.config.secretKey, defaultSecretKey)},
		{"Login client", login.ID}, {"Login secret", shown(login.Secret, defaultLoginSecret)}, {"Control API", base + "/mock/"},
	}
}

// listData is all of one kind.
type listData struct {
	Kind, Heading string
	Pager         pager
	Agreements    []amazonpaytest.AgreementRecord
	Orders        []amazonpaytest.OrderRecord
	Payments      []payment
	Sent          []sent
	Calls         []call
	Due           []amazonpaytest.DueRecord
}

func (in *inspector) list(w http.ResponseWriter, r *http.Request) {
	b := in.booksOfPage(w, r)
	if b == nil {
		return
	}
	kind := r.PathValue("kind")
	headings := map[string]string{"agreements": "Billing agreements", "orders": "Order references", "payments": "Payments",
		"notifications": "Notifications", "calls": "Calls", "due": "Due"}
	if headings[kind] == "" {
		in.fail(w, r, &problem{http.StatusNotFound, "kind", "There is no such list."})
		return
	}
	p, d := in.page(r, b, headings[kind]), listData{Kind: kind, Heading: headings[kind]}
	counts := b.now().SnapshotOf(amazonpaytest.View{Limit: 1}).Counts
	counts["payments"] = counts["authorizations"]
	calls := []amazonpaytest.Call(nil)
	if kind == "calls" {
		calls = b.now().Calls()
		counts["calls"] = len(calls)
	}
	offset := 0
	d.Pager, offset = pageOf(r, counts[kind], pageSize)
	view := amazonpaytest.View{Limit: pageSize, Offset: offset}
	switch kind {
	case "agreements":
		d.Agreements = backward(b.now().SnapshotOf(view).Agreements)
	case "orders":
		d.Orders = backward(b.now().SnapshotOf(view).Orders)
	case "payments":
		snap := recent(b, offset, pageSize)
		d.Payments = p.payments(latest(snap.Authorizations, pageSize, offset), snap)
	case "notifications":
		d.Sent = p.notifications(b.now().SnapshotOf(view).Notifications)
	case "calls":
		for _, c := range backward(latest(calls, pageSize, offset)) {
			d.Calls = append(d.Calls, callOf(c))
		}
	case "due":
		due := b.now().SnapshotOf(amazonpaytest.View{Limit: offset + pageSize}).Due
		d.Due = due[min(offset, len(due)):]
	}
	p.finish()
	in.render(w, "list", http.StatusOK, p, d)
}

// rootOf is the agreement or the order reference whose page shows an id; empty
// if nothing has that id.
func rootOf(s amazonpaytest.Snapshot, id string) string {
	for _, a := range s.Agreements {
		if a.ID == id {
			return id
		}
	}
	for _, o := range s.Orders {
		if o.ID == id {
			return id
		}
	}
	for _, d := range s.Disputes {
		if d.ID == id {
			return rootOf(s, d.CaptureID)
		}
	}
	for _, t := range slices.Concat(s.Authorizations, s.Captures, s.Refunds) {
		if t.ID == id {
			return rootOf(s, t.ParentID)
		}
	}
	return ""
}

// objectData is an agreement or an order reference, with all that hangs on it.
type objectData struct {
	Agreement *amazonpaytest.AgreementRecord
	Order     *amazonpaytest.OrderRecord
	Record    amazonpaytest.Record
	Buyer     []actForm
	Amazon    []actForm
	Road      []actForm
	Person    *amazonpay.Buyer
	Address   *amazonpay.Address
	Payments  []payment
	Pager     pager
	Orders    []amazonpaytest.OrderRecord
	Due       []amazonpaytest.DueRecord
	Moved     []amazonpaytest.Total
	History   []happening
	Earlier   int // so many things of the history are not shown
	Renewed   time.Time
}

func (in *inspector) object(w http.ResponseWriter, r *http.Request) {
	b := in.booksOfPage(w, r)
	if b == nil {
		return
	}
	id := r.PathValue("id")
	s := b.now().SnapshotOf(amazonpaytest.View{ID: id, Buyers: true})
	root := rootOf(s, id)
	p := in.page(r, b, id)
	switch root {
	case "":
		in.fail(w, r, &problem{http.StatusNotFound, "id", "Nothing has the id “" + id + "” in the region " + p.Region + "."})
		return
	case id:
	default:
		to := localPage(p.Link(root))
		query := to.Query()
		if key := r.URL.Query().Get("told"); key != "" {
			query.Set("told", key)
		}
		to.RawQuery, to.Fragment = query.Encode(), id
		http.Redirect(w, r, to.String(), http.StatusSeeOther)
		return
	}
	d := objectData{Due: s.Due}
	for i, a := range s.Agreements {
		if a.ID == id {
			d.Agreement, d.Record, d.Person, d.Address = &s.Agreements[i], a.Record, a.Buyer, a.Address
			d.offer(p, agreementOffers(a))
			first := time.Date(s.Now.Year(), s.Now.Month(), 1, 0, 0, 0, 0, time.UTC)
			d.Renewed = first.AddDate(0, 1, 0)
		}
	}
	for i, o := range s.Orders {
		if o.ID == id {
			d.Order, d.Record, d.Person, d.Address = &s.Orders[i], o.Record, o.Buyer, o.Address
			d.offer(p, orderOffers(o))
			narrow(&s, id)
			d.Due = s.Due
		}
	}
	offset := 0
	d.Pager, offset = pageOf(r, len(s.Authorizations), pageSize)
	d.Payments = p.payments(latest(s.Authorizations, pageSize, offset), s)
	if d.Agreement != nil {
		d.Orders = backward(latest(s.Orders, pageSize, offset))
	}
	d.history(p, b, s)
	p.finish()
	in.render(w, "object", http.StatusOK, p, d)
}

func (d *objectData) offer(p *sheet, offers []offer) {
	id := d.Record.ID
	d.Buyer, d.Amazon, d.Road = p.acts(id, "buyer", offers), p.acts(id, "amazon", offers), p.acts(id, "road", offers)
}

// narrow leaves of an agreement's family what belongs to one order reference.
func narrow(s *amazonpaytest.Snapshot, id string) {
	own := map[string]bool{id: true}
	keep := func(all []amazonpaytest.TransactionRecord) []amazonpaytest.TransactionRecord {
		all = slices.DeleteFunc(all, func(t amazonpaytest.TransactionRecord) bool { return !own[t.ParentID] })
		for _, t := range all {
			own[t.ID] = true
		}
		return all
	}
	s.Authorizations = keep(s.Authorizations)
	s.Captures = keep(s.Captures)
	s.Refunds = keep(s.Refunds)
	s.Agreements = nil
	s.Orders = slices.DeleteFunc(s.Orders, func(o amazonpaytest.OrderRecord) bool { return o.ID != id })
	s.Disputes = slices.DeleteFunc(s.Disputes, func(d amazonpaytest.DisputeRecord) bool { return !own[d.CaptureID] })
	for _, d := range s.Disputes {
		own[d.ID] = true
	}
	s.Due = slices.DeleteFunc(s.Due, func(d amazonpaytest.DueRecord) bool { return !own[d.ID] })
	s.Notifications = slices.DeleteFunc(s.Notifications, func(n amazonpaytest.NotificationRecord) bool { return !own[n.ObjectID] })
}

// happening is a line of an object's history.
type happening struct {
	At    time.Time
	Kind  string // made, call, money or notification
	Title string
	ID    string // of the object that it is about
	Call  *call
	Sent  *sent
	Money *amazonpaytest.Movement

	first  bool // of its moment
	serial int  // among those of its kind
}

var serialEnd = regexp.MustCompile(`[0-9]+$`)

// serialOf is the number by which the fake made an id.
func serialOf(id string) int {
	n, _ := strconv.Atoi(serialEnd.FindString(id)) // an id without one comes first
	return n
}

// history is all that is known to have happened, the latest first.
func (d *objectData) history(p *sheet, b *books, s amazonpaytest.Snapshot) {
	own, references := make(map[string]bool), make(map[string]bool)
	made := func(kind string, r amazonpaytest.Record) {
		own[r.ID] = true
		d.History = append(d.History, happening{At: r.Created, Kind: "made", Title: kind, ID: r.ID, serial: serialOf(r.ID)})
	}
	for _, a := range s.Agreements {
		made("Billing agreement", a.Record)
	}
	for _, o := range s.Orders {
		made("Order reference", o.Record)
	}
	for kind, list := range map[string][]amazonpaytest.TransactionRecord{"Authorization": s.Authorizations, "Capture": s.Captures, "Refund": s.Refunds} {
		for _, t := range list {
			made(kind, t.Record)
			references[t.ReferenceID] = true
		}
	}
	for _, x := range s.Disputes {
		made("Chargeback", amazonpaytest.Record{ID: x.ID, Created: x.Created})
	}
	for i, m := range b.now().Ledger() {
		if id := cmp.Or(string(m.RefundID), string(m.CaptureID)); own[id] {
			d.History = append(d.History, happening{At: m.Time, Kind: "money", Title: string(m.Kind), ID: id, Money: &m, serial: i})
		}
	}
	for i, c := range b.now().Calls() {
		// The call that makes an order reference does not know its id yet.
		mine := d.Order != nil && d.Order.AgreementID != "" && c.Params.Get("AmazonBillingAgreementId") == d.Order.AgreementID &&
			references[c.Params.Get("AuthorizationReferenceId")]
		for _, name := range referenceNames {
			mine = mine || own[c.Params.Get(name)]
		}
		if mine {
			row := callOf(c)
			d.History = append(d.History, happening{At: c.Time, Kind: "call", Title: c.Action, Call: &row, serial: i})
		}
	}
	for _, n := range p.notifications(s.Notifications) {
		d.History = append(d.History, happening{At: n.Made, Kind: "notification", Title: cmp.Or(n.Event, n.Type), ID: n.ObjectID, Sent: &n, serial: n.Number})
	}
	// Within a moment: what it is all about, calls, and what has come of them.
	rank := map[string]int{"call": 1, "made": 2, "money": 3, "notification": 4}
	for i := range d.History {
		h := &d.History[i]
		h.first = h.Kind == "made" && h.ID == d.Record.ID && d.Agreement != nil // a charge makes its order reference
	}
	slices.SortStableFunc(d.History, func(a, b happening) int {
		if a.first != b.first && a.At.Equal(b.At) {
			return map[bool]int{true: 1, false: -1}[a.first]
		}
		return cmp.Or(b.At.Compare(a.At), rank[b.Kind]-rank[a.Kind], b.serial-a.serial, cmp.Compare(b.ID, a.ID))
	})
	if len(d.History) > historic {
		d.Earlier = len(d.History) - historic
		d.History = d.History[:historic]
	}
}

// faultActions are the actions that a fault may strike.
var faultActions = []string{
	"AuthorizeOnBillingAgreement", "Authorize", "Capture", "Refund", "CloseAuthorization",
	"GetBillingAgreementDetails", "SetBillingAgreementDetails", "ConfirmBillingAgreement", "ValidateBillingAgreement", "CloseBillingAgreement",
	"CreateOrderReferenceForId", "GetOrderReferenceDetails", "SetOrderReferenceDetails", "SetOrderAttributes", "ConfirmOrderReference",
	"CancelOrderReference", "CloseOrderReference", "ListOrderReference", "ListOrderReferenceByNextToken",
	"GetAuthorizationDetails", "GetCaptureDetails", "GetRefundDetails",
	"GetProviderCreditDetails", "GetProviderCreditReversalDetails", "ReverseProviderCredit",
	"GetServiceStatus", "GetMerchantAccountStatus", "GetMerchantNotificationConfiguration", "SetMerchantNotificationConfiguration",
	"authorize", "token", "tokeninfo", "profile",
}

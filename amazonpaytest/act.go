package amazonpaytest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// Act is one thing that happens outside the payment API, by name: what the
// buyer does in the widgets, what Amazon decides, what the road does to
// requests, and the passing of time. It is made to be read from JSON: the zero
// field is one that was not sent, times and durations are texts. [Acts] is the
// table of what there is and which fields it takes.
type Act struct {
	Do string `json:"do"`           // one of the names in Acts
	ID string `json:"id,omitempty"` // the object's, as Amazon gave it; a buyer's user_id for logins

	SellerID       string             `json:"seller,omitempty"`         // empty is the fake's own
	Buyer          *amazonpay.Buyer   `json:"buyer,omitempty"`          // nil is a made-up one
	Address        *amazonpay.Address `json:"address,omitempty"`        // nil is a made-up one
	Payment        PaymentMethod      `json:"payment,omitempty"`        // empty is GoodCard
	Currency       amazonpay.Currency `json:"currency,omitempty"`       // presentment currency of the Wallet
	Digital        bool               `json:"digital,omitempty"`        // no AddressBook was shown
	AddressMissing bool               `json:"addressMissing,omitempty"` // no address was picked
	PaymentMissing bool               `json:"paymentMissing,omitempty"` // no payment method was picked
	BuyerIsSeller  bool               `json:"buyerIsSeller,omitempty"`  // the buyer is the seller
	Amount         amazonpay.Price    `json:"amount,omitzero"`          // such as "19.90 USD"
	Reason         string             `json:"reason,omitempty"`         // a reason code of Amazon's, or the bank's text for a chargeback
	Soft           bool               `json:"soft,omitempty"`           // a SoftDecline
	Status         string             `json:"status,omitempty"`         // of the service, or AuthenticationStatus
	Text           string             `json:"text,omitempty"`           // of the service's status
	Active         bool               `json:"active,omitempty"`         // the account's
	Duration       string             `json:"duration,omitempty"`       // such as "720h", "90m", "P30D" or "PT1H30M"
	To             time.Time          `json:"to,omitzero"`              // a point of the business clock
	Action         string             `json:"action,omitempty"`         // the API's action that a fault strikes
	Kind           FaultKind          `json:"kind,omitempty"`           // of the fault
	Times          int                `json:"times,omitempty"`          // how often a fault strikes
	Duplicates     int                `json:"duplicates,omitempty"`     // how often each notification comes again
	Reversed       bool               `json:"reversed,omitempty"`       // notifications: the latest first
	Signature      string             `json:"signature,omitempty"`      // signature version of notifications, "1" or "2"
	DuplicateRate  float64            `json:"duplicateRate,omitempty"`  // probability that a notification comes once more
	ReorderRate    float64            `json:"reorderRate,omitempty"`    // probability that a notification is overtaken
	LossRate       float64            `json:"lossRate,omitempty"`       // probability that a notification never arrives
	Probability    float64            `json:"probability,omitempty"`    // of a fault
	Quota          float64            `json:"quota,omitempty"`          // the factor by which quotas are restored; 0 is none
	Message        *Message           `json:"message,omitempty"`        // a notification
	Number         int                `json:"number,omitempty"`         // of a notification in Notifications, from 0
	Options        map[string]string  `json:"options,omitempty"`        // of a merchant who signs up with you
	URL            string             `json:"url,omitempty"`            // of the consent page
	Allow          bool               `json:"allow,omitempty"`          // the buyer allows what the consent page asks for
	Client         string             `json:"client,omitempty"`         // client id of Login with Amazon
}

// Outcome is what has come of an act.
type Outcome struct {
	ID     string           `json:"id,omitempty"`     // of the object that was made, or acted on; a buyer's user_id for logins
	State  amazonpay.State  `json:"state,omitempty"`  // where it stands now
	Reason amazonpay.Reason `json:"reason,omitempty"` // and why
	Token  string           `json:"token,omitempty"`  // the buyer's token, of AccessToken
	URL    string           `json:"url,omitempty"`    // where the browser is sent to
	Now    time.Time        `json:"now"`              // the business clock

	idle bool // nothing has changed
}

// ActInfo describes an act.
type ActInfo struct {
	Do    string   `json:"do"`    // its name
	Doc   string   `json:"doc"`   // what it does
	Needs []string `json:"needs"` // the fields of [Act], as JSON names them, without which it is refused
	Takes []string `json:"takes"` // the fields that may be left out
}

// Acts are all there are, in an order to be read in.
func Acts() []ActInfo {
	infos := make([]ActInfo, len(deeds))
	for i, d := range deeds {
		infos[i] = ActInfo{d.name, d.doc, slices.Clone(d.needs), slices.Clone(d.takes)}
	}
	return infos
}

// Act does something by name. It never panics: an act that is unknown, lacks a
// field, has one that it does not take or is not possible as things stand
// changes nothing, and the error names the field and what would be valid. It is
// [Fake.JournalError] where the journal can no longer be written.
func (f *Fake) Act(a Act) (Outcome, error) {
	d, known := deedsByName[a.Do]
	if !known {
		return Outcome{}, fmt.Errorf("amazonpaytest: do: no act %q; there are %s", a.Do, strings.Join(deedNames(), ", "))
	}
	given, err := a.given()
	if err != nil {
		return Outcome{}, a.wrong("to", "or a number cannot be written as JSON: %v", err)
	}
	for _, name := range d.needs {
		if !slices.Contains(given, name) {
			return Outcome{}, a.wrong(name, "is missing; %s", d.fields())
		}
	}
	for _, name := range given {
		if !slices.Contains(d.needs, name) && !slices.Contains(d.takes, name) {
			return Outcome{}, a.wrong(name, "does not belong to it; %s", d.fields())
		}
	}
	return f.play(a)
}

// given are the fields that are set, as JSON names them.
func (a Act) given() ([]string, error) {
	text, err := json.Marshal(a)
	if err != nil { // a number that JSON does not know, a time beyond the year 9999
		return nil, err
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(text, &fields) // it was made a moment ago
	delete(fields, "do")
	return sortedNames(fields), nil
}

// actError is an act that was refused. One that is only too late or too early
// is no mistake of a test's: the handles do nothing then.
type actError struct {
	do, field, text string
	untimely        bool
}

// Error names the act and the field.
func (e *actError) Error() string {
	return "amazonpaytest: " + e.do + ": " + e.field + " " + e.text
}

func (a Act) wrong(field, format string, args ...any) error {
	return &actError{do: a.Do, field: field, text: fmt.Sprintf(format, args...)}
}

// untimely refuses an act on an object that is in another state than it needs.
func (a Act) untimely(s status, needs ...amazonpay.State) error {
	return &actError{do: a.Do, field: "id", untimely: true,
		text: fmt.Sprintf("names what is %s; the act needs one of %v", s.state, needs)}
}

// play does an act whose fields have been checked, or were set by a handle.
func (f *Fake) play(a Act) (Outcome, error) {
	d := deedsByName[a.Do]
	if d.outside != nil {
		err := f.JournalError()
		if err == nil {
			err = cmp.Or(d.outside(f, a), f.JournalError())
		}
		return Outcome{Now: f.Now()}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.enact(d, a)
}

// enact does an act under the lock. What cannot be kept is not told to anybody.
func (f *Fake) enact(d deed, a Act) (Outcome, error) {
	if err := f.journal.failure(); err != nil {
		return Outcome{Now: f.now}, err
	}
	outcome, err := d.do(f, a)
	outcome.Now = f.now
	if err != nil {
		return Outcome{Now: f.now}, err
	}
	if !outcome.idle {
		f.keep(entry{Act: &a})
	}
	if err := f.journal.failure(); err != nil {
		f.changes = nil
		return Outcome{Now: f.now}, err
	}
	f.publish()
	return outcome, nil
}

// must does the act of a method that panics on nonsense.
func (f *Fake) must(a Act) Outcome {
	outcome, err := f.play(a)
	if err != nil {
		panic(err.Error())
	}
	return outcome
}

// try does the act of a method that does nothing where nothing can be done.
func (f *Fake) try(a Act) {
	_, err := f.play(a)
	if e, ok := err.(*actError); err != nil && !(ok && e.untimely) {
		panic(err.Error())
	}
}

// deed is an act in the table. It checks everything before it changes
// anything.
type deed struct {
	name, doc    string
	needs, takes []string
	do           func(*Fake, Act) (Outcome, error)
	outside      func(*Fake, Act) error // one that takes the lock by itself
}

func (d deed) fields() string {
	if len(d.needs)+len(d.takes) == 0 {
		return "it takes no fields"
	}
	return fmt.Sprintf("it needs %q and takes %q", d.needs, d.takes)
}

func deedNames() []string {
	names := make([]string, len(deeds))
	for i, d := range deeds {
		names[i] = d.name
	}
	return names
}

// deedsByName is filled by init, because the deeds lead back to it.
var deedsByName = make(map[string]deed)

func init() {
	for _, d := range deeds {
		deedsByName[d.name] = d
	}
}

package main

import (
	"cmp"
	"fmt"
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

// actForm is a form of a page: an act with its fields.
type actForm struct {
	Page   *sheet
	Path   string // it is sent to
	Do     string // the act; empty if a button or the path says it
	ID     string // of the object; empty is none
	Number int    // of a notification
	Key    string // what it is called on its page
	Label  string // of the button
	Doc    string // what it does
	Grave  bool   // it ends something
	Fields []field
	Failed string // why it was refused, if no field is to blame
}

// field is an input of a form.
type field struct {
	Name, Label, Hint string
	Kind              string // text, check or select
	Options           []string
	Value             string
	Required          bool
	Error             string
	ID                string // in the page
}

// form makes a form, with what was filled in if it has been refused.
func (p *sheet) form(f actForm) actForm {
	f.Page, f.Path = p, cmp.Or(f.Path, "act")
	f.Key = cmp.Or(f.Key, "f-"+f.Do+"-"+f.ID)
	f.Fields = slices.Clone(f.Fields)
	refused := p.failed != nil && p.failed.Form == f.Key
	if refused {
		p.shown = true
		f.Failed = p.failed.Message
	}
	for i := range f.Fields {
		field := &f.Fields[i]
		field.ID = f.Key + "-" + field.Name
		if !refused {
			continue
		}
		field.Value = p.failed.Values.Get(field.Name)
		if field.Name == p.failed.Field {
			field.Error, f.Failed = p.failed.Message, ""
		}
	}
	return f
}

// The inputs of acts.
func paymentField(now amazonpaytest.PaymentMethod) field {
	f := field{Name: "payment", Label: "Payment method", Kind: "select", Value: string(now)}
	for _, m := range amazonpaytest.PaymentMethods() {
		f.Options = append(f.Options, string(m))
	}
	return f
}

func reasonField(reasons ...amazonpay.Reason) field {
	f := field{Name: "reason", Label: "Reason", Kind: "select"}
	for _, r := range reasons {
		f.Options = append(f.Options, string(r))
	}
	return f
}

func amountField(label string, currency amazonpay.Currency, hint string) field {
	example := "19.90 "
	if currency == amazonpay.CurrencyJPY {
		example = "1990 "
	}
	return field{Name: "amount", Label: label, Kind: "text", Hint: "such as " + example + string(currency) + "; " + hint}
}

func addressFields(region string) []field {
	country := map[string]string{"NA": "US", "UK": "GB", "EU": "DE", "JP": "JP"}[region]
	return []field{
		{Name: "Name", Label: "Name", Kind: "text", Value: "Bea Example"},
		{Name: "AddressLine1", Label: "Street", Kind: "text", Value: "1 Example Street"},
		{Name: "City", Label: "City", Kind: "text", Value: "Exampletown"},
		{Name: "StateOrRegion", Label: "State or region", Kind: "text"},
		{Name: "PostalCode", Label: "Post code", Kind: "text", Value: "12345"},
		{Name: "CountryCode", Label: "Country", Kind: "text", Value: country, Hint: "two letters"},
		{Name: "Phone", Label: "Phone", Kind: "text"},
	}
}

// actOf reads an act from a form. What is empty was not sent.
func actOf(v url.Values) (amazonpaytest.Act, error) {
	a := amazonpaytest.Act{
		Do: v.Get("do"), ID: v.Get("id"), Payment: amazonpaytest.PaymentMethod(v.Get("payment")),
		Reason: strings.TrimSpace(v.Get("reason")), Status: v.Get("status"), Text: v.Get("text"),
		Duration:  strings.TrimSpace(v.Get("duration")),
		Signature: v.Get("signature"),
	}
	if text := strings.TrimSpace(v.Get("amount")); text != "" {
		if err := a.Amount.UnmarshalText([]byte(text)); err != nil {
			return a, wrong("amount", "amount %s is no price: it is written as 19.90 USD", strconv.Quote(text))
		}
	}
	for name, flag := range map[string]*bool{"soft": &a.Soft, "digital": &a.Digital, "active": &a.Active, "reversed": &a.Reversed,
		"addressMissing": &a.AddressMissing, "paymentMissing": &a.PaymentMissing} {
		*flag = v.Get(name) != ""
	}
	for name, number := range map[string]*int{"number": &a.Number, "duplicates": &a.Duplicates} {
		if err := readNumber(v, name, number, strconv.Atoi, "a whole number"); err != nil {
			return a, err
		}
	}
	float := func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }
	for name, number := range map[string]*float64{"quota": &a.Quota, "duplicateRate": &a.DuplicateRate, "reorderRate": &a.ReorderRate, "lossRate": &a.LossRate} {
		if err := readNumber(v, name, number, float, "a number such as 0.5"); err != nil {
			return a, err
		}
	}
	if v.Has("CountryCode") {
		a.Address = &amazonpay.Address{Name: v.Get("Name"), AddressLine1: v.Get("AddressLine1"), City: v.Get("City"),
			StateOrRegion: v.Get("StateOrRegion"), PostalCode: v.Get("PostalCode"), CountryCode: v.Get("CountryCode"), Phone: v.Get("Phone")}
	}
	return a, nil
}

func readNumber[N int | float64](v url.Values, name string, into *N, parse func(string) (N, error), what string) error {
	text := strings.TrimSpace(v.Get(name))
	if text == "" {
		return nil
	}
	n, err := parse(text)
	if err != nil {
		return wrong(name, "%s must be %s", name, what)
	}
	*into = n
	return nil
}

// doAct does what the buyer, Amazon or the road does.
func (in *inspector) doAct(r *http.Request, b *books) (formResult, error) {
	a, err := actOf(r.PostForm)
	if err != nil {
		return formResult{}, err
	}
	if a.Do == "NewOrderReference" {
		a.Amount = amazonpay.Price{} // the seller sets it later
	}
	if a.Do == "Advance" || a.Do == "AdvanceTo" || a.Do == "AccessToken" {
		return formResult{}, wrong("do", "%s is no form of this page", a.Do)
	}
	outcome, err := in.amazon.act(b, a)
	if err != nil {
		return formResult{}, err
	}
	in.log.Info("inspector", "act", a.Do, "id", outcome.ID)
	result := formResult{told: a.Do + ": done."}
	if outcome.ID != "" && outcome.State != "" {
		result.told = fmt.Sprintf("%s: %s is %s.", a.Do, outcome.ID, outcome.State)
	}
	if outcome.URL != "" {
		result.told += " The browser goes to " + outcome.URL
	}
	switch a.Do {
	case "NewBillingAgreement", "OpenBillingAgreement", "NewOrderReference", "OpenOrderReference":
		result.page = in.page(r, b, "").Link(outcome.ID)
	}
	return result, nil
}

var days = regexp.MustCompile(`^([0-9]{1,5}) ?(d|days?)$`)

// doClock moves the business clock on.
func (in *inspector) doClock(r *http.Request, b *books) (formResult, error) {
	now := b.now().Now()
	act := amazonpaytest.Act{Do: "AdvanceTo"}
	switch by := r.PostForm.Get("by"); by {
	case "month":
		act.To = nextMonth(now)
	case "next":
		due := b.now().SnapshotOf(amazonpaytest.View{Limit: 1}).Due
		if len(due) == 0 {
			return formResult{}, wrong("by", "there is no next event: nothing is due")
		}
		act.To = due[0].At
	case "hour":
		act.To = now.Add(time.Hour)
	case "day":
		act.To = now.AddDate(0, 0, 1)
	default:
		act = amazonpaytest.Act{Do: "Advance", Duration: days.ReplaceAllString(strings.TrimSpace(r.PostForm.Get("duration")), "P${1}D")}
	}
	outcome, err := in.amazon.advance(act)
	if err != nil {
		return formResult{}, called("duration", "duration", err)
	}
	in.log.Info("inspector", "clock", outcome.Now)
	return formResult{told: "The clock stands at " + outcome.Now.UTC().Format("2 Jan 2006, 15:04:05") + "."}, nil
}

// nextMonth is the same day of the next month, or the last that it has.
func nextMonth(t time.Time) time.Time {
	next := t.AddDate(0, 1, 0)
	if next.Day() != t.Day() {
		next = next.AddDate(0, 0, -next.Day())
	}
	return next
}

// doFault injects a fault, or takes all back.
func (in *inspector) doFault(r *http.Request, b *books) (formResult, error) {
	v := r.PostForm
	if v.Get("do") == "Heal" {
		if _, err := in.amazon.act(b, amazonpaytest.Act{Do: "Heal"}); err != nil {
			return formResult{}, err
		}
		return formResult{told: "All waiting faults are taken back."}, nil
	}
	f := faultBody{Action: v.Get("action"), Kind: amazonpaytest.FaultKind(v.Get("kind")), Delay: strings.TrimSpace(v.Get("delay"))}
	if err := readNumber(v, "times", &f.Times, strconv.Atoi, "a whole number; -1 is all that come"); err != nil {
		return formResult{}, err
	}
	probability := func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }
	if err := readNumber(v, "probability", &f.Probability, probability, "a number above 0 and up to 1"); err != nil {
		return formResult{}, err
	}
	if _, err := in.amazon.act(b, f.act()); err != nil {
		return formResult{}, called("delay", "duration", err)
	}
	in.log.Info("inspector", "fault", string(f.Kind))
	return formResult{told: string(f.Kind) + " waits for " + cmp.Or(f.Action, "the next request") + "."}, nil
}

// doReset forgets everything, if that is meant.
func (in *inspector) doReset(r *http.Request, _ *books) (formResult, error) {
	if r.PostForm.Get("sure") == "" {
		return formResult{}, wrong("sure", "sure must be ticked: nothing can be brought back")
	}
	if err := in.amazon.reset(); err != nil {
		return formResult{}, err
	}
	return formResult{told: "Everything is forgotten.", page: "/"}, nil
}

// Wide tells a form that is folded away until somebody wants it.
func (f actForm) Wide() bool { return len(f.Fields) > 1 }

// Open tells a folded form that has something to say.
func (f actForm) Open() bool {
	return f.Failed != "" || slices.ContainsFunc(f.Fields, func(f field) bool { return f.Error != "" })
}

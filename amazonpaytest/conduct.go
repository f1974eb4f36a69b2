package amazonpaytest

import (
	"cmp"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// duration writes one as an act has it.
func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

var isoDuration = regexp.MustCompile(`^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$`)

var errDuration = errors.New("not a duration")

// parseDuration reads "720h", "90m30s", "P30D" or "PT1H30M"; nothing is zero. A
// month has no length.
func parseDuration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	found := isoDuration.FindStringSubmatch(text)
	if found == nil {
		return time.ParseDuration(text)
	}
	if strings.HasSuffix(text, "P") || strings.HasSuffix(text, "T") {
		return 0, errDuration
	}
	var sum time.Duration
	for i, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
		n, err := strconv.ParseInt(cmp.Or(found[i+1], "0"), 10, 64)
		if err != nil || n > int64(1<<62)/int64(unit) {
			return 0, errDuration
		}
		if sum += time.Duration(n) * unit; sum < 0 {
			return 0, errDuration
		}
	}
	return sum, nil
}

// duration reads the field.
func (a Act) duration() (time.Duration, error) {
	d, err := parseDuration(a.Duration)
	if err != nil {
		return 0, a.wrong("duration", `is %q; it is a text like "720h", "1h30m", "P30D" or "PT90M"`, a.Duration)
	}
	return d, nil
}

func (f *Fake) advanceAct(a Act) error {
	d, err := a.duration()
	if err == nil && d < 0 {
		err = a.wrong("duration", "is negative; the clock does not go back")
	}
	if err = cmp.Or(err, f.within(a, "duration", f.Now().Add(d))); err == nil {
		f.Advance(d)
	}
	return err
}

func (f *Fake) advanceToAct(a Act) error {
	err := f.within(a, "to", a.To)
	if err == nil {
		f.AdvanceTo(a.To)
	}
	return err
}

// within refuses what is mistyped: the clock does not go back, and the
// certificate of notifications has an end.
func (f *Fake) within(a Act, field string, to time.Time) error {
	if to.After(f.Now().AddDate(20, 0, 0)) || to.After(validUntil.AddDate(-10, 0, 0)) {
		return a.wrong(field, "is too far ahead: at most 20 years, and not beyond %d", validUntil.Year()-11)
	}
	return nil
}

func (f *Fake) injectAct(a Act) (Outcome, error) {
	delay, err := a.duration()
	if err != nil {
		return Outcome{}, err
	}
	fault := Fault{Action: a.Action, Kind: a.Kind, Delay: delay, Times: max(a.Times, -1), Probability: a.Probability}
	if field, text := fault.fault(); field != "" {
		name := strings.ToLower(field)
		if field == "Delay" {
			name = "duration"
		}
		return Outcome{}, a.wrong(name, "%s", text)
	}
	fill(&fault.Times, 1)
	f.faults = append(f.faults, fault)
	return Outcome{}, nil
}

func (f *Fake) setQuotaAct(a Act) (Outcome, error) {
	if !validQuota(a.Quota) {
		return Outcome{}, a.wrong("quota", "is %v; it is 0 or a factor above", a.Quota)
	}
	for key, b := range f.buckets {
		f.refill(key, b)
	}
	f.settings.Quota = a.Quota
	if a.Quota == 0 {
		clear(f.buckets)
	}
	return Outcome{}, nil
}

func (f *Fake) setDeliveryAct(a Act) (Outcome, error) {
	delay, err := a.duration()
	if err != nil {
		return Outcome{}, err
	}
	if delay < 0 {
		return Outcome{}, a.wrong("duration", "is negative")
	}
	if a.Duplicates < 0 {
		return Outcome{}, a.wrong("duplicates", "is negative")
	}
	if a.Signature != "" && a.Signature != "1" && a.Signature != "2" {
		return Outcome{}, a.wrong("signature", `is %q; there are "1" and "2"`, a.Signature)
	}
	for _, r := range []struct {
		field string
		rate  float64
	}{{"duplicateRate", a.DuplicateRate}, {"reorderRate", a.ReorderRate}, {"lossRate", a.LossRate}} {
		if !(r.rate >= 0 && r.rate <= 1) { // nor is it NaN
			return Outcome{}, a.wrong(r.field, "is %v; it is between 0 and 1", r.rate)
		}
	}
	f.delivery = Delivery{Delay: delay, Duplicates: a.Duplicates, Reversed: a.Reversed, DuplicateRate: a.DuplicateRate,
		ReorderRate: a.ReorderRate, LossRate: a.LossRate, SignatureVersion: a.Signature}
	return Outcome{}, nil
}

func (f *Fake) sendAct(a Act) (Outcome, error) {
	m := *a.Message
	if sampled := m.NotificationType; m.Sample && m.Data == "" && m.Text == "" && (m.Type == "" || m.Type == "Notification") &&
		sampled != orderKind && sampled != authorizeKind && sampled != captureKind && sampled != refundKind {
		return Outcome{}, a.wrong("message", "has the NotificationType %q; Seller Central has samples of %s, %s, %s and %s",
			sampled, orderKind, authorizeKind, captureKind, refundKind)
	}
	f.post(m)
	return Outcome{ID: m.ObjectID}, nil
}

func (f *Fake) sendDraft(a Act) (Outcome, error) {
	s := f.subject(a.ID)
	if s == nil {
		return Outcome{}, a.wrong("id", "is %q; there is no such object to notify of", a.ID)
	}
	f.post(f.draft(s.notice(f), ""))
	return outcomeOf(s), nil
}

// parcel finds a notification by its number; nil if it is not remembered.
func (f *Fake) parcel(number int) *parcel {
	if len(f.sent) == 0 {
		return nil
	}
	if i := number - f.sent[0].number; i >= 0 && i < len(f.sent) {
		return f.sent[i]
	}
	for _, item := range f.outbox.items {
		if item.what.number == number {
			return item.what
		}
	}
	return nil
}

// resend lets a notification travel once more, with the same MessageId.
func (f *Fake) resend(a Act) (Outcome, error) {
	p := f.parcel(a.Number)
	if p == nil {
		return Outcome{}, a.wrong("number", "is %d; there is no such notification", a.Number)
	}
	if !p.Due.IsZero() {
		return Outcome{}, &actError{do: a.Do, field: "number", text: "names a notification that is still on its way", untimely: true}
	}
	p.Lost = false
	f.enqueue(p, f.now)
	return Outcome{ID: p.MessageID}, nil
}

// RegisterMerchant lets a merchant sign up with you, a solution provider: a
// notification brings the merchant's id and options; without any it brings
// those that have been seen. The fake's sellers stay as the settings say.
func (f *Fake) RegisterMerchant(sellerID string, options map[string]string) {
	f.must(Act{Do: "RegisterMerchant", SellerID: sellerID, Options: options})
}

func (f *Fake) registerMerchant(a Act) (Outcome, error) {
	options := a.Options
	if options == nil {
		options = map[string]string{"hostingType": "hosted",
			"lwaClientId": "amzn1.application-oa2-client.fake", "lwaApplicatiId": "amzn1.application.fake"}
	}
	all := el("Options")
	for _, name := range sortedNames(options) {
		all.kids = append(all.kids, el("SolutionProviderOption", tx("name", name), tx("value", options[name])))
	}
	f.post(f.draft(notice{kind: merchantKind, id: a.SellerID, seller: &seller{id: a.SellerID},
		object: el("MerchantRegistrationDetails", tx("SellerId", a.SellerID), tx("Type", "Register"), all)}, ""))
	return Outcome{ID: a.SellerID}, nil
}

package main

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// actField describes a field of acts to a client in another language.
type actField struct {
	Name    string     `json:"name"`
	Type    string     `json:"type"` // string, number, boolean or object
	Doc     string     `json:"doc,omitempty"`
	Example any        `json:"example,omitempty"`
	Values  []string   `json:"values,omitempty"` // that there are
	Fields  []actField `json:"fields,omitempty"` // of an object
}

// actFields are the fields of amazonpaytest.Act; names and types are read from it.
var actFields = func() []actField {
	fields := fieldsOf(reflect.TypeFor[amazonpaytest.Act]())
	for i := range fields {
		f := &fields[i]
		note := actNotes[f.Name]
		f.Doc, f.Example, f.Values = note.Doc, note.Example, note.Values
	}
	return fields
}()

func listFields(*http.Request) (any, error) { return actFields, nil }

func fieldsOf(t reflect.Type) (fields []actField) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		field := actField{Name: name, Type: jsonType(f.Type)}
		if kind := indirect(f.Type); field.Type == "object" && kind.Kind() == reflect.Struct {
			field.Fields = fieldsOf(kind)
		}
		fields = append(fields, field)
	}
	return fields
}

func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// texts are names of the fake's as texts.
func texts[T ~string](names ...T) (all []string) {
	for _, name := range names {
		all = append(all, string(name))
	}
	return all
}

// actNotes are what the types do not say. A field that is left out is false, zero
// or empty.
var actNotes = map[string]actField{
	"do":             {Doc: "the act", Example: "OpenBillingAgreement"},
	"id":             {Doc: "of the object, as Amazon gave it; of a buyer the user_id", Example: "C01-1234567-0000001"},
	"seller":         {Doc: "a seller of the region; empty is its own", Example: defaultSeller},
	"buyer":          {Doc: "who buys; without it somebody made up", Example: amazonpay.Buyer{Name: "Bea Example", Email: "bea@example.com"}},
	"address":        {Doc: "where to; without it a made-up one", Example: amazonpay.Address{Name: "Bea Example", AddressLine1: "1 Example Street", City: "Exampletown", PostalCode: "12345", CountryCode: "US"}},
	"payment":        {Doc: "how charges end; empty is GoodCard", Example: "BadCard", Values: texts(amazonpaytest.PaymentMethods()...)},
	"currency":       {Doc: "presentment currency of the Wallet", Example: "GBP"},
	"digital":        {Doc: "no AddressBook was shown", Example: true},
	"addressMissing": {Doc: "no address was picked", Example: true},
	"paymentMissing": {Doc: "no payment method was picked", Example: true},
	"buyerIsSeller":  {Doc: "the buyer is the seller", Example: true},
	"amount":         {Doc: "amount and currency", Example: "19.90 USD"},
	"reason": {Doc: "of a decline; of a Chargeback the bank's own words", Example: "AmazonRejected",
		Values: texts(amazonpay.ReasonInvalidPaymentMethod, rejected, failing, amazonpay.ReasonTransactionTimedOut)},
	"soft": {Doc: "a SoftDecline, of InvalidPaymentMethod", Example: true},
	"status": {Doc: "of SetServiceStatus a color, of Authenticate how the bank's page ended", Example: "Success",
		Values: []string{"GREEN", "GREEN_I", "YELLOW", "RED", "Success", "Failure", "Abandoned"}},
	"text":          {Doc: "what the service's status says", Example: "Maintenance at noon"},
	"active":        {Doc: "whether the account is", Example: true},
	"duration":      {Doc: "of the business clock, as 720h, 1h30m, P30D or PT90M; of Inject real time, at most an hour", Example: "P30D"},
	"to":            {Doc: "a time, at most 20 years ahead", Example: "2026-02-01T00:00:00Z"},
	"action":        {Doc: "that a fault strikes; empty is any", Example: "Capture", Values: faultActions},
	"kind":          {Doc: "of the fault", Example: "AnswerLost", Values: texts(amazonpaytest.FaultKinds()...)},
	"times":         {Doc: "how many requests a fault strikes; 0 is one, -1 all", Example: 1},
	"duplicates":    {Doc: "how often each notification comes again", Example: 1},
	"reversed":      {Doc: "of notifications that are due at once the latest comes first", Example: true},
	"signature":     {Doc: "signature version of notifications", Example: "2", Values: []string{"1", "2"}},
	"duplicateRate": {Doc: "probability that a notification comes once more", Example: 0.1},
	"reorderRate":   {Doc: "probability that a notification is overtaken", Example: 0.1},
	"lossRate":      {Doc: "probability that a notification never arrives", Example: 0.1},
	"probability":   {Doc: "of a fault, for each request that fits; 0 is certain", Example: 0.5},
	"quota":         {Doc: "how many times as fast quotas are restored; 0 is none", Example: 60},
	"message":       {Doc: "a notification; what is left out is filled in", Example: map[string]any{"NotificationType": "PaymentCapture", "Sample": true}},
	"number":        {Doc: "of a notification, in /mock/notifications", Example: 1},
	"options":       {Doc: "names and values, of a merchant who signs up with you", Example: map[string]string{"hostingType": "hosted"}},
	"url":           {Doc: "of the consent page", Example: "https://www.amazon.com/ap/oa?client_id=…"},
	"allow":         {Doc: "the buyer allows what the consent page asks for", Example: true},
	"client":        {Doc: "client id of Login with Amazon", Example: defaultLoginClient},
}

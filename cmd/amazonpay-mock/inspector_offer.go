package main

import (
	"slices"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// offer is an act as a page offers it, while it can be done.
type offer struct {
	do, label string
	actor     string // "buyer", "amazon" or "road"
	grave     bool
	fields    []field
}

// docs are the texts of the acts.
var docs = func() map[string]string {
	texts := make(map[string]string)
	for _, a := range amazonpaytest.Acts() {
		texts[a.Do] = a.Doc
	}
	return texts
}()

// acts are the offers of an actor as forms.
func (p *sheet) acts(id, actor string, offers []offer) []actForm {
	var forms []actForm
	for _, o := range offers {
		if o.actor == actor {
			if o.do == "ChangeAddress" {
				o.fields = addressFields(p.Region)
			}
			forms = append(forms, p.form(actForm{Do: o.do, ID: id, Label: o.label, Doc: docs[o.do], Grave: o.grave, Fields: o.fields}))
		}
	}
	return forms
}

var (
	sendDraft = offer{do: "SendDraft", label: "Send a notification as it stands", actor: "road"}
	ends      = field{Name: "status", Label: "How it ends", Kind: "select", Options: []string{
		string(amazonpaytest.AuthenticationSuccess), string(amazonpaytest.AuthenticationFailure), string(amazonpaytest.AuthenticationAbandoned)}}
)

func authenticate(awaits bool) []offer {
	if !awaits {
		return nil
	}
	return []offer{{do: "Authenticate", label: "Finish the confirmation page", actor: "buyer", fields: []field{ends}}}
}

func alive(s amazonpay.State) bool {
	return s == amazonpay.StateDraft || s == amazonpay.StateOpen || s == amazonpay.StateSuspended
}

// agreementOffers are what can happen to a billing agreement now.
func agreementOffers(a amazonpaytest.AgreementRecord) []offer {
	if !alive(a.State) {
		return []offer{sendDraft}
	}
	draft := a.State == amazonpay.StateDraft
	offers := authenticate(a.Awaits)
	if draft && a.Consent {
		offers = append(offers, offer{do: "WithdrawConsent", label: "Withdraw consent", actor: "buyer"})
	} else if draft {
		offers = append(offers, offer{do: "Consent", label: "Give consent", actor: "buyer"})
	}
	offers = append(offers, paymentOffers(draft, a.Payment)...)
	if !slices.Contains(a.Constraints, "PaymentPlanNotSet") && !slices.Contains(a.Constraints, "PaymentMethodDeleted") {
		offers = append(offers, offer{do: "DeletePaymentMethod", label: "Delete the payment method", actor: "buyer", grave: true})
	}
	offers = append(offers, offer{do: "ChangeAddress", label: "Change the address", actor: "buyer"})
	if !draft {
		offers = append(offers, offer{do: "Cancel", label: "Cancel the agreement", actor: "buyer", grave: true})
	}
	return append(offers, endings(draft)...)
}

// endings are how Amazon ends an agreement or an order; a draft cannot be closed.
func endings(draft bool) []offer {
	offers := []offer{{do: "AmazonCancel", label: "Cancel it", actor: "amazon", grave: true}, sendDraft}
	if draft {
		return offers
	}
	return append([]offer{{do: "AmazonClose", label: "Close it", actor: "amazon", grave: true}}, offers...)
}

func paymentOffers(draft bool, now amazonpaytest.PaymentMethod) []offer {
	offers := []offer{{do: "ChoosePaymentMethod", label: "Choose in your widget", actor: "buyer", fields: []field{paymentField(now)}}}
	if !draft {
		offers = append(offers, offer{do: "UpdatePaymentMethod", label: "Replace on Amazon’s site", actor: "buyer", fields: []field{paymentField(now)}})
	}
	return offers
}

// orderOffers are what can happen to an order reference now.
func orderOffers(o amazonpaytest.OrderRecord) []offer {
	if !alive(o.State) {
		return []offer{sendDraft}
	}
	draft := o.State == amazonpay.StateDraft
	offers := append(authenticate(o.Awaits), paymentOffers(draft, o.Payment)...)
	offers = append(offers, offer{do: "ChangeAddress", label: "Change the address", actor: "buyer"})
	return append(offers, endings(draft)...)
}

var (
	rejected  = amazonpay.ReasonAmazonRejected
	failing   = amazonpay.ReasonProcessingFailure
	softField = field{Name: "soft", Label: "Soft decline", Kind: "check"}
)

func authorizationOffers(a amazonpaytest.TransactionRecord) []offer {
	var offers []offer
	if a.State == amazonpay.StatePending {
		offers = append(offers,
			offer{do: "ApproveAuthorization", label: "Approve", actor: "amazon"},
			offer{do: "DeclineAuthorization", label: "Decline", actor: "amazon", grave: true, fields: []field{
				reasonField(amazonpay.ReasonInvalidPaymentMethod, rejected, failing, amazonpay.ReasonTransactionTimedOut), softField}})
	}
	if a.State == amazonpay.StatePending || a.State == amazonpay.StateOpen {
		offers = append(offers, offer{do: "AmazonClose", label: "Close", actor: "amazon", grave: true})
	}
	return append(offers, sendDraft)
}

func captureOffers(c amazonpaytest.TransactionRecord) []offer {
	amount := amountField("Amount", c.Amount.Currency(), "empty is all")
	switch c.State {
	case amazonpay.StatePending:
		return []offer{
			{do: "CompleteCapture", label: "Complete", actor: "amazon"},
			{do: "DeclineCapture", label: "Decline", actor: "amazon", grave: true, fields: []field{reasonField(rejected, failing)}}, sendDraft}
	case amazonpay.StateCompleted:
		return []offer{
			{do: "Chargeback", label: "Ask the money back by the bank", actor: "buyer", grave: true, fields: []field{
				amount, {Name: "reason", Label: "Reason", Kind: "text", Hint: "the bank’s words; may be empty"}}},
			{do: "GrantClaim", label: "Grant an A-to-z claim", actor: "amazon", grave: true, fields: []field{amount}}, sendDraft}
	}
	return []offer{sendDraft}
}

func refundOffers(r amazonpaytest.TransactionRecord) []offer {
	if r.State != amazonpay.StatePending {
		return []offer{sendDraft}
	}
	return []offer{
		{do: "CompleteRefund", label: "Complete", actor: "amazon"},
		{do: "DeclineRefund", label: "Decline", actor: "amazon", grave: true, fields: []field{reasonField(rejected, failing)}}, sendDraft}
}

func disputeOffers(d amazonpaytest.DisputeRecord) []offer {
	if d.State != amazonpaytest.ChargebackReceived {
		return nil
	}
	return []offer{
		{do: "LoseChargeback", label: "Decide for the buyer", actor: "amazon", grave: true},
		{do: "WinChargeback", label: "Decide for the seller", actor: "amazon"}}
}

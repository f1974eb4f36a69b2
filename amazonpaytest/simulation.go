package amazonpaytest

import (
	"encoding/json"
	"io"
	"strings"

	"github.com/amazonpay-go/amazonpay"
)

// simulation is a sandbox-simulation string. Values of other types than Amazon
// prints (a boolean SoftDecline, minutes as text) are not one.
type simulation struct {
	Constraint                    string
	State                         string
	ReasonCode                    string
	PaymentMethodUpdateTimeInMins *int
	SoftDecline                   *string
	ExpirationTimeInMins          *int
}

// shape is the simulation without its minutes, to be compared with the table.
func (s simulation) shape() string {
	parts := []string{s.Constraint, s.State, s.ReasonCode}
	if s.PaymentMethodUpdateTimeInMins != nil {
		parts = append(parts, "repair")
	}
	if s.SoftDecline != nil {
		parts = append(parts, "soft="+*s.SoftDecline)
	}
	if s.ExpirationTimeInMins != nil {
		parts = append(parts, "expire")
	}
	return strings.Join(parts, "/")
}

var authorizationSimulations = []string{
	"/Declined/InvalidPaymentMethod/repair",
	"/Declined/InvalidPaymentMethod/repair/soft=true",
	"/Declined/AmazonRejected",
	"/Declined/TransactionTimedOut",
	"/Closed/ExpiredUnused/expire",
	"/Closed/AmazonClosed",
}

// simulationPlaces is the table of what may be simulated where: operation,
// parameter, shapes.
var simulationPlaces = map[string]map[string][]string{
	"SetOrderReferenceDetails":    {"OrderReferenceAttributes.SellerNote": {"PaymentMethodNotAllowed//"}},
	"CloseOrderReference":         {"ClosureReason": {"/Closed/AmazonClosed"}},
	"Authorize":                   {"SellerAuthorizationNote": authorizationSimulations},
	"AuthorizeOnBillingAgreement": {"SellerAuthorizationNote": authorizationSimulations},
	"Capture":                     {"SellerCaptureNote": {"/Pending/", "/Declined/AmazonRejected", "/Closed/AmazonClosed"}},
	"Refund":                      {"SellerRefundNote": {"/Declined/AmazonRejected"}},
}

// parseSimulation reads a note: no simulation, a good one, or one that is
// broken.
func parseSimulation(note string) (s simulation, found, good bool) {
	if !strings.Contains(note, `"SandboxSimulation"`) {
		return s, false, false
	}
	var envelope map[string]json.RawMessage
	if !exact(note) || json.Unmarshal([]byte(note), &envelope) != nil || len(envelope) != 1 {
		return s, true, false
	}
	if string(envelope["SandboxSimulation"]) == "null" || json.Unmarshal(envelope["SandboxSimulation"], &s) != nil {
		return simulation{}, true, false
	}
	positive := func(n *int) bool { return n == nil || *n > 0 }
	return s, true, positive(s.PaymentMethodUpdateTimeInMins) && positive(s.ExpirationTimeInMins)
}

// exact tells that a note is one object and nothing after it, in which every
// name is as Amazon prints it and comes once, and no value is empty: the decoder
// alone would take names in any case.
func exact(note string) bool {
	d := json.NewDecoder(strings.NewReader(note))
	seen := map[string]bool{}
	for name := ""; ; {
		token, err := d.Token()
		if err != nil {
			return err == io.EOF
		}
		text, isText := token.(string)
		switch {
		case name != "":
			if name = ""; token == "" {
				return false
			}
		case isText:
			if seen[text] || !simulationNames[text] {
				return false
			}
			seen[text], name = true, text
		}
	}
}

var simulationNames = map[string]bool{
	"SandboxSimulation": true, "Constraint": true, "State": true, "ReasonCode": true,
	"PaymentMethodUpdateTimeInMins": true, "SoftDecline": true, "ExpirationTimeInMins": true,
}

// checkSimulations refuses every simulation string out of its place. In
// production the text is just text.
func checkSimulations(r *request) *refusal {
	if r.environment != amazonpay.Sandbox {
		return nil
	}
	for _, name := range sortedNames(r.form) {
		s, found, good := parseSimulation(r.form[name])
		if !found {
			continue
		}
		allowed := false
		for _, shape := range simulationPlaces[r.action][name] {
			allowed = allowed || shape == s.shape()
		}
		if !good || !allowed {
			return refuse("InvalidSandboxSimulationSpecified", "The sandbox simulation in %s is not one of the operation %s.", name, r.action)
		}
	}
	return nil
}

// simulated is the simulation in a parameter; ok is false if there is none, as
// always in production.
func (r *request) simulated(name string) (s simulation, ok bool) {
	if r.environment != amazonpay.Sandbox {
		return s, false
	}
	s, _, ok = parseSimulation(r.get(name))
	return s, ok
}

// verdict is the simulated end of an authorization.
func (s simulation) verdict() verdict {
	v := verdict{state: amazonpay.State(s.State), reason: amazonpay.Reason(s.ReasonCode), soft: s.SoftDecline != nil}
	if s.PaymentMethodUpdateTimeInMins != nil {
		v.repair = *s.PaymentMethodUpdateTimeInMins
	}
	if s.ExpirationTimeInMins != nil {
		v = verdict{state: amazonpay.StateOpen, expire: *s.ExpirationTimeInMins}
	}
	v.never = v.reason == amazonpay.ReasonTransactionTimedOut
	return v
}

package widgets

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// CSRFHeader is the header in which an event brings [Page].CSRFToken.
const CSRFHeader = "X-CSRF-Token"

// Event is something that the buyer's browser says has happened. It is no proof
// of anything: a buyer can post whatever they like. An event is the moment to
// ask the API (GetBillingAgreementDetails: state and constraints), and the ids
// in it are what to ask about, no more. Keep the first id of a session, and
// refuse one that belongs to another of your customers.
type Event struct {
	Kind               EventKind     `json:"kind"`               // what has happened
	BillingAgreementID string        `json:"billingAgreementId"` // empty on a OneTime page, and before KindCreated
	OrderReferenceID   string        `json:"orderReferenceId"`   // likewise, of a OneTime page
	Consent            ConsentStatus `json:"consent"`            // of KindConsent, otherwise empty
	ErrorCode          ErrorCode     `json:"errorCode"`          // of KindError, otherwise empty
	Widget             string        `json:"widget"`             // of KindError: "Button", "AddressBook", "Wallet" or "Consent"
}

// EventKind is what has happened.
type EventKind string

// The kinds, and what to do.
const (
	KindCreated      EventKind = "created"      // there is an agreement or order reference: keep its id, SetBillingAgreementDetails
	KindAddress      EventKind = "address"      // an address was chosen: GetBillingAgreementDetails, shipping costs
	KindPayment      EventKind = "payment"      // a payment method was chosen: GetBillingAgreementDetails, constraints
	KindConsent      EventKind = "consent"      // the consent was shown, given or taken back: GetBillingAgreementDetails, constraints
	KindConfirm      EventKind = "confirm"      // the buyer pressed Confirm: ConfirmBillingAgreement, then answer with its result. May come again for the same id
	KindError        EventKind = "error"        // a widget failed, and the buyer has read why
	KindSessionEnded EventKind = "sessionEnded" // the hour with Amazon is over: forget the access token
	KindLogout       EventKind = "logout"       // the buyer signed out: forget the access token
)

// ConsentStatus is what the Consent widget says.
type ConsentStatus string

// The statuses.
const (
	ConsentGiven    ConsentStatus = "true"
	ConsentNotGiven ConsentStatus = "false"
	ConsentNotAsked ConsentStatus = "undefined" // Amazon does not say: given before, or not needed. The constraints do
)

// RequestError is a request that [ParseEvent] or [ParseReturn] refuses. Its text
// has nothing of the request in it.
type RequestError struct {
	StatusCode int // to answer with: 400, 403, 405, 413 or 415

	problem string
}

// Error says what is wrong: "widgets: the CSRF token is missing or wrong".
func (e *RequestError) Error() string { return "widgets: " + e.problem }

// maxEvent bounds the body of an event, in bytes.
const maxEvent = 4 << 10

// ParseEvent reads an event that the page has posted to EventsURL. It takes a
// POST of JSON of the page's own host with the CSRF token that you gave to the
// page, which is yours to keep: in the buyer's session. An empty token refuses
// everything. The error is a [*RequestError] with the status to answer with.
//
// Answer with any 2xx status, or with an error: then the buyer is told that the
// choice was not saved. For scripts of your own, the page's document gets a
// CustomEvent "amazonpay" after each, whose detail has the event and the JSON
// that you answered with.
func ParseEvent(r *http.Request, csrfToken string) (*Event, error) {
	if err := ours(r, "application/json"); err != nil {
		return nil, err
	}
	got := r.Header.Values(CSRFHeader)
	if csrfToken == "" || len(got) != 1 || subtle.ConstantTimeCompare([]byte(got[0]), []byte(csrfToken)) != 1 {
		return nil, &RequestError{http.StatusForbidden, "the CSRF token is missing or wrong"}
	}
	body, err := whole(r, maxEvent)
	if err != nil {
		return nil, err
	}
	event := new(Event)
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(&event)
	if _, end := decoder.Token(); err != nil || event == nil || end != io.EOF {
		return nil, &RequestError{http.StatusBadRequest, "the event is not the JSON of an event"}
	}
	if problem := event.problem(); problem != "" {
		return nil, &RequestError{http.StatusBadRequest, problem}
	}
	return event, nil
}

// ours refuses a request that no page of the shop has sent.
func ours(r *http.Request, contentType string) error {
	if r.Method != http.MethodPost {
		return &RequestError{http.StatusMethodNotAllowed, "the request is not a POST"}
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return &RequestError{http.StatusForbidden, "the request comes from another site"}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != contentType {
		return &RequestError{http.StatusUnsupportedMediaType, "the content type is not " + contentType}
	}
	return nil
}

// whole reads a body of at most so many bytes.
func whole(r *http.Request, most int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if _, limited := errors.AsType[*http.MaxBytesError](err); limited || int64(len(body)) > most {
		return nil, &RequestError{http.StatusRequestEntityTooLarge, "the request is too large"}
	} else if err != nil {
		return nil, &RequestError{http.StatusBadRequest, "the request did not arrive whole"}
	}
	return body, nil
}

// problem says what is wrong with an event. What passes is safe to log.
func (e *Event) problem() string {
	switch e.Kind {
	case KindCreated, KindAddress, KindPayment, KindConsent, KindConfirm, KindError, KindSessionEnded, KindLogout:
	default:
		return "the kind of the event is unknown"
	}
	id := e.BillingAgreementID + e.OrderReferenceID
	switch {
	case !plain(e.BillingAgreementID), !plain(e.OrderReferenceID):
		return "the id is none of Amazon's"
	case e.BillingAgreementID != "" && e.OrderReferenceID != "":
		return "the event has two ids"
	case id == "" && e.Kind != KindError && e.Kind != KindSessionEnded && e.Kind != KindLogout:
		return "the event has no id"
	case (e.Kind == KindConsent) != (e.Consent != ""):
		return "the event has a consent too many or none"
	case e.Consent != "" && e.Consent != ConsentGiven && e.Consent != ConsentNotGiven && e.Consent != ConsentNotAsked:
		return "the consent is unknown"
	case (e.Kind == KindError) != (e.ErrorCode != ""), !plain(string(e.ErrorCode)):
		return "the event has no proper error code"
	case (e.Kind == KindError) != (e.Widget != ""):
		return "the event has a widget too many or none"
	}
	switch e.Widget {
	case "", "Button", "AddressBook", "Wallet", "Consent":
		return ""
	}
	return "the widget is unknown"
}

// plain reports whether a text is at most 64 letters, digits, dots, dashes and
// underscores.
func plain(s string) bool {
	return len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-' && r != '_' && r != '.'
	})
}

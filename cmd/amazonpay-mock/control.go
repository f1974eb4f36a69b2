package main

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// problem is an error of the control API.
type problem struct {
	status  int
	field   string // of the body or the query, or a header; empty if it is none of one
	message string
}

// Error is the message with its field.
func (p *problem) Error() string { return strings.TrimPrefix(p.field+": "+p.message, ": ") }

func wrong(field, message string, args ...any) *problem {
	return &problem{http.StatusBadRequest, field, fmt.Sprintf(message, args...)}
}

func (p *problem) write(w http.ResponseWriter) {
	type text struct {
		Field   string `json:"field,omitempty"`
		Message string `json:"message"`
	}
	writeJSON(w, p.status, map[string]text{"error": {p.field, p.message}})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil { // cannot be: the values are our own
		status, body = http.StatusInternalServerError, []byte(`{"error":{"message":"the answer cannot be written"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // who went away does not ask for it
}

// route is a line of the control API.
type route struct {
	Method string                           `json:"method"`
	Path   string                           `json:"path"`
	Doc    string                           `json:"doc"`
	Query  []string                         `json:"query,omitempty"` // parameters that it takes; all may be left out
	Body   any                              `json:"body,omitempty"`  // an example
	do     func(*http.Request) (any, error) // nil for what is no JSON
}

// routeTable is the table of the control API. Region and environment say whose
// books are meant; without them they are home's.
func (s *server) routeTable() []route {
	books := func(more ...string) []string { return append([]string{"region", "environment"}, more...) }
	return []route{
		{"GET", "/mock/acts", "all acts, with the fields they need and take", nil, nil, s.listActs},
		{"GET", "/mock/fields", "what can stand in the fields of acts", nil, nil, listFields},
		{"POST", "/mock/acts", "let the buyer, Amazon or the road do something", books(),
			amazonpaytest.Act{Do: "NewBillingAgreement", Payment: amazonpaytest.GoodCard}, s.act},
		{"GET", "/mock/state", "the books", books("id", "limit", "offset", "buyers"), nil, s.state},
		{"GET", "/mock/calls", "the requests so far, without tokens and buyers", books("action", "limit", "offset"), nil, s.calls},
		{"GET", "/mock/ledger", "every movement of money", books("id", "limit", "offset"), nil, s.ledger},
		{"GET", "/mock/notifications", "the notifications and what became of them", books("id", "limit", "offset"), nil, s.notifications},
		{"GET", "/mock/faults", "the faults that are still to strike, and the kinds there are", books(), nil, s.listFaults},
		{"POST", "/mock/faults", "let a fault strike the next requests that reach these books", books(),
			faultBody{Action: "Capture", Kind: amazonpaytest.AnswerLost, Times: 1}, s.injectFault},
		{"DELETE", "/mock/faults", "take all faults back", books(), nil, s.heal},
		{"GET", "/mock/widgets", "the errors that the widgets are still to show, and all codes there are", nil, nil, s.listWidgetErrors},
		{"POST", "/mock/widgets", "let a widget show an error, and tell its page of it", nil,
			wantedError{Widget: amazonpaytest.WalletWidget, Code: "BuyerSessionExpired", Times: 1}, s.wantWidgetError},
		{"DELETE", "/mock/widgets", "take these errors back", nil, nil, s.healWidgets},
		{"GET", "/mock/clock", "the business clock", nil, nil, s.clock},
		{"POST", "/mock/clock", "move the business clock on, everywhere", nil, clockBody{Advance: "720h"}, s.moveClock},
		{"POST", "/mock/quota", "apply Amazon's quotas everywhere, restored so many times as fast; 0 is none", nil, quotaBody{Factor: 1}, s.setQuota},
		{"GET", "/mock/regions", "the sellers and login clients of the regions", []string{"environment"}, nil, s.regions},
		{"POST", "/mock/reset", "forget everything, everywhere", nil, struct{}{}, s.reset},
		{"GET", "/mock/ca.pem", "the certificate authority to trust, in PEM", nil, nil, nil},
	}
}

// control answers what the table says.
func (s *server) control() http.Handler {
	table := s.routeTable()
	mux, methods := http.NewServeMux(), make(map[string][]string)
	for _, r := range table {
		if r.do != nil {
			mux.Handle(r.Method+" "+r.Path, answered(r))
		}
		methods[r.Path] = append(methods[r.Path], r.Method)
	}
	for path, allowed := range methods {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			(&problem{http.StatusMethodNotAllowed, "", "takes " + strings.Join(allowed, " and ")}).write(w)
		})
	}
	mux.HandleFunc("GET /mock/{$}", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, table) })
	mux.HandleFunc("GET /mock/ca.pem", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-pem-file")
		_, _ = w.Write(s.authority.pem()) // who went away does not ask for it
	})
	mux.HandleFunc("/mock/", func(w http.ResponseWriter, _ *http.Request) {
		(&problem{http.StatusNotFound, "", "no such path: GET /mock/ lists them"}).write(w)
	})
	return mux
}

// answered turns what a route returns into an answer. A parameter that it does
// not take is a mistake.
func answered(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		req.Body = http.MaxBytesReader(w, req.Body, maxBody)
		query, err := url.ParseQuery(req.URL.RawQuery)
		if err != nil {
			wrong("", "the query cannot be read").write(w)
			return
		}
		for name, values := range query {
			if !slices.Contains(r.Query, name) || len(values) > 1 {
				wrong(name, "is no parameter of this path, or comes twice; it takes %v", r.Query).write(w)
				return
			}
		}
		value, err := r.do(req)
		if p, ok := errors.AsType[*problem](err); ok {
			p.write(w)
			return
		}
		if err != nil {
			(&problem{http.StatusInternalServerError, "", err.Error()}).write(w)
			return
		}
		writeJSON(w, http.StatusOK, value)
	})
}

// readBody reads a body of one JSON value, which has no other fields than ours.
func readBody[T any](r *http.Request) (value T, err error) {
	text, err := io.ReadAll(r.Body)
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return value, &problem{http.StatusRequestEntityTooLarge, "", "the body is longer than a megabyte"}
	}
	if err != nil {
		return value, wrong("", "the body broke off")
	}
	if err := decodeOne(text, &value); err != nil {
		return value, bodyProblem[T](text, err)
	}
	return value, nil
}

func decodeOne(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("there is more than one value")
	}
	return nil
}

// bodyProblem names the field that cannot be read: the decoder itself does so
// for wrong types only.
func bodyProblem[T any](text []byte, err error) *problem {
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if number, is := strings.CutPrefix(kind.Value, "number "); is && jsonType(kind.Type) == "number" {
			return wrong(kind.Field, "must be a smaller or a whole number, not %s", number)
		}
		return wrong(kind.Field, "must be of type %s, not %s", jsonType(kind.Type), kind.Value)
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(text, &fields) == nil {
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			alone, _ := json.Marshal(map[string]json.RawMessage{name: fields[name]}) // it was read a moment ago
			err := decodeOne(alone, new(T))
			if err == nil {
				continue
			}
			if inner, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
				if inner = strings.Trim(inner, `"`); inner != name {
					name += "." + inner
				}
				return wrong(name, "is no field here")
			}
			return wrong(name, "cannot be read: %s", strings.TrimPrefix(err.Error(), "amazonpay: "))
		}
	}
	return wrong("", "the body must be JSON: %v", err)
}

// jsonType is what a client in another language calls the type.
func jsonType(t reflect.Type) string {
	switch kind := t.Kind(); {
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return "string"
	case kind == reflect.Pointer:
		return jsonType(t.Elem())
	case kind == reflect.Struct, kind == reflect.Map:
		return "object"
	case kind == reflect.Bool:
		return "boolean"
	case kind >= reflect.Int && kind <= reflect.Float64:
		return "number"
	default:
		return kind.String()
	}
}

// booksOf are those that the query names.
func (s *server) booksOf(r *http.Request) (*books, error) {
	b, p := s.amazon.find(r.URL.Query().Get("region"), r.URL.Query().Get("environment"))
	if p != nil {
		return nil, p
	}
	return b, nil
}

// page reads limit and offset, of the latest.
func page(r *http.Request) (limit, offset int, err error) {
	for name, field := range map[string]*int{"limit": &limit, "offset": &offset} {
		if text := r.URL.Query().Get(name); text != "" {
			if *field, err = strconv.Atoi(text); err != nil || *field < 0 {
				return 0, 0, wrong(name, "must be a whole number, zero or above")
			}
		}
	}
	return limit, offset, nil
}

// latest are limit of a list, with offset left out at its end; a limit of 0 is
// all.
func latest[T any](list []T, limit, offset int) []T {
	list = list[:max(0, len(list)-offset)]
	if limit > 0 {
		list = list[max(0, len(list)-limit):]
	}
	if list == nil {
		return []T{}
	}
	return list
}

// listActs has lists where there is nothing, as a reader in another language
// expects.
func (s *server) listActs(*http.Request) (any, error) {
	acts := amazonpaytest.Acts()
	for i := range acts {
		acts[i].Needs, acts[i].Takes = latest(acts[i].Needs, 0, 0), latest(acts[i].Takes, 0, 0)
	}
	return acts, nil
}

// act does one. A seller says the region as well as the query does.
func (s *server) act(r *http.Request) (any, error) {
	b, err := s.booksOf(r)
	if err != nil {
		return nil, err
	}
	a, err := readBody[amazonpaytest.Act](r)
	if err != nil {
		return nil, err
	}
	if r.URL.Query().Get("region") == "" {
		b = s.amazon.choose(in(b.environment), func(b *books) bool { return b.seller == a.SellerID })
	}
	return s.amazon.act(b, a)
}

func (s *server) state(r *http.Request) (any, error) {
	b, err := s.booksOf(r)
	if err != nil {
		return nil, err
	}
	snap, err := snapshot(b, r)
	return stateBody{snap, faultBodies(snap.Faults)}, err
}

// stateBody is a snapshot with faults as they are injected.
type stateBody struct {
	amazonpaytest.Snapshot
	Faults []faultBody `json:"faults"`
}

func snapshot(b *books, r *http.Request) (amazonpaytest.Snapshot, error) {
	limit, offset, err := page(r)
	if err != nil {
		return amazonpaytest.Snapshot{}, err
	}
	buyers := false
	if text := r.URL.Query().Get("buyers"); text != "" {
		if buyers, err = strconv.ParseBool(text); err != nil {
			return amazonpaytest.Snapshot{}, wrong("buyers", "must be true or false")
		}
	}
	return b.now().SnapshotOf(amazonpaytest.View{ID: r.URL.Query().Get("id"), Limit: limit, Offset: offset, Buyers: buyers}), nil
}

func (s *server) notifications(r *http.Request) (any, error) {
	b, err := s.booksOf(r)
	if err != nil {
		return nil, err
	}
	snap, err := snapshot(b, r)
	return latest(snap.Notifications, 0, 0), err
}

// callRecord is a call without what is secret or a buyer's.
type callRecord struct {
	Time     time.Time               `json:"time"`
	Action   string                  `json:"action"`
	SellerID string                  `json:"seller,omitempty"`
	Params   map[string]string       `json:"params"`
	Status   int                     `json:"status"` // 0 if no answer was sent
	Code     string                  `json:"code,omitempty"`
	Replay   bool                    `json:"replay,omitempty"`
	Fault    amazonpaytest.FaultKind `json:"fault,omitempty"`
}

// hidden are parameters whose values nobody is shown.
var hidden = []string{
	"AWSAccessKeyId", "AccessToken", "AddressConsentToken", "MWSAuthToken", "Signature",
	"access_token", "ap_email", "client_secret", "code", "code_verifier", "csrf", "refresh_token",
}

func (s *server) calls(r *http.Request) (any, error) {
	b, err := s.booksOf(r)
	if err != nil {
		return nil, err
	}
	limit, offset, err := page(r)
	if err != nil {
		return nil, err
	}
	calls := b.now().Calls()
	if action := r.URL.Query().Get("action"); action != "" {
		calls = slices.DeleteFunc(calls, func(c amazonpaytest.Call) bool { return c.Action != action })
	}
	records := []callRecord{}
	for _, c := range latest(calls, limit, offset) {
		params := make(map[string]string)
		for name := range c.Params {
			if params[name] = c.Params.Get(name); slices.Contains(hidden, name) {
				params[name] = "(hidden)"
			}
		}
		records = append(records, callRecord{c.Time, c.Action, c.SellerID, params, c.Status, c.Code, c.Replay, c.Fault})
	}
	return records, nil
}

// movement is a line of the ledger.
type movement struct {
	Time            time.Time                    `json:"time"`
	Kind            amazonpaytest.MovementKind   `json:"kind"`
	SellerID        string                       `json:"seller"`
	Amount          amazonpay.Price              `json:"amount"`
	AgreementID     amazonpay.BillingAgreementID `json:"agreement,omitempty"`
	OrderID         amazonpay.OrderReferenceID   `json:"order"`
	AuthorizationID amazonpay.AuthorizationID    `json:"authorization"`
	CaptureID       amazonpay.CaptureID          `json:"capture"`
	RefundID        amazonpay.RefundID           `json:"refund,omitempty"`
	ReferenceID     amazonpay.ReferenceID        `json:"reference"`
}

func (s *server) ledger(r *http.Request) (any, error) {
	b, err := s.booksOf(r)
	if err != nil {
		return nil, err
	}
	limit, offset, err := page(r)
	if err != nil {
		return nil, err
	}
	id, movements := r.URL.Query().Get("id"), []movement{}
	for _, m := range b.now().Ledger() {
		line := movement{m.Time, m.Kind, m.SellerID, m.Amount, m.BillingAgreementID, m.OrderReferenceID, m.AuthorizationID, m.CaptureID, m.RefundID, m.ReferenceID}
		if id == "" || slices.Contains([]string{string(line.AgreementID), string(line.OrderID), string(line.AuthorizationID), string(line.CaptureID), string(line.RefundID)}, id) {
			movements = append(movements, line)
		}
	}
	return latest(movements, limit, offset), nil
}

package main

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay/amazonpaytest"
	"github.com/amazonpay-go/amazonpay/internal/endpoint"
)

// faultBody is a fault in JSON.
type faultBody struct {
	Action      string                  `json:"action,omitempty"` // empty is any
	Kind        amazonpaytest.FaultKind `json:"kind"`
	Delay       string                  `json:"delay,omitempty"`       // such as "2s"
	Times       int                     `json:"times,omitempty"`       // 0 is one, negative is all
	Probability float64                 `json:"probability,omitempty"` // 0 is always
}

func (s *server) listFaults(r *http.Request) (any, error) {
	b, err := s.booksOf(r)
	if err != nil {
		return nil, err
	}
	return map[string]any{"faults": faultBodies(b.now().Faults()), "kinds": amazonpaytest.FaultKinds()}, nil
}

func faultBodies(faults []amazonpaytest.Fault) []faultBody {
	bodies := []faultBody{}
	for _, f := range faults {
		body := faultBody{f.Action, f.Kind, "", f.Times, f.Probability}
		if f.Delay != 0 {
			body.Delay = f.Delay.String()
		}
		bodies = append(bodies, body)
	}
	return bodies
}

// act is the act that injects it.
func (f faultBody) act() amazonpaytest.Act {
	return amazonpaytest.Act{Do: "Inject", Action: f.Action, Kind: f.Kind, Duration: f.Delay, Times: f.Times, Probability: f.Probability}
}

func (s *server) injectFault(r *http.Request) (any, error) {
	b, err := s.booksOf(r)
	if err != nil {
		return nil, err
	}
	body, err := readBody[faultBody](r)
	if err != nil {
		return nil, err
	}
	if _, err := s.amazon.act(b, body.act()); err != nil {
		return nil, called("delay", "duration", err)
	}
	return s.listFaults(r)
}

func (s *server) heal(r *http.Request) (any, error) {
	b, err := s.booksOf(r)
	if err != nil {
		return nil, err
	}
	if _, err := s.amazon.act(b, amazonpaytest.Act{Do: "Heal"}); err != nil {
		return nil, err
	}
	return s.listFaults(r)
}

// clockBody is how far the business clock is to move.
type clockBody struct {
	Advance string    `json:"advance,omitempty"` // such as "720h" or "P30D"
	To      time.Time `json:"to,omitzero"`
}

func (s *server) clock(*http.Request) (any, error) {
	return map[string]any{"now": s.amazon.home.now().Now(), "manual": s.config.manual}, nil
}

func (s *server) moveClock(r *http.Request) (any, error) {
	body, err := readBody[clockBody](r)
	if err != nil {
		return nil, err
	}
	act := amazonpaytest.Act{Do: "Advance", Duration: body.Advance}
	switch {
	case (body.Advance == "") == body.To.IsZero():
		return nil, wrong("advance", "give either advance or to")
	case body.Advance == "" && body.To.Before(s.amazon.home.now().Now()):
		return nil, wrong("to", "has passed: the clock never goes back")
	case body.Advance == "":
		act = amazonpaytest.Act{Do: "AdvanceTo", To: body.To}
	}
	if _, err := s.amazon.advance(act); err != nil {
		return nil, called("advance", "duration", err)
	}
	return s.clock(r)
}

// quotaBody is Settings.Quota.
type quotaBody struct {
	Factor float64 `json:"factor"`
}

func (s *server) setQuota(r *http.Request) (any, error) {
	body, err := readBody[quotaBody](r)
	if err != nil {
		return nil, err
	}
	if body.Factor < 0 {
		return nil, wrong("factor", "must be zero or above")
	}
	return body, s.amazon.setQuota(body.Factor)
}

// regionRecord is what a client of a region is told. Keys are not: they are
// printed at the start.
type regionRecord struct {
	Region      string   `json:"region"`
	Home        bool     `json:"home"`
	Environment string   `json:"environment"`
	SellerID    string   `json:"seller"`
	LoginClient string   `json:"loginClient"`
	Currency    string   `json:"currency"`
	Hosts       []string `json:"hosts"` // Amazon's, that this process answers for
	Topics      []string `json:"topics"`
}

func (s *server) regions(r *http.Request) (any, error) {
	meant, err := s.booksOf(r)
	if err != nil {
		return nil, err
	}
	var records []regionRecord
	for _, region := range endpoint.Regions() {
		topics := amazonpaytest.New(s.config.settings(region, meant.environment)).TopicARNs() // books that nobody uses stay closed
		records = append(records, regionRecord{
			string(region), region == s.config.region, string(meant.environment), s.config.seller(region), s.config.loginClient(region),
			region.LedgerCurrency(), endpoint.Hosts(region), topics,
		})
	}
	return records, nil
}

func (s *server) reset(r *http.Request) (any, error) {
	if _, err := readBody[struct{}](r); err != nil {
		return nil, err
	}
	if err := s.amazon.reset(); err != nil {
		return nil, err
	}
	if _, err := s.healWidgets(r); err != nil {
		return nil, err
	}
	return s.clock(r)
}

// actProblem names the field of an act's error, which reads "amazonpaytest: act:
// field what is wrong with it".
func actProblem(err error) *problem {
	do, text, _ := strings.Cut(strings.TrimPrefix(err.Error(), "amazonpaytest: "), ": ")
	switch do {
	case "do":
		return wrong("do", "%s", text)
	case "journal":
		return &problem{http.StatusInternalServerError, "", "the state can no longer be kept: " + text}
	}
	field, _, _ := strings.Cut(text, " ")
	return wrong(field, "%s: %s", do, text)
}

// called is an act's error where the field has another name.
func called(name, field string, err error) error {
	p, ok := errors.AsType[*problem](err)
	if !ok || p.field == "" {
		return err
	}
	if p.field != field {
		name = p.field
	}
	_, text, found := strings.Cut(p.message, ": "+p.field+" ")
	if !found {
		return err
	}
	return wrong(name, "%s %s", name, text)
}

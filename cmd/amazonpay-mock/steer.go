package main

import (
	"cmp"
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
	waiting := []faultBody{}
	for _, f := range b.now().Faults() {
		body := faultBody{f.Action, f.Kind, "", f.Times, f.Probability}
		if f.Delay != 0 {
			body.Delay = f.Delay.String()
		}
		waiting = append(waiting, body)
	}
	return map[string]any{"faults": waiting, "kinds": amazonpaytest.FaultKinds()}, nil
}

// longestDelay keeps a mistyped delay from holding requests for ever.
const longestDelay = time.Hour

func (s *server) injectFault(r *http.Request) (any, error) {
	b, err := s.booksOf(r)
	if err != nil {
		return nil, err
	}
	body, err := readBody[faultBody](r)
	if err != nil {
		return nil, err
	}
	delay, err := time.ParseDuration(cmp.Or(body.Delay, "0s"))
	if err != nil || delay > longestDelay || delay < -longestDelay {
		return nil, wrong("delay", "must be a duration of at most %v, such as 2s", longestDelay)
	}
	fault := amazonpaytest.Fault{Action: body.Action, Kind: body.Kind, Delay: delay, Times: body.Times, Probability: body.Probability}
	if err := fault.Check(); err != nil {
		field, message, _ := strings.Cut(strings.TrimPrefix(err.Error(), "amazonpaytest: Fault."), ": ")
		return nil, wrong(strings.ToLower(field), "%s", message)
	}
	b.now().Inject(fault)
	return s.listFaults(r)
}

func (s *server) heal(r *http.Request) (any, error) {
	b, err := s.booksOf(r)
	if err != nil {
		return nil, err
	}
	b.now().Heal()
	return s.listFaults(r)
}

// clockBody is how far the business clock is to move.
type clockBody struct {
	Advance string    `json:"advance,omitempty"` // such as "720h"
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
	to, now := body.To.UTC(), s.amazon.home.now().Now()
	switch {
	case (body.Advance == "") == body.To.IsZero():
		return nil, wrong("advance", "give either advance or to")
	case body.Advance != "":
		d, err := time.ParseDuration(body.Advance)
		if err != nil || d < 0 {
			return nil, wrong("advance", "must be a duration above zero, such as 720h")
		}
		to = now.Add(d)
	case to.Before(now):
		return nil, wrong("to", "has passed: the clock never goes back")
	}
	if to.After(now.AddDate(20, 0, 0)) || to.After(holdsUntil.AddDate(-10, 0, 0)) {
		field := "advance"
		if body.Advance == "" {
			field = "to"
		}
		return nil, wrong(field, "is more than 20 years ahead")
	}
	for _, b := range s.amazon.all {
		b.now().AdvanceTo(to)
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
	for _, b := range s.amazon.all {
		b.now().SetQuota(body.Factor)
	}
	return body, nil
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

func (s *server) regions(*http.Request) (any, error) {
	var records []regionRecord
	for _, b := range s.amazon.all {
		records = append(records, regionRecord{
			string(b.region), b == s.amazon.home, string(s.config.environment), b.seller, s.config.loginClient(b.region),
			b.region.LedgerCurrency(), endpoint.Hosts(b.region), b.now().TopicARNs(),
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
func actProblem(err error) error {
	do, text, _ := strings.Cut(strings.TrimPrefix(err.Error(), "amazonpaytest: "), ": ")
	if do == "do" {
		return wrong("do", "%s", text)
	}
	field, _, _ := strings.Cut(text, " ")
	return wrong(field, "%s: %s", do, text)
}

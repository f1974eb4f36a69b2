//go:build !race

package amazonpaytest_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// Without the race detector, which makes all this ten times slower and has
// nothing to find in it: a world is one goroutine's.
const usualOperations = 5000

// meddler is a road on which somebody meddles with requests.
type meddler struct {
	to     http.RoundTripper
	meddle func(form map[string]string, send func(map[string]string) (*http.Response, error)) (*http.Response, error)
}

func (m meddler) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	form := map[string]string{}
	for name := range values {
		form[name] = values.Get(name)
	}
	return m.meddle(form, func(form map[string]string) (*http.Response, error) {
		delete(form, "Signature")
		form["Signature"] = sign(testSecret, req.URL.Host, req.URL.Path, form)
		again := req.Clone(req.Context())
		again.Body = io.NopCloser(strings.NewReader(query(form)))
		again.ContentLength = -1
		return m.to.RoundTrip(again)
	})
}

func meddling(meddle func(map[string]string, func(map[string]string) (*http.Response, error)) (*http.Response, error)) lens {
	return lens{transport: func(to http.RoundTripper) http.RoundTripper { return meddler{to, meddle} }}
}

// changed meddles with one parameter of one action.
func changed(action, parameter string, change func(string) string) lens {
	return meddling(func(form map[string]string, send func(map[string]string) (*http.Response, error)) (*http.Response, error) {
		if form["Action"] == action {
			form[parameter] = change(form[parameter])
		}
		return send(form)
	})
}

// The machine must find it when it is shown a wrong world, or holds a right one
// against wrong rules; and say so in a few steps.
func TestMachineBites(t *testing.T) {
	without := func(row string) func(*rules) {
		return func(r *rules) {
			cut := strings.Replace(r.transitions, row+"\n", "", 1)
			if cut == r.transitions {
				t.Fatalf("no such row: %s", row)
			}
			r.transitions = cut
		}
	}
	count := 0
	tests := map[string]struct {
		lens lens
		rule func(*rules)
	}{
		"a capture is in the books twice": {lens: lens{ledger: func(l []amazonpaytest.Movement) []amazonpaytest.Movement {
			for i, m := range l {
				if m.Kind == amazonpaytest.Captured {
					return slices.Insert(slices.Clone(l), i, m)
				}
			}
			return l
		}}},
		"a chargeback is in the books twice": {lens: lens{ledger: func(l []amazonpaytest.Movement) []amazonpaytest.Movement {
			for i, m := range l {
				if m.Kind == amazonpaytest.ChargedBack {
					return slices.Insert(slices.Clone(l), i, m)
				}
			}
			return l
		}}},
		"a refund is not in the books": {lens: lens{ledger: func(l []amazonpaytest.Movement) []amazonpaytest.Movement {
			return slices.DeleteFunc(slices.Clone(l), func(m amazonpaytest.Movement) bool { return m.Kind == amazonpaytest.Refunded })
		}}},
		"a refund is made twice": {lens: meddling(func(form map[string]string, send func(map[string]string) (*http.Response, error)) (*http.Response, error) {
			if form["Action"] == "Refund" {
				twin := map[string]string{}
				for k, v := range form {
					twin[k] = v
				}
				twin["RefundReferenceId"] += "-twin"
				if resp, err := send(twin); err == nil {
					_ = resp.Body.Close()
				}
			}
			return send(form)
		})},
		"a charge is a cent more": {lens: changed("AuthorizeOnBillingAgreement", "AuthorizationAmount.Amount", func(string) string { return "2" })},
		"reference ids are made up anew": {lens: changed("AuthorizeOnBillingAgreement", "AuthorizationReferenceId", func(id string) string {
			count++
			return id + "x" + strings.Repeat("x", count%9)
		})},
		"captures are refused":              {lens: changed("Capture", "CaptureAmount.CurrencyCode", func(string) string { return "XXX" })},
		"money is taken without CaptureNow": {lens: changed("Authorize", "CaptureNow", func(string) string { return "true" })},
		"answers come from another object":  {lens: changed("GetAuthorizationDetails", "AmazonAuthorizationId", first())},
		"drafts live two hours":             {rule: func(r *rules) { r.draft = 2 * time.Hour }},
		"authorizations live 29 days":       {rule: func(r *rules) { r.authorization = 29 * 24 * time.Hour }},
		"orders live half a year and a day": {rule: func(r *rules) { r.order = 181 * 24 * time.Hour }},
		"refunds take half an hour":         {rule: func(r *rules) { r.delay = 30 * time.Minute }},
		"nothing is refunded beyond":        {rule: func(r *rules) { r.percent = 0 }},
		"20 percent may be refunded":        {rule: func(r *rules) { r.percent = 20 }},
		"the month has 31 days from the 2nd": {rule: func(r *rules) {
			r.byMonth = func(t time.Time) time.Time { return documented().byMonth(t).AddDate(0, 0, 1) }
		}},
		"the month's limit is 999":         {rule: func(r *rules) { r.monthly = 99900 }},
		"a repetition is refused":          {rule: func(r *rules) { r.replayed = false }},
		"nothing suspends an agreement":    {rule: without("agreement Open Suspended/InvalidPaymentMethod AuthorizeOnBillingAgreement Authorize ValidateBillingAgreement Advance BuyerDeletesMethod")},
		"a captured authorization is open": {rule: without("authorization Open Closed/MaxCapturesProcessed Capture Advance")},
		"closing an order does nothing":    {rule: without("order Open Closed/SellerClosed CloseOrderReference")},
		"refunds never end":                {rule: without("refund Pending Completed Advance")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			try := func(s *script) *violation {
				r := documented()
				if tt.rule != nil {
					tt.rule(r)
				}
				return run(s, r, tt.lens)
			}
			for seed := uint64(1); seed < 200; seed++ {
				s := compose(seed, stepsOfAScript)
				v := try(s)
				if v == nil {
					continue
				}
				small, v := shrink(s, v, try)
				require.NotNil(t, try(small), "the short script breaks the rule, too")
				require.Less(t, len(small.Steps), 10, "%v\n%v", v, small)
				require.Nil(t, run(small, documented(), lens{}), "with a true view and the documented rules nothing is broken")
				t.Logf("seed %d, %d steps: %v", seed, len(small.Steps), v)
				return
			}
			t.Fatal("not found")
		})
	}
}

// first answers with what was asked for first.
func first() func(string) string {
	id := ""
	return func(asked string) string {
		if id == "" {
			id = asked
		}
		return id
	}
}

package amazonpaytest_test

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

func TestFaultsThatMakeNoSense(t *testing.T) {
	for name, tt := range map[string]struct {
		fault amazonpaytest.Fault
		field string
	}{
		"action":         {amazonpaytest.Fault{Action: "Pay", Kind: amazonpaytest.Slow}, "Fault.Action"},
		"no kind":        {amazonpaytest.Fault{Action: "Capture"}, "Fault.Kind"},
		"kind":           {amazonpaytest.Fault{Kind: "Rain"}, "Fault.Kind"},
		"negative delay": {amazonpaytest.Fault{Kind: amazonpaytest.Slow, Delay: -1}, "Fault.Delay"},
		"endless delay":  {amazonpaytest.Fault{Kind: amazonpaytest.Slow, Delay: time.Hour + 1}, "Fault.Delay"},
		"no skew":        {amazonpaytest.Fault{Kind: amazonpaytest.ClockSkew}, "Fault.Delay"},
		"skew of tokens": {amazonpaytest.Fault{Action: "token", Kind: amazonpaytest.ClockSkew, Delay: time.Hour}, "Fault.Action"},
		"above 1":        {amazonpaytest.Fault{Kind: amazonpaytest.Slow, Probability: 1.01}, "Fault.Probability"},
		"below 0":        {amazonpaytest.Fault{Kind: amazonpaytest.Slow, Probability: -0.01}, "Fault.Probability"},
		"no number":      {amazonpaytest.Fault{Kind: amazonpaytest.Slow, Probability: math.NaN()}, "Fault.Probability"},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, tt.fault.Check(), tt.field)
			s := newShop(t, amazonpaytest.Settings{})
			require.PanicsWithValue(t, tt.fault.Check().Error(), func() {
				s.fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.AnswerLost}, tt.fault)
			})
			require.Empty(t, s.fake.Faults(), "all or nothing")
		})
	}
	for _, kind := range amazonpaytest.FaultKinds() {
		require.NoError(t, amazonpaytest.Fault{Kind: kind, Delay: time.Second, Times: -7, Probability: 0.5}.Check(), kind)
	}
	require.NoError(t, amazonpaytest.Fault{Action: "profile", Kind: amazonpaytest.ConnectionReset}.Check())
	require.NoError(t, amazonpaytest.Fault{Kind: amazonpaytest.ClockSkew, Delay: -9 * time.Hour}.Check())
}

func TestFaultsLeft(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	s.fake.Inject(
		amazonpaytest.Fault{Action: "Capture", Kind: amazonpaytest.Throttled},
		amazonpaytest.Fault{Kind: amazonpaytest.ServerError500, Times: 2},
		amazonpaytest.Fault{Kind: amazonpaytest.Slow, Times: -3})
	require.Equal(t, []int{1, 2, -1}, left(s.fake))
	s.do("GetServiceStatus").refused(500, "InternalServerError")
	require.Equal(t, []int{1, 1, -1}, left(s.fake))
	s.do("Capture").refused(503, "RequestThrottled")
	s.do("Capture").refused(500, "InternalServerError")
	s.do("GetServiceStatus").ok()
	require.Equal(t, []int{-1}, left(s.fake))
	s.fake.Faults()[0].Kind = "changed"
	require.Equal(t, amazonpaytest.Slow, s.fake.Faults()[0].Kind)
	s.fake.Heal()
	require.Empty(t, s.fake.Faults())
}

func left(fake *amazonpaytest.Fake) (times []int) {
	for _, fault := range fake.Faults() {
		times = append(times, fault.Times)
	}
	return times
}

// The same seed falls out the same, another one another way, and about as often
// as it should.
func TestProbability(t *testing.T) {
	run := func(seed uint64) string {
		s := newShop(t, amazonpaytest.Settings{Seed: seed})
		s.fake.Inject(
			amazonpaytest.Fault{Kind: amazonpaytest.ServerError500, Times: -1, Probability: 0.2},
			amazonpaytest.Fault{Kind: amazonpaytest.Unavailable503, Times: 5, Probability: 0.5},
			amazonpaytest.Fault{Action: "Capture", Kind: amazonpaytest.Throttled, Times: -1, Probability: 1})
		var b strings.Builder
		for range 500 {
			fmt.Fprint(&b, s.do("GetServiceStatus").status/100*100+s.do("GetServiceStatus").status%100, " ")
		}
		require.Equal(t, []int{-1, -1}, left(s.fake), "five have struck")
		s.fake.Heal()
		s.fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.Throttled, Probability: 1})
		s.do("GetServiceStatus").refused(503, "RequestThrottled")
		s.do("GetServiceStatus").ok()
		return b.String()
	}
	first := run(1)
	require.Equal(t, first, run(1))
	require.NotEqual(t, first, run(2))
	require.InDelta(t, 100, strings.Count(first, "500 "), 40)
}

// Both sides of a reset connection: without a socket and with one.
func TestConnectionReset(t *testing.T) {
	for _, tt := range []struct {
		kind    amazonpaytest.FaultKind
		charged int
	}{{amazonpaytest.ConnectionReset, 0}, {amazonpaytest.WorkDoneReset, 1}} {
		for _, road := range []string{"no socket", "socket", "TLS"} {
			t.Run(string(tt.kind)+" "+road, func(t *testing.T) {
				fake := amazonpaytest.New(amazonpaytest.Settings{})
				server := httptest.NewUnstartedServer(fake)
				defer server.Close()
				config := fake.Config()
				switch road {
				case "socket":
					server.Start()
					config = fake.ConfigAt(server.URL)
				case "TLS":
					server.StartTLS()
					config = fake.ConfigAt(server.URL)
					config.HTTPClient = server.Client()
				}
				config.Backoff = amazonpay.Spacing() // once
				client, err := amazonpay.New(config)
				require.NoError(t, err)
				agreement := fake.OpenBillingAgreement()
				fake.Inject(amazonpaytest.Fault{Action: "AuthorizeOnBillingAgreement", Kind: tt.kind})

				_, err = renew(client, agreement.ID(), "2026-01")
				require.ErrorIs(t, err, syscall.ECONNRESET)
				var unknown *amazonpay.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				require.Len(t, fake.Ledger(), tt.charged)
				_, err = renew(client, agreement.ID(), "2026-01")
				require.NoError(t, err)
				require.Len(t, fake.Ledger(), 1)
			})
		}
	}
}

// A closed connection is not a reset one, on both roads.
func TestConnectionClosed(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	server := httptest.NewServer(s.fake)
	defer server.Close()
	for _, client := range []*http.Client{{Transport: s.fake}, server.Client()} {
		s.fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.RequestLost})
		_, err := client.Post(server.URL+"/OffAmazonPayments_Sandbox/2013-01-01", "application/x-www-form-urlencoded", strings.NewReader("Action=Capture"))
		require.ErrorContains(t, err, "EOF")
		require.NotErrorIs(t, err, syscall.ECONNRESET)
	}
}

// An answer that breaks off, on both roads: the length is promised and does not
// come, so that reading it ends in an error.
func TestTruncated(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	server := httptest.NewServer(s.fake)
	defer server.Close()
	for name, client := range map[string]*http.Client{"no socket": {Transport: s.fake}, "socket": server.Client()} {
		t.Run(name, func(t *testing.T) {
			read := func() (*http.Response, string, error) {
				resp, err := client.Post(server.URL+"/OffAmazonPayments_Sandbox/2013-01-01", "application/x-www-form-urlencoded", strings.NewReader("Action=Capture"))
				require.NoError(t, err)
				text, err := io.ReadAll(resp.Body)
				require.NoError(t, resp.Body.Close())
				return resp, string(text), err
			}
			_, whole, err := read()
			require.NoError(t, err)
			s.fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.Truncated})
			resp, half, err := read()
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.Equal(t, int64(len(whole)), resp.ContentLength)
			require.Equal(t, whole[:len(whole)/2], half)
		})
	}
	config := s.fake.Config()
	config.Backoff = amazonpay.Spacing() // once
	client, err := amazonpay.New(config)
	require.NoError(t, err)
	agreement := s.fake.OpenBillingAgreement()
	s.fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.Truncated})
	_, err = renew(client, agreement.ID(), "2026-01")
	var unknown *amazonpay.OutcomeUnknownError
	require.ErrorAs(t, err, &unknown)
	require.Len(t, s.fake.Ledger(), 1)
}

func TestClockSkew(t *testing.T) {
	for name, tt := range map[string]struct {
		skew time.Duration
		good bool
	}{
		"ahead": {16 * time.Minute, false}, "behind": {-16 * time.Minute, false},
		"a little ahead": {14 * time.Minute, true}, "a little behind": {-14 * time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, amazonpaytest.Settings{})
			agreement := s.subscription(amazonpaytest.Checkout{})
			s.fake.Inject(amazonpaytest.Fault{Action: "AuthorizeOnBillingAgreement", Kind: amazonpaytest.ClockSkew, Delay: tt.skew})
			resp, err := s.send(s.form("AuthorizeOnBillingAgreement", "AmazonBillingAgreementId", string(agreement.ID()),
				"AuthorizationReferenceId", "r1", "AuthorizationAmount.Amount", "10", "AuthorizationAmount.CurrencyCode", "USD",
				"TransactionTimeout", "0", "CaptureNow", "true"))
			require.NoError(t, err)
			date, err := http.ParseTime(resp.Header.Get("Date"))
			require.NoError(t, err)
			require.WithinDuration(t, time.Now().Add(tt.skew), date, 10*time.Second)
			if answer := s.read(resp, nil); tt.good {
				answer.ok()
			} else {
				answer.refused(400, "InvalidParameterValue")
			}
			require.Equal(t, tt.good, len(s.fake.Ledger()) == 1)
			require.Equal(t, amazonpaytest.ClockSkew, s.fake.Calls()[len(s.fake.Calls())-1].Fault)
			s.charge(agreement, "r2", "10").ok() // it is right again
		})
	}
}

// A road on which chance decides, the same with the same seed.
func TestDeliveryRates(t *testing.T) {
	const sent = 300
	travel := func(seed uint64, d amazonpaytest.Delivery) (arrived []string, lost int) {
		s := newShop(t, amazonpaytest.Settings{Seed: seed})
		s.fake.SetDelivery(d)
		s.fake.Notify(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
			arrived = append(arrived, req.Header.Get("x-amz-sns-message-id"))
		}))
		for i := range sent {
			s.fake.Send(amazonpaytest.Message{Text: "x", MessageID: fmt.Sprintf("%03d", i)})
			s.fake.Advance(10 * time.Second)
		}
		s.fake.Advance(time.Minute)
		for _, n := range s.fake.Notifications() {
			if n.Lost {
				lost++
				require.Equal(t, []any{0, 0, true}, []any{n.Attempts, n.Status, n.Due.IsZero()})
			}
		}
		return arrived, lost
	}
	swaps := func(ids []string) (n int) {
		for i := range ids[1:] {
			if ids[i] > ids[i+1] {
				n++
			}
		}
		return n
	}
	all, lost := travel(1, amazonpaytest.Delivery{})
	require.Equal(t, []int{sent, 0, 0}, []int{len(all), lost, swaps(all)})

	twice, lost := travel(1, amazonpaytest.Delivery{DuplicateRate: 0.25})
	require.InDelta(t, sent*1.25, len(twice), 30)
	require.Zero(t, lost)
	some, lost := travel(1, amazonpaytest.Delivery{LossRate: 0.25})
	require.Equal(t, sent, len(some)+lost)
	require.InDelta(t, sent/4, lost, 30)
	mixed, lost := travel(1, amazonpaytest.Delivery{ReorderRate: 0.25})
	require.Equal(t, []int{sent, 0}, []int{len(mixed), lost})
	require.Greater(t, swaps(mixed), 20)
	none, lost := travel(1, amazonpaytest.Delivery{LossRate: 1})
	require.Equal(t, []int{0, sent}, []int{len(none), lost})

	bad := amazonpaytest.Delivery{DuplicateRate: 0.1, ReorderRate: 0.1, LossRate: 0.1}
	first, _ := travel(7, bad)
	again, _ := travel(7, bad)
	other, _ := travel(8, bad)
	require.Equal(t, first, again)
	require.NotEqual(t, first, other)

	s := newShop(t, amazonpaytest.Settings{})
	for _, d := range []amazonpaytest.Delivery{{DuplicateRate: 1.1}, {ReorderRate: -0.1}, {LossRate: math.NaN()}} {
		require.Panics(t, func() { s.fake.SetDelivery(d) })
	}
}

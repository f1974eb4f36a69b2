package amazonpaytest_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// Two thousand subscribers and a year of monthly charges, through the client:
// go test -run xxx -bench Year -benchtime 1x ./amazonpaytest.
func BenchmarkYear(b *testing.B) {
	const subscribers, months = 2000, 12
	ctx := context.Background()
	for b.Loop() {
		fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true, KeepCalls: 1000})
		client := fake.Client()
		agreements := make([]*amazonpaytest.BillingAgreement, subscribers)
		for i := range agreements {
			agreements[i] = fake.OpenBillingAgreement()
		}
		for month := range months {
			var next atomic.Int64
			var wg sync.WaitGroup
			for range runtime.GOMAXPROCS(0) {
				wg.Go(func() {
					for i := next.Add(1) - 1; i < subscribers; i = next.Add(1) - 1 {
						a, err := client.AuthorizeOnBillingAgreement(ctx, amazonpay.AuthorizeOnBillingAgreementRequest{
							AmazonBillingAgreementID: agreements[i].ID(), AuthorizationReferenceID: amazonpay.ReferenceID(fmt.Sprintf("s%d-%d", i, month)),
							AuthorizationAmount: amazonpay.MustPrice("19.90", "USD"), TransactionTimeout: new(0), CaptureNow: true})
						if err != nil || a.Outcome() != amazonpay.OutcomePaid {
							b.Errorf("subscriber %d, month %d: %v", i, month, err)
							return
						}
					}
				})
			}
			wg.Wait()
			fake.AdvanceTo(fake.Now().AddDate(0, 1, 0))
		}
		require.Equal(b, amazonpay.MustPrice("477600.00", "USD"), fake.TotalCaptured("USD"))
	}
	b.ReportMetric(float64(subscribers*months*b.N)/b.Elapsed().Seconds(), "charges/s")
}

// floor does the least that any fake must do: read the form, check the
// signature, answer.
func floor(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		panic(err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		panic(err)
	}
	given := form.Get("Signature")
	form.Del("Signature")
	mac := hmac.New(sha256.New, []byte(testSecret))
	// Encode sorts by name and escapes all but the space as Amazon wants it.
	_, _ = io.WriteString(mac, "POST\n"+req.URL.Host+"\n"+req.URL.Path+"\n"+strings.ReplaceAll(form.Encode(), "+", "%20"))
	if base64.StdEncoding.EncodeToString(mac.Sum(nil)) != given {
		panic("wrong signature")
	}
	_, _ = io.WriteString(w, "<GetAuthorizationDetailsResponse/>")
}

// One call of the fake in the process, of one caller and of 32, and how many
// times longer it takes than the floor does in the same run.
func BenchmarkCall(b *testing.B) {
	for _, callers := range []int{1, 32} {
		for _, action := range []string{"GetAuthorizationDetails", "AuthorizeOnBillingAgreement"} {
			b.Run(fmt.Sprintf("%s/%d", action, callers), func(b *testing.B) {
				s := newShop(b, amazonpaytest.Settings{MonthlyLimit: amazonpay.MustPrice("100000000", "USD")})
				agreement := s.subscription(amazonpaytest.Checkout{})
				id := s.charge(agreement, "first", "1").ok().get("AmazonAuthorizationId")
				body := func(n int64) string {
					form := s.form(action, "AmazonAuthorizationId", id)
					if action != "GetAuthorizationDetails" {
						form = s.form(action, "AmazonBillingAgreementId", string(agreement.ID()), "AuthorizationReferenceId", fmt.Sprint("r", n),
							"AuthorizationAmount.Amount", "0.01", "AuthorizationAmount.CurrencyCode", "USD", "TransactionTimeout", "0", "CaptureNow", "true")
					}
					form["Signature"] = sign(testSecret, "mws.amazonservices.com", "/OffAmazonPayments_Sandbox/2013-01-01", form)
					return query(form)
				}
				bodies := make([]string, b.N)
				for i := range bodies {
					bodies[i] = body(int64(i))
				}
				b.ResetTimer()
				b.ReportAllocs()
				took := serve(b, s.fake, bodies, callers)
				b.StopTimer()
				least := serve(b, http.HandlerFunc(floor), bodies, callers)
				b.ReportMetric(float64(b.N)/took.Seconds(), "calls/s")
				b.ReportMetric(took.Seconds()/least.Seconds(), "x-floor")
			})
		}
	}
}

// serve hands the requests to a handler and returns the time it took.
func serve(b *testing.B, h http.Handler, bodies []string, callers int) time.Duration {
	var next atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	for range callers {
		wg.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(bodies); i = next.Add(1) - 1 {
				req, err := http.NewRequest(http.MethodPost, sandboxURL, strings.NewReader(bodies[i]))
				if err != nil {
					b.Error(err)
					return
				}
				req.Host = req.URL.Host
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, req); w.Code != http.StatusOK {
					b.Errorf("%d: %s", w.Code, w.Body)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(begin)
}

// BenchmarkCharge is one monthly charge, client and fake together.
func BenchmarkCharge(b *testing.B) {
	fake := amazonpaytest.New(amazonpaytest.Settings{KeepCalls: 1000})
	client := fake.Client()
	agreements := make([]*amazonpaytest.BillingAgreement, 2000)
	for i := range agreements {
		agreements[i] = fake.OpenBillingAgreement()
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		_, err := client.AuthorizeOnBillingAgreement(context.Background(), amazonpay.AuthorizeOnBillingAgreementRequest{
			AmazonBillingAgreementID: agreements[i%len(agreements)].ID(),
			AuthorizationReferenceID: amazonpay.ReferenceID(fmt.Sprintf("sub-%d", i)),
			AuthorizationAmount:      amazonpay.MustPrice("0.01", amazonpay.CurrencyUSD),
			TransactionTimeout:       new(0),
			CaptureNow:               true,
		})
		require.NoError(b, err)
	}
}

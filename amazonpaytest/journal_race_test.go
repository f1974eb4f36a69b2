package amazonpaytest_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// However many are at it, the journal has everything in the order in which it
// was done.
func TestJournalOfManyAtOnce(t *testing.T) {
	log := &tape{}
	s := restoredShop(t, amazonpaytest.Settings{MonthlyLimit: amazonpay.MustPrice("90000", "USD")}, log)
	s.fake.Notify(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fake.NewBillingAgreement() // a handler that calls back
		if r.Header.Get("X-Amz-Sns-Message-Id")[1] > '7' {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	agreement := s.subscription(amazonpaytest.Checkout{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 4 {
				form := s.form("AuthorizeOnBillingAgreement", "AmazonBillingAgreementId", string(agreement.ID()), "AuthorizationAmount.Amount", "10",
					"AuthorizationAmount.CurrencyCode", "USD", "AuthorizationReferenceId", fmt.Sprint("r", i%4, "-", j), "CaptureNow", "true",
					"TransactionTimeout", fmt.Sprint(5*(i%2)))
				if resp, err := s.send(form); err == nil {
					_ = resp.Body.Close()
				}
				s.fake.Advance(time.Duration(j) * time.Minute)
				s.fake.OpenBillingAgreement().Cancel()
				s.fake.Deliver()
				_ = s.fake.Snapshot()
			}
		})
	}
	wg.Wait()
	s.fake.Deliver()
	require.NoError(t, s.fake.JournalError())
	again := restoredShop(t, amazonpaytest.Settings{MonthlyLimit: amazonpay.MustPrice("90000", "USD")}, rewound(log.written))
	require.Equal(t, books(t, s.fake), books(t, again.fake))
	require.Len(t, again.fake.Ledger(), 16)
}

func BenchmarkJournal(b *testing.B) {
	for name, log := range map[string]*tape{"with": {}, "without": nil} {
		b.Run(name, func(b *testing.B) {
			s := newShop(b, amazonpaytest.Settings{KeepCalls: 100})
			if log != nil {
				s = restoredShop(b, amazonpaytest.Settings{KeepCalls: 100}, log)
			}
			agreement := s.subscription(amazonpaytest.Checkout{})
			i := 0
			for b.Loop() {
				i++
				s.charge(agreement, fmt.Sprint("r", i), "1", "CaptureNow", "true")
			}
		})
	}
}

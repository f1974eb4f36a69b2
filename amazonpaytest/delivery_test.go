package amazonpaytest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

func TestDelivery(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	var times []time.Time
	ids := map[string]bool{}
	s.fake.Notify(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ids[req.Header.Get("x-amz-sns-message-id")] = true
		times = append(times, s.fake.Now())
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	order := s.fake.OpenOrderReference(amazonpay.MustPrice("10", "USD"))
	s.fake.Advance(30 * 24 * time.Hour)
	log := s.fake.Notifications()
	require.Len(t, log, 1)
	require.Equal(t, 1+14*24, log[0].Attempts)
	require.Len(t, times, 1+14*24)
	require.Equal(t, start.Add(time.Hour), times[1])
	require.Equal(t, start.Add(14*24*time.Hour), times[len(times)-1])
	require.Equal(t, map[string]bool{log[0].MessageID: true}, ids)
	require.Equal(t, 1, s.fake.Signatures())
	require.Equal(t, []any{503, nil, true, "https://merchant.example/", string(order.ID()), amazonpay.StateOpen, "OrderReferenceNotification", testSeller},
		[]any{log[0].Status, log[0].Err, log[0].Due.IsZero(), log[0].Receiver, log[0].ObjectID, log[0].State, log[0].NotificationType, log[0].SellerID})

	for _, tt := range []struct {
		statuses []int
		attempts int
		status   int
	}{
		{[]int{200}, 1, 200}, {[]int{204}, 1, 204}, {[]int{400}, 1, 400}, {[]int{410}, 1, 410},
		{[]int{500, 302, 503, 200}, 4, 200}, {[]int{500, 404}, 2, 404}, {nil, 1, 200},
	} {
		s := newShop(t, amazonpaytest.Settings{})
		s.listen(tt.statuses...)
		s.fake.OpenOrderReference(amazonpay.MustPrice("10", "USD"))
		s.fake.Advance(24 * time.Hour)
		log := s.fake.Notifications()
		require.Equal(t, []int{tt.attempts, tt.status}, []int{log[0].Attempts, log[0].Status}, "%v", tt.statuses)
	}
}

// Who is not there gets nothing, and nothing again.
func TestDeliveryToNobody(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	gone := errors.New("gone")
	s.fake.NotifyURL("https://gone.example", &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) { return nil, gone })})
	s.fake.NotifyURL("::", nil)
	s.fake.NotifyAt("https://crash.example/", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	s.fake.OpenBillingAgreement()
	s.fake.Advance(24 * time.Hour)
	log := s.fake.Notifications()
	require.Len(t, log, 3)
	require.ErrorIs(t, log[0].Err, gone)
	for _, n := range log {
		require.Equal(t, []any{1, 0, true}, []any{n.Attempts, n.Status, n.Due.IsZero()})
		require.Error(t, n.Err)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) { return t(req) }

func TestDeliveryIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, amazonpaytest.Settings{})
		took := 16 * time.Second
		s.fake.Notify(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(took) }))
		agreement := s.fake.OpenBillingAgreement()
		s.fake.Deliver()
		log := s.fake.Notifications()
		require.Equal(t, []any{1, 0, start.Add(time.Hour)}, []any{log[0].Attempts, log[0].Status, log[0].Due})
		require.EqualError(t, log[0].Err, "no answer within 15 seconds")
		took = 14 * time.Second
		s.fake.Advance(time.Hour)
		log = s.fake.Notifications()
		require.Equal(t, []any{2, 200, nil, true}, []any{log[0].Attempts, log[0].Status, log[0].Err, log[0].Due.IsZero()})
		s.listen() // the certificate is good in the year 2000, too
		agreement.Cancel()
		s.fake.Deliver()
	})
}

// A bad road: late, twice, in the wrong order.
func TestSetDelivery(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	in := s.listen()
	const open, closed = "BillingAgreementNotification Open", "BillingAgreementNotification Closed BuyerClosed"
	s.fake.SetDelivery(amazonpaytest.Delivery{Reversed: true})
	s.fake.OpenBillingAgreement().Cancel()
	require.Equal(t, []string{closed, open}, in.told())

	s.fake.SetDelivery(amazonpaytest.Delivery{Duplicates: 2, SignatureVersion: "2"})
	s.fake.OpenBillingAgreement().Cancel()
	s.fake.Deliver()
	require.Equal(t, "2", in.notes[0].outer["SignatureVersion"])
	require.Equal(t, in.notes[0].outer, in.notes[2].outer)
	require.Equal(t, []string{open, closed, open, closed, open, closed}, in.told())

	s.fake.SetDelivery(amazonpaytest.Delivery{Delay: time.Hour})
	agreement := s.fake.OpenBillingAgreement()
	require.Empty(t, in.told())
	s.fake.SetDelivery(amazonpaytest.Delivery{})
	agreement.Cancel()
	require.Equal(t, []string{closed}, in.told()) // overtaken
	s.fake.Advance(59 * time.Minute)
	require.Empty(t, in.told())
	s.fake.Advance(time.Minute)
	require.Equal(t, []string{open}, in.told())
}

func TestNothingIsSignedForNobody(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	agreement := s.subscription(amazonpaytest.Checkout{})
	s.charge(agreement, "m1", "10", "CaptureNow", "true").ok()
	agreement.Cancel()
	s.fake.Send(amazonpaytest.Message{Text: "x"})
	s.fake.Advance(24 * time.Hour)
	require.Empty(t, s.fake.Notifications())
	require.Zero(t, s.fake.Signatures())
	in := s.listen()
	require.Empty(t, in.told()) // what was before is not made up for
	s.fake.SetDelivery(amazonpaytest.Delivery{Delay: time.Hour})
	s.fake.OpenBillingAgreement()
	require.Zero(t, s.fake.Signatures()) // it is on its way
	s.fake.Notify(http.NotFoundHandler())
	s.fake.Send(amazonpaytest.Message{NotificationType: "PaymentCapture", Sample: true})
	s.fake.Advance(time.Hour)
	require.Equal(t, 2, s.fake.Signatures()) // one for both receivers
	require.Len(t, s.fake.Notifications(), 3)
}

// What sellers configure counts, once there is a client for it.
func TestNotifyEndpoints(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{Delegated: map[string]string{"MERCHANT": "TOKEN"}})
	const list = "NotificationConfigurationList.NotificationConfiguration."
	configure := func(endpoints ...string) {
		var params []string
		for i, e := range endpoints {
			address, events, _ := strings.Cut(e, " ")
			params = append(params, fmt.Sprint(list, i+1, ".NotificationUrl"), address)
			for j, event := range strings.Fields(events) {
				params = append(params, fmt.Sprint(list, i+1, ".EventTypes.EventTypeList.", j+1), event)
			}
		}
		s.do("SetMerchantNotificationConfiguration", params...).ok()
	}
	configure("https://all.example/ ALL", "https://some.example/ipn BILLING_AGREEMENT PAYMENT_CAPTURE", "https://bank.example/ CHARGEBACK_DETAILED")
	s.seller, s.token = "MERCHANT", "TOKEN"
	configure("https://merchant.example/ipn ORDER_REFERENCE BILLING_AGREEMENT")
	s.seller, s.token = testSeller, ""

	s.fake.OpenBillingAgreement()
	require.Empty(t, s.fake.Notifications())
	var got []string
	s.fake.NotifyEndpoints(&http.Client{Transport: transport(func(req *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(req.Body)
		n := s.verify(req.Header, body)
		got = append(got, fmt.Sprintf("%s %s %s", req.URL.Host, n.kind(), n.inner["SellerId"]))
		require.Contains(t, s.fake.TopicARNs(), n.outer["TopicArn"])
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	})})
	agreement := s.fake.OpenBillingAgreement()
	captured := s.charge(agreement, "m1", "5", "CaptureNow", "true").ok().get("IdList/member")
	s.fake.Chargeback(amazonpay.CaptureID(captured), amazonpay.MustPrice("5", "USD"), "")
	s.fake.RegisterMerchant(testSeller, nil)
	s.fake.NewBillingAgreementWith(amazonpaytest.Checkout{SellerID: "MERCHANT"}).AmazonCancel()
	s.fake.Deliver()
	require.Equal(t, []string{
		"all.example BillingAgreementNotification " + testSeller, "some.example BillingAgreementNotification " + testSeller,
		"all.example PaymentAuthorize " + testSeller,
		"all.example PaymentCapture " + testSeller, "some.example PaymentCapture " + testSeller,
		"all.example OrderReferenceNotification " + testSeller,
		"all.example Chargeback Detailed Notification " + testSeller, "bank.example Chargeback Detailed Notification " + testSeller,
		"all.example SolutionProviderEvent " + testSeller,
		"merchant.example BillingAgreementNotification MERCHANT",
	}, got)
}

// A handler may do what any merchant's does: ask back, charge again, move the
// clock, and end the test.
func TestHandlerCallsTheFake(t *testing.T) {
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client := fake.Client()
	var mu sync.Mutex
	var seen []string
	fake.NotifyAt("https://shop.example/ipn?x=1", http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		require.Equal(t, "shop.example/ipn?x=1", req.Host+req.RequestURI)
		mu.Lock()
		defer mu.Unlock()
		n := fake.Notifications()
		last := n[slices.IndexFunc(n, func(n amazonpaytest.Notification) bool { return n.MessageID == req.Header.Get("x-amz-sns-message-id") })]
		seen = append(seen, last.NotificationType)
		if last.NotificationType == "BillingAgreementNotification" {
			_, err := renew(client, amazonpay.BillingAgreementID(last.ObjectID), fake.Now().Format("2006-01"))
			require.NoError(t, err)
		}
	}))
	mu.Lock()
	subscribed(fake, client) // under a lock that the handler wants
	mu.Unlock()
	fake.Deliver()
	require.Equal(t, []string{"BillingAgreementNotification", "PaymentAuthorize", "PaymentCapture", "OrderReferenceNotification"}, seen)
	require.Len(t, fake.Ledger(), 1)

	late := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	late.Notify(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { late.Advance(2 * time.Hour) }))
	late.Send(amazonpaytest.Message{Text: "x"})
	late.Advance(time.Hour)
	require.Equal(t, 3*time.Hour, late.Now().Sub(start)) // all that is advanced counts

	for name, end := range map[string]func(){"FailNow": runtime.Goexit, "panic": func() { panic("own") }} {
		fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
		fake.Notify(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { end() }))
		fake.Send(amazonpaytest.Message{Text: "x"})
		var panicked any
		done := make(chan bool)
		go func() {
			defer close(done)
			defer func() { panicked = recover() }()
			fake.Deliver()
			t.Error(name + " did not end it")
		}()
		<-done
		if name == "panic" {
			require.Equal(t, "own", panicked)
		}
		fake.Deliver() // no lock was kept
	}
}

// Many at once: each change is told once, to each receiver.
func TestNotificationsConcurrently(t *testing.T) {
	s := newRunningShop(t, amazonpaytest.Settings{})
	client := s.fake.Client()
	var mu sync.Mutex
	seen := map[string]int{}
	s.fake.Notify(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[req.Header.Get("x-amz-sns-message-id")]++
	}))
	s.fake.SetDelivery(amazonpaytest.Delivery{Duplicates: 1})
	const buyers = 8
	var group sync.WaitGroup
	for range buyers {
		group.Go(func() {
			agreement := s.fake.OpenBillingAgreement()
			_, err := client.AuthorizeOnBillingAgreement(context.Background(), amazonpay.AuthorizeOnBillingAgreementRequest{
				AmazonBillingAgreementID: agreement.ID(), AuthorizationReferenceID: amazonpay.ReferenceID(agreement.ID()),
				AuthorizationAmount: amazonpay.MustPrice("5", "USD"), CaptureNow: true,
			})
			if err != nil {
				t.Error(err)
			}
			s.fake.Advance(time.Minute)
			agreement.Cancel()
			s.fake.Deliver()
			s.fake.Notifications()
		})
	}
	group.Wait()
	require.Eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		if len(seen) != buyers*5 { // confirmed, order, authorization, capture, closed
			return false
		}
		for _, times := range seen {
			if times != 2 {
				return false
			}
		}
		return true
	}, 5*time.Second, time.Millisecond)
	require.Equal(t, buyers*5, s.fake.Signatures())
}

// Over sockets in both directions, nobody moving the clock.
func TestNotificationsOverSockets(t *testing.T) {
	s := newRunningShop(t, amazonpaytest.Settings{})
	got := make(chan note, 1)
	redirected := false
	merchant := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		if req.URL.Path != "/ipn" {
			redirected = true
		}
		http.Redirect(w, req, "/elsewhere", http.StatusFound)
		got <- s.verify(req.Header, body)
	}))
	defer merchant.Close()
	amazon := httptest.NewServer(s.fake)
	defer amazon.Close()
	s.fake.NotifyURL(merchant.URL+"/ipn", nil)
	config := s.fake.ConfigAt(amazon.URL)
	require.Nil(t, config.HTTPClient)
	client, err := amazonpay.New(config)
	require.NoError(t, err)
	agreement := s.fake.NewBillingAgreement().Consent()
	require.NoError(t, client.ConfirmBillingAgreement(t.Context(), amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: agreement.ID()}))
	n := <-got
	require.Equal(t, "BillingAgreementNotification Open", n.summary())
	require.Eventually(t, func() bool { return s.fake.Notifications()[0].Status == http.StatusFound }, 5*time.Second, time.Millisecond)
	require.False(t, redirected)

	address, err := url.Parse(n.outer["SigningCertURL"])
	require.NoError(t, err)
	resp, err := http.Get(amazon.URL + address.Path)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Regexp(t, pemShape, string(text))
}

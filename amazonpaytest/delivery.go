package amazonpaytest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"
)

// Amazon Pay repeats a notification every hour for 14 days; SNS waits 15
// seconds for an answer.
const (
	repeatEvery = time.Hour
	repeatFor   = 14 * 24 * time.Hour
	answerTime  = 15 * time.Second
)

// Delivery says how notifications travel. The zero Delivery is the road at its
// best: at once, each once, in order.
type Delivery struct {
	Delay            time.Duration // on the business clock, between the change and the first attempt
	Duplicates       int           // how often each comes again, with the same MessageId, after it was accepted
	Reversed         bool          // of those that are due at the same time, the latest comes first
	SignatureVersion string        // "1" or "2"; empty is "1", the only one that Amazon Pay has been seen to use

	// Background delivers what is due without waiting for [Fake.Deliver] or
	// [Fake.Advance], in goroutines of the fake: for a program in another
	// process. The clock stands still all the same: delays and repetitions
	// need Advance.
	Background bool
}

// SetDelivery changes how notifications travel from now on. It panics on what
// makes no sense.
func (f *Fake) SetDelivery(d Delivery) {
	if d.Delay < 0 || d.Duplicates < 0 || d.SignatureVersion != "" && d.SignatureVersion != "1" && d.SignatureVersion != "2" {
		panic("amazonpaytest: a delivery with a negative number or an unknown signature version")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delivery = d
}

// Notification is a message on its way to one receiver.
type Notification struct {
	Message            // as it was signed, with nothing left out
	Receiver string    // the URL
	Attempts int       // so far
	Status   int       // HTTP status of the last attempt; 0 if there was none
	Err      error     // why the last attempt got no answer
	Due      time.Time // of the next attempt, on the business clock; zero if there will be none
}

// Notifications are all that have been sent or wait to be, in the order of
// making. Before a receiver is registered nothing is made.
func (f *Fake) Notifications() []Notification {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Notification, len(f.sent))
	for i, p := range f.sent {
		all[i] = p.Notification
	}
	return all
}

// receiver is where notifications go.
type receiver struct {
	url    string
	client *http.Client
}

// parcel is a message on its way to one receiver.
type parcel struct {
	Notification
	receiver   receiver
	sign       func() (http.Header, []byte) // signs at the first call, for all receivers
	first      time.Time                    // attempt
	duplicates int                          // still to come
}

// Notify registers a receiver of all notifications from now on: a handler that
// gets them without a socket, as POST requests for https://merchant.example/.
//
// The handler is called by [Fake.Deliver] and [Fake.Advance], never during the
// request that changed something: it may call the fake, and take locks that
// your code holds while it does. It is not watched: one that takes more than 15
// seconds has answered too late.
func (f *Fake) Notify(handler http.Handler) { f.NotifyAt("https://merchant.example/", handler) }

// NotifyAt is [Fake.Notify] with a URL of your choice, for a handler that looks
// at it.
func (f *Fake) NotifyAt(url string, handler http.Handler) {
	f.NotifyURL(url, &http.Client{Transport: handlerTransport{handler}})
}

// NotifyURL is [Fake.Notify] over the client; nil is [http.DefaultClient].
// Redirects are not followed. In testing/synctest only a client that opens no
// socket will do.
func (f *Fake) NotifyURL(url string, client *http.Client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.receivers = append(f.receivers, newReceiver(url, client))
}

// NotifyEndpoints delivers to the endpoints of SetMerchantNotificationConfiguration
// from now on: what is the seller's and of the endpoint's event types, over the
// client, nil being [http.DefaultClient]. Without it the fake only remembers
// them. ALL brings the types that have no event type of their own, too.
func (f *Fake) NotifyEndpoints(client *http.Client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.endpointClient = newReceiver("", client).client
}

func newReceiver(url string, client *http.Client) receiver {
	own := http.Client{}
	if client != nil {
		own = *client
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return receiver{url, &own}
}

func (f *Fake) listening() bool { return len(f.receivers) > 0 || f.endpointClient != nil }

// eventTypes are the names of kinds in SetMerchantNotificationConfiguration.
var eventTypes = map[string]string{
	orderKind: "ORDER_REFERENCE", agreementKind: "BILLING_AGREEMENT", authorizeKind: "PAYMENT_AUTHORIZE",
	captureKind: "PAYMENT_CAPTURE", refundKind: "PAYMENT_REFUND", chargebackKind: "CHARGEBACK_DETAILED",
}

// receiversOf are all that want a message.
func (f *Fake) receiversOf(m Message) []receiver {
	all := slices.Clone(f.receivers)
	if s := f.sellers[m.SellerID]; s != nil && f.endpointClient != nil {
		for _, e := range s.endpoints {
			if slices.Contains(e.events, "ALL") || slices.Contains(e.events, eventTypes[m.NotificationType]) {
				all = append(all, receiver{e.url, f.endpointClient})
			}
		}
	}
	return all
}

// Send puts a message on its way to the receivers, as if Amazon had made it:
// for example Seller Central's test message,
// Message{NotificationType: "PaymentCapture", Sample: true}.
func (f *Fake) Send(m Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.post(m)
}

// post puts a message on its way. It is not signed before somebody gets it.
func (f *Fake) post(m Message) {
	fill(&m.SellerID, f.settings.SellerID)
	receivers := f.receiversOf(m)
	if len(receivers) == 0 {
		return
	}
	m = f.completed(m)
	sign := sync.OnceValues(func() (http.Header, []byte) { return f.signed(m) })
	for _, r := range receivers {
		p := &parcel{receiver: r, sign: sign, duplicates: f.delivery.Duplicates, Notification: Notification{Message: m, Receiver: r.url}}
		f.sent = append(f.sent, p)
		f.enqueue(p, f.now.Add(f.delivery.Delay))
	}
	if f.delivery.Background && f.delivery.Delay == 0 {
		go f.Deliver()
	}
}

// enqueue lets a parcel wait behind those that are due at the same time, or
// before them.
func (f *Fake) enqueue(p *parcel, at time.Time) {
	p.Due = at
	i, _ := slices.BinarySearchFunc(f.outbox, at, func(other *parcel, at time.Time) int {
		if other.Due.After(at) || f.delivery.Reversed && other.Due.Equal(at) {
			return 1
		}
		return -1
	})
	f.outbox = slices.Insert(f.outbox, i, p)
}

// Deliver hands over the notifications that are due. [Fake.Advance] does so,
// too, at the times on its way.
//
// A receiver has 15 seconds to answer 2xx. What it answers 4xx, and what does
// not reach it, is lost; after any other answer, and none in time, it comes
// again every hour for 14 days. So Amazon's own page has it; others say that
// what did not reach the receiver comes again as well.
func (f *Fake) Deliver() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.advanceTo(f.now)
}

// attempt hands a parcel over. The lock is given up meanwhile, and taken again
// even if the handler ends the test.
func (f *Fake) attempt(p *parcel) {
	p.Due = time.Time{}
	p.Attempts++
	if p.Attempts == 1 {
		p.first = f.now
	}
	at := f.now
	code, late, err := func() (int, bool, error) {
		f.mu.Unlock()
		defer f.mu.Lock()
		return p.receiver.deliver(p.sign())
	}()
	p.Status, p.Err = code, err
	switch {
	case code/100 == 2:
		if p.duplicates > 0 {
			p.duplicates--
			f.enqueue(p, f.now)
		}
	case code/100 == 4, err != nil && !late:
	case !at.Add(repeatEvery).After(p.first.Add(repeatFor)):
		f.enqueue(p, at.Add(repeatEvery))
	}
}

var errLate = errors.New("no answer within 15 seconds")

// deliver posts a signed message.
func (r receiver) deliver(header http.Header, body []byte) (code int, late bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		return 0, false, err
	}
	req.Header = header.Clone()
	resp, err := r.client.Do(req)
	if err == nil {
		_, _ = io.CopyN(io.Discard, resp.Body, 1<<16) // the answer is its status
		_ = resp.Body.Close()
		code = resp.StatusCode
	}
	if ctx.Err() != nil {
		return 0, true, errLate
	}
	return code, false, err
}

// handlerTransport calls a handler in place of a server.
type handlerTransport struct{ handler http.Handler }

// RoundTrip answers as the handler does. The panic that closes a connection is
// a broken one; any other is the test's.
func (t handlerTransport) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	defer func() {
		switch r := recover(); r {
		case nil:
		case http.ErrAbortHandler:
			resp, err = nil, errBroken
		default:
			panic(r)
		}
	}()
	arrived := req.Clone(req.Context())
	arrived.Host, arrived.RequestURI, arrived.RemoteAddr = req.URL.Host, req.URL.RequestURI(), "192.0.2.2:50000"
	arrived.URL.Scheme, arrived.URL.Host = "", ""
	w := httptest.NewRecorder()
	t.handler.ServeHTTP(w, arrived)
	return w.Result(), nil
}

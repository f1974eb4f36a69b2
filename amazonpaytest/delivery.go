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
	DuplicateRate    float64       // probability, for each, that it comes once more than Duplicates says
	ReorderRate      float64       // probability, for each, that it is held back for up to a minute, on the business clock: what comes later overtakes it
	LossRate         float64       // probability, for each, that it never arrives
	SignatureVersion string        // "1" or "2"; empty is "1", the only one that Amazon Pay has been seen to use
}

// SetDelivery changes how notifications travel from now on. It panics on what
// makes no sense.
func (f *Fake) SetDelivery(d Delivery) {
	f.must(Act{Do: "SetDelivery", Duration: duration(d.Delay), Duplicates: d.Duplicates, Reversed: d.Reversed,
		DuplicateRate: d.DuplicateRate, ReorderRate: d.ReorderRate, LossRate: d.LossRate, Signature: d.SignatureVersion})
}

// Notification is a message on its way to one receiver.
type Notification struct {
	Message            // as it was signed, with nothing left out
	Receiver string    // the URL
	Attempts int       // so far
	Status   int       // HTTP status of the last attempt; 0 if there was none
	Err      error     // why the last attempt got no answer
	Lost     bool      // on its way, by Delivery.LossRate: the receiver never sees it
	Due      time.Time // of the next attempt, on the business clock; zero if there will be none
}

// Notifications are all that have been sent or wait to be, in the order of
// making; the latest Settings.KeepCalls of them. Before a receiver is registered
// nothing is made.
func (f *Fake) Notifications() []Notification {
	f.mu.Lock()
	defer f.mu.Unlock()
	sent := latest(f.sent, f.settings.KeepCalls)
	all := make([]Notification, len(sent))
	for i, p := range sent {
		all[i] = p.Notification
	}
	return all
}

// receiver is where notifications go.
type receiver struct {
	url     string
	client  *http.Client // nil is one that the journal knows of, until it is registered again
	waiting []*parcel    // for that
}

// parcel is a message on its way to one receiver.
type parcel struct {
	Notification
	number     int
	receiver   *receiver
	sign       func() (http.Header, []byte) // signs at the first call, for all receivers
	first      time.Time                    // attempt
	duplicates int                          // still to come
}

// Notify registers a receiver of all notifications from now on: a handler that
// gets them without a socket, as POST requests for https://merchant.example/. A
// mux with paths wants [Fake.NotifyAt]: an answer of 404 is a notification lost,
// and Status in [Fake.Notifications] is the only sign of it.
//
// The handler is called by [Fake.Deliver] and [Fake.Advance], and with a running
// clock in a goroutine of the fake as soon as something is due; never during the
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
	f.register(newReceiver(url, client))
}

// NotifyEndpoints delivers to the endpoints of SetMerchantNotificationConfiguration
// from now on: what is the seller's and of the endpoint's event types, over the
// client, nil being [http.DefaultClient]. Without it the fake only remembers
// them. ALL brings the types that have no event type of their own, too.
func (f *Fake) NotifyEndpoints(client *http.Client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.registerEndpoints(newReceiver("", client).client)
}

func newReceiver(url string, client *http.Client) *receiver {
	own := http.Client{}
	if client != nil {
		own = *client
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &receiver{url: url, client: &own}
}

func (f *Fake) listening() bool { return len(f.receivers) > 0 || f.endpoints.listening }

// eventTypes are the names of kinds in SetMerchantNotificationConfiguration.
var eventTypes = map[string]string{
	orderKind: "ORDER_REFERENCE", agreementKind: "BILLING_AGREEMENT", authorizeKind: "PAYMENT_AUTHORIZE",
	captureKind: "PAYMENT_CAPTURE", refundKind: "PAYMENT_REFUND", chargebackKind: "CHARGEBACK_DETAILED",
}

// receiversOf are all that want a message.
func (f *Fake) receiversOf(m Message) []*receiver {
	all := slices.Clone(f.receivers)
	if s := f.sellers[m.SellerID]; s != nil && f.endpoints.listening {
		for _, e := range s.endpoints {
			if slices.Contains(e.events, "ALL") || slices.Contains(e.events, eventTypes[m.NotificationType]) {
				all = append(all, f.endpoints.at(e.url))
			}
		}
	}
	return all
}

// Send puts a message on its way to the receivers, as if Amazon had made it:
// for example Seller Central's test message,
// Message{NotificationType: "PaymentCapture", Sample: true}.
func (f *Fake) Send(m Message) {
	f.must(Act{Do: "Send", Message: &m})
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
		f.parcels++
		p := &parcel{number: f.parcels - 1, receiver: r, sign: sign, duplicates: f.delivery.Duplicates, Notification: Notification{Message: m, Receiver: r.url}}
		f.sent = remember(f.sent, f.settings.KeepCalls, p)
		f.send(p)
	}
}

// send lets chance have its way with a parcel.
func (f *Fake) send(p *parcel) {
	at, d := f.now.Add(f.delivery.Delay), f.delivery
	if strikes(f.deliveryDice, d.DuplicateRate) {
		p.duplicates++
	}
	if strikes(f.deliveryDice, d.ReorderRate) {
		at = at.Add(time.Second + time.Duration(f.deliveryDice.Int64N(int64(time.Minute-time.Second))))
	}
	if p.Lost = strikes(f.deliveryDice, d.LossRate); !p.Lost {
		f.enqueue(p, at)
	}
}

// enqueue lets a parcel wait behind those that are due at the same time, or
// before them.
func (f *Fake) enqueue(p *parcel, at time.Time) {
	p.Due = at
	f.outbox.push(at, f.delivery.Reversed, p)
}

// attempt hands a parcel over. The lock is given up meanwhile, and taken again
// even if the handler ends the test.
func (f *Fake) attempt(p *parcel) {
	if p.receiver.client == nil {
		p.receiver.waiting = append(p.receiver.waiting, p)
		return
	}
	p.Due = time.Time{}
	p.Attempts++
	if p.Attempts == 1 {
		p.first = f.now
	}
	at := f.now
	code, late, err := func() (int, bool, error) {
		f.handing++
		f.mu.Unlock()
		defer func() {
			f.mu.Lock()
			f.handing--
		}()
		return p.receiver.deliver(p.sign())
	}()
	defer f.keepParcel(p)
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
func (r *receiver) deliver(header http.Header, body []byte) (code int, late bool, err error) {
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

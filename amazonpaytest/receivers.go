package amazonpaytest

import (
	"cmp"
	"net/http"
	"slices"
)

// endpoints are the receivers that sellers have set by the API.
type endpoints struct {
	listening bool
	client    *http.Client // nil until it is registered again
	byURL     map[string]*receiver
}

// at is the receiver at a URL.
func (e *endpoints) at(url string) *receiver {
	if e.byURL == nil {
		e.byURL = make(map[string]*receiver)
	}
	if e.byURL[url] == nil {
		e.byURL[url] = &receiver{url: url, client: e.client}
	}
	return e.byURL[url]
}

// register enters a receiver, or finds the one that a journal remembers without
// a client.
func (f *Fake) register(r *receiver) {
	for _, known := range f.receivers {
		if known.client == nil && known.url == r.url {
			f.revive(known, r.client)
			return
		}
	}
	f.receivers = append(f.receivers, r)
	f.keep(entry{Receiver: &r.url})
}

// registerEndpoints lets the sellers' endpoints be delivered to.
func (f *Fake) registerEndpoints(client *http.Client) {
	e := &f.endpoints
	e.client = client
	for _, url := range sortedNames(e.byURL) {
		f.revive(e.byURL[url], client)
	}
	if !e.listening {
		e.listening = true
		f.keep(entry{Endpoints: true})
	}
}

// revive gives a receiver its client; what has been waiting for it is due.
func (f *Fake) revive(r *receiver, client *http.Client) {
	r.client = client
	waiting := r.waiting
	r.waiting = nil
	slices.SortFunc(waiting, func(a, b *parcel) int { return cmp.Compare(a.number, b.number) })
	for _, p := range waiting {
		f.outbox.push(p.Due, false, p)
	}
}

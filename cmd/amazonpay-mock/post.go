package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
)

// post carries the notifications of a fake. A fake goes on living after it was
// reset, as far as its clock knows: then nothing of it may reach a shop.
type post struct {
	log  *slog.Logger
	road *http.Transport

	mu      sync.Mutex
	closed  bool // for good
	holding bool // the process ends
	onWay   sync.WaitGroup
}

func newPost(log *slog.Logger) *post {
	road := http.DefaultTransport.(*http.Transport).Clone()
	road.MaxResponseHeaderBytes = 1 << 16
	return &post{log: log, road: road}
}

var errPostClosed = errors.New("the fake has been reset or is shutting down")

// RoundTrip delivers a notification and logs what the shop answered. The path
// is not logged: some shops have a secret in it.
func (p *post) RoundTrip(req *http.Request) (*http.Response, error) {
	entered, hold := p.enter()
	if hold {
		<-req.Context().Done() // a failure would be remembered; so it comes again after a restart
	}
	if !entered {
		return nil, errPostClosed
	}
	defer p.onWay.Done()
	resp, err := p.road.RoundTrip(req)
	attrs := []slog.Attr{slog.String("message", req.Header.Get("X-Amz-Sns-Message-Id")), slog.String("host", req.URL.Host)}
	if err != nil {
		p.log.LogAttrs(req.Context(), slog.LevelWarn, "notification not delivered", append(attrs, slog.String("problem", err.Error()))...)
		return nil, err
	}
	p.log.LogAttrs(req.Context(), slog.LevelInfo, "notification", append(attrs, slog.Int("status", resp.StatusCode))...)
	return resp, nil
}

func (p *post) enter() (entered, hold bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	entered = !p.closed && !p.holding
	if entered {
		p.onWay.Add(1)
	}
	return entered, p.holding && !p.closed
}

// close ends the notifications of a fake that is no more.
func (p *post) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
}

// hold keeps new notifications back for the next process.
func (p *post) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holding = true
}

// wait waits for the notifications on their way, until the context ends.
func (p *post) wait(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		p.onWay.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	p.road.CloseIdleConnections()
}

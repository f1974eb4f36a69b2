package sns

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	maxCertificate  = 16 << 10        // bytes; a real one has 2,000
	downloadTime    = 5 * time.Second // SNS waits 15 for the answer that depends on it
	keep            = 24 * time.Hour  // a certificate; SNS changes its own once a year
	keepFailure     = time.Minute     // a download that brought none
	maxCertificates = 16              // held at a time; a handful are in use
	burst           = 16              // downloads at once, from rest
	interval        = 2 * time.Second // between downloads, in a flood
)

// Certificates downloads signing certificates, holds them, and verifies
// messages with them. Any number of goroutines may use one.
type Certificates struct {
	Client     *http.Client                                          // makes the downloads; redirects are never followed
	Fetch      func(ctx context.Context, url string) ([]byte, error) // replaces the downloads and is believed; nil means Client
	Roots      *x509.CertPool                                        // every certificate must chain to one of them; nil means: see issued
	SHA256Only bool                                                  // refuse signature version 1

	mu      sync.Mutex
	entries map[string]*entry
	proven  map[string]time.Time // by address: when its certificate last verified a message
	spent   time.Time            // the bucket of downloads: that much of it is used up
}

// entry is a certificate, a failure to get one, or a download on its way.
type entry struct {
	url     string
	done    chan struct{} // closed when the rest is set
	cert    *x509.Certificate
	key     *rsa.PublicKey
	err     error
	expires time.Time

	waiting int                // callers that have not given up
	cancel  context.CancelFunc // of the download
}

// Verify checks all that makes a message one of SNS's.
func (c *Certificates) Verify(ctx context.Context, m *Message) error {
	if err := m.hashable(c.SHA256Only); err != nil {
		return err
	}
	if err := m.checkCertificateURL(); err != nil {
		return err
	}
	sig, err := m.signature()
	if err != nil {
		return err
	}
	e, err := c.get(ctx, m.SigningCertURL)
	if err != nil {
		return err
	}
	if err := validAt(e.cert, m.Time); err != nil {
		return err
	}
	if err := m.signedBy(e.key, sig); err != nil {
		return err
	}
	c.prove(e)
	return nil
}

// prove notes that a certificate has verified a message: it is one that the
// shop lives by, and not merely one that somebody named.
func (c *Certificates) prove(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proven == nil {
		c.proven = make(map[string]time.Time)
	}
	c.proven[e.url] = time.Now()
	if len(c.proven) > maxCertificates {
		oldest := e.url
		for url, used := range c.proven {
			if used.Before(c.proven[oldest]) {
				oldest = url
			}
		}
		delete(c.proven, oldest)
	}
}

// get returns a certificate from memory, or waits for the one download of it.
func (c *Certificates) get(ctx context.Context, url string) (*entry, error) {
	c.mu.Lock()
	now := time.Now()
	e := c.entries[url]
	if e != nil && !e.expires.IsZero() && now.After(e.expires) {
		e = nil
	}
	if e == nil {
		_, renewal := c.proven[url]
		if !renewal && !c.afford(now) {
			c.mu.Unlock()
			return nil, &Error{NoCertificate, "too many certificates were asked for: no download for now", nil}
		}
		e = c.start(ctx, url, now)
		if renewal {
			e.waiting++ // for whoever comes next: it does not end with its callers
		}
	}
	e.waiting++
	c.mu.Unlock()

	select {
	case <-e.done:
		return e, e.err
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.waiting--; e.waiting == 0 && e.expires.IsZero() {
		e.cancel() // nobody is left to wait for it
		if c.entries[url] == e {
			delete(c.entries, url)
		}
	}
	return nil, &Error{NoCertificate, "the certificate did not come in time", ctx.Err()}
}

// afford reports whether one more download may be made. Forged messages that
// name ever other certificates must not become a flood of requests to Amazon.
// The renewals of what is proven are few, and need no leave.
func (c *Certificates) afford(now time.Time) bool {
	if c.spent.Before(now) {
		c.spent = now
	}
	if c.spent.Sub(now) > (burst-1)*interval {
		return false
	}
	c.spent = c.spent.Add(interval)
	return true
}

// start begins a download. It goes on when the caller that happened to be the
// first gives up, and ends when all have.
func (c *Certificates) start(ctx context.Context, url string, now time.Time) *entry {
	if c.entries == nil {
		c.entries = make(map[string]*entry)
	}
	c.tidy(now)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), downloadTime)
	e := &entry{url: strings.Clone(url), done: make(chan struct{}), cancel: cancel}
	c.entries[e.url] = e
	go func() {
		defer cancel()
		cert, key, err := c.obtain(ctx, e.url)
		c.mu.Lock()
		defer c.mu.Unlock()
		e.cert, e.key, e.err = cert, key, err
		if e.expires = time.Now().Add(keep); err != nil {
			e.expires = time.Now().Add(keepFailure)
		}
		close(e.done)
	}()
	return e
}

// tidy forgets what has expired, and one certificate if there are too many: one
// that never verified a message, or else the one that did so least recently.
// Failures are few: afford sees to that.
func (c *Certificates) tidy(now time.Time) {
	held, oldest := 0, ""
	for url, e := range c.entries {
		switch {
		case e.expires.IsZero():
		case now.After(e.expires):
			delete(c.entries, url)
		case e.err == nil:
			held++
			if oldest == "" || c.proven[url].Before(c.proven[oldest]) {
				oldest = url
			}
		}
	}
	if held >= maxCertificates {
		delete(c.entries, oldest)
	}
}

// obtain gets a certificate and checks it. A download that brings something
// else may bring the certificate another time; a certificate that is not SNS's
// stays so.
func (c *Certificates) obtain(ctx context.Context, url string) (cert *x509.Certificate, key *rsa.PublicKey, err error) {
	defer func() {
		if cause := recover(); cause != nil { // in the injected client: all would wait for ever
			err = &Error{NoCertificate, "the certificate could not be downloaded", fmt.Errorf("panic: %T", cause)}
		}
	}()
	var data []byte
	var over *tls.ConnectionState
	if c.Fetch != nil {
		data, err = c.Fetch(ctx, url)
	} else {
		data, over, err = Download(ctx, c.Client, url)
	}
	if err != nil {
		return nil, nil, &Error{NoCertificate, "the certificate could not be downloaded", err}
	}
	if cert, err = decode(data); err != nil {
		return nil, nil, &Error{NoCertificate, "the certificate's address has something else", err}
	}
	if key, err = inspect(cert); err != nil {
		return nil, nil, err
	}
	if c.Fetch == nil || c.Roots != nil {
		err = issued(cert, c.Roots, over)
	}
	return cert, key, err
}

var errTooLarge = errors.New("the answer is too large")

// Download fetches a small file: status 200, no redirect, no cookies, no
// connection left behind.
func Download(ctx context.Context, client *http.Client, address string) ([]byte, *tls.ConnectionState, error) {
	ctx, cancel := context.WithTimeout(ctx, downloadTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	request.Close = true
	own := *client
	own.Jar = nil
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := own.Do(request)
	if err != nil {
		if noise, ok := errors.AsType[*url.Error](err); ok { // its text repeats the address, and a token in it
			err = noise.Err
		}
		return nil, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("status %d", response.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxCertificate+1))
	if err == nil && len(data) > maxCertificate {
		err = errTooLarge
	}
	return data, response.TLS, err
}

// Confirm accepts the subscription that a verified message offers.
func (c *Certificates) Confirm(ctx context.Context, m *Message) error {
	address, err := m.confirmURL()
	if err != nil {
		return err
	}
	if _, _, err := Download(ctx, c.Client, address); err != nil {
		return &Error{NoConfirmation, "the subscription could not be confirmed", err}
	}
	return nil
}

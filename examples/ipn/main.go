// Command ipn receives instant payment notifications: an HTTP server with the
// SDK's handler, an inbox that does the work for each notification once, and a
// fake Amazon Pay that sends real-looking traffic, forgeries included. It prints
// what was accepted, and why the rest was refused:
//
//	go run ./examples/ipn
//
// It exits with status 1 if a forgery was accepted or a notification was lost.
package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ipn:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	shop := &shop{out: out}
	verifier, err := newVerifier(fake, out)
	if err != nil {
		return err
	}

	// The merchant's server: this is all that a shop needs.
	mux := http.NewServeMux()
	mux.Handle("POST /amazonpay", verifier.Handler(shop.receive))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Shutdown(ctx) }()
	url := "http://" + listener.Addr().String() + "/amazonpay"

	fmt.Fprintln(out, "A subscription on the fake. Every notification is sent twice.")
	fake.SetDelivery(amazonpaytest.Delivery{Duplicates: 1})
	fake.NotifyURL(url, http.DefaultClient)
	genuine, err := subscribe(ctx, fake)
	if err != nil {
		return err
	}
	accepted := shop.count()

	fmt.Fprintln(out, "\nForgeries. The sender learns a status and nothing else.")
	forgeries := forge(fake, genuine)
	for _, f := range forgeries {
		status, err := post(ctx, url, f.header, f.body)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "   %-42s %d\n", f.name, status)
		if status < 400 {
			return fmt.Errorf("a forgery was accepted: %s", f.name)
		}
	}
	fmt.Fprintf(out, "\n%d notifications accepted, each once; %d forgeries refused.\n", accepted, len(forgeries))
	switch {
	case shop.count() != accepted:
		return errors.New("a forgery reached the shop")
	case accepted < 5:
		return errors.New("notifications were lost")
	}
	return nil
}

// newVerifier is client.Notifications() but for the fake's authority and clock.
func newVerifier(fake *amazonpaytest.Fake, out io.Writer) (*amazonpay.Verifier, error) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(fake.CertificateAuthority())
	return amazonpay.NewVerifier(amazonpay.VerifierConfig{
		SellerIDs:   []string{fake.Config().SellerID},
		Environment: amazonpay.Sandbox,
		HTTPClient:  &http.Client{Transport: fake}, // the fake serves the certificate
		Roots:       roots,
		Clock:       fake.Now,
		Logger: slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{
			Level: slog.LevelWarn, // what was refused, and why
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			},
		})),
	})
}

// shop does the work for each notification once.
type shop struct {
	out   io.Writer
	inbox amazonpay.MemoryInbox
	mu    sync.Mutex
	work  int
}

func (s *shop) receive(ctx context.Context, n *amazonpay.Notification) error {
	return s.inbox.Once(ctx, n.ID, func(context.Context) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.work++
		fmt.Fprintf(s.out, "   %-29s %-10s %s\n", n.Type, n.Status().State, n.ObjectID())
		return nil
	})
}

func (s *shop) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.work
}

// subscribe signs up, charges and refunds. It returns a genuine message.
func subscribe(ctx context.Context, fake *amazonpaytest.Fake) (id string, err error) {
	client, agreement := fake.Client(), fake.OpenBillingAgreement()
	charge, err := client.AuthorizeOnBillingAgreement(ctx, amazonpay.AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: agreement.ID(),
		AuthorizationReferenceID: "sub-42-2026-01",
		AuthorizationAmount:      amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD),
		TransactionTimeout:       new(0),
		CaptureNow:               true,
	})
	if err != nil {
		return "", err
	}
	_, err = client.Refund(ctx, amazonpay.RefundRequest{
		AmazonCaptureID:   charge.IDList[0],
		RefundReferenceID: "refund-42-2026-01",
		RefundAmount:      amazonpay.MustPrice("5", amazonpay.CurrencyUSD),
	})
	if err != nil {
		return "", err
	}
	fake.Advance(24 * time.Hour)
	err = client.CloseBillingAgreement(ctx, amazonpay.CloseBillingAgreementRequest{AmazonBillingAgreementID: agreement.ID()})
	fake.Deliver()
	return string(charge.IDList[0]), err
}

type forgery struct {
	name   string
	header http.Header
	body   []byte
}

// forge makes what must not pass: altered genuine messages, and messages that
// another merchant's Amazon Pay signed.
func forge(fake *amazonpaytest.Fake, captureID string) []forgery {
	header, body := fake.Sign(fake.Draft(captureID))
	alter := func(name, old, with string) forgery {
		return forgery{name, header, bytes.Replace(body, []byte(old), []byte(with), 1)}
	}
	stranger := amazonpaytest.New(amazonpaytest.Settings{SellerID: "A1SOMEBODYELSE"})
	agreement := stranger.OpenBillingAgreement()
	strangerHeader, strangerBody := stranger.Sign(stranger.Draft(string(agreement.ID())))
	return []forgery{
		alter("another state", "Completed", "Declined"),
		alter("another amount", "19.90", "99.90"),
		alter("another topic", "arn:aws:sns:us-east-1:", "arn:aws:sns:us-east-1:9"),
		alter("a certificate of the forger's", "https://sns.us-east-1.amazonaws.com/", "https://sns.us-east-1.amazonaws.com.evil.example/"),
		alter("a certificate in a bucket", "https://sns.us-east-1.amazonaws.com/", "https://s3.amazonaws.com/forger/"),
		{"another merchant's, truly signed", strangerHeader, strangerBody},
		{"cut off", header, body[:len(body)/2]},
		{"not JSON", header, []byte("paid=yes")},
	}
}

func post(ctx context.Context, url string, header http.Header, body []byte) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header = header.Clone()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

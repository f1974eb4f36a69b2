package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/amazonpay-go/amazonpay/amazonpaytest"
	"github.com/amazonpay-go/amazonpay/internal/endpoint"
)

// server is the process: the fakes, the authority and the listeners.
type server struct {
	config    *config
	log       *slog.Logger
	amazon    *amazon
	authority *authority
	listeners []listener
	agreement string // that -agreement made

	flows  flows        // buyers on their way to the bank's page
	wanted wantedErrors // of the widgets

	mu         sync.Mutex
	signingPEM []byte // the certificate of notifications, when it has been asked for
}

// listener is an open address.
type listener struct {
	net.Listener
	scheme string
}

// url is the address in the form that a client takes. One that listens on all
// addresses is told as this machine's.
func (l listener) url() string {
	address := l.Addr().(*net.TCPAddr)
	host := address.IP.String()
	if address.IP.IsUnspecified() {
		host = "localhost"
	}
	return l.scheme + "://" + net.JoinHostPort(host, fmt.Sprint(address.Port))
}

// newServer makes everything that can fail before anybody is answered.
func newServer(c *config, stderr io.Writer) (*server, error) {
	s := &server{config: c, log: newLogger(c, stderr)}
	var err error
	if s.authority, err = newAuthority(c.caDir, c.names); err != nil {
		return nil, fmt.Errorf("-ca-dir: %w", err)
	}
	if s.amazon, err = newAmazon(c, s.log); err != nil {
		return nil, err
	}
	if c.agreement {
		made, err := s.amazon.act(s.amazon.home, amazonpaytest.Act{Do: "OpenBillingAgreement"})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("-agreement: %w", err), s.amazon.close())
		}
		s.agreement = made.ID
	}
	if err := s.listen(); err != nil {
		return nil, errors.Join(err, s.amazon.close())
	}
	return s, nil
}

// listen opens all addresses, or none.
func (s *server) listen() error {
	var addresses []net.IP
	for _, l := range []struct {
		scheme    string
		addresses []string
	}{{"http", s.config.http}, {"https", s.config.https}} {
		for _, address := range l.addresses {
			opened, err := net.Listen("tcp", address)
			if err != nil {
				s.closeListeners()
				return fmt.Errorf("-%s: %w", l.scheme, err)
			}
			s.listeners = append(s.listeners, listener{opened, l.scheme})
			ip := opened.Addr().(*net.TCPAddr).IP
			if !ip.IsLoopback() {
				s.log.Warn("not a loopback address: whoever reaches it can steer the fake", "address", opened.Addr().String())
			}
			if !ip.IsUnspecified() {
				addresses = append(addresses, ip)
			}
		}
	}
	certificate, err := s.authority.server(addresses)
	if err == nil && s.config.caFile != "" {
		err = writeFile(s.config.caFile, s.authority.pem(), 0o644)
	}
	if err != nil {
		s.closeListeners()
		return fmt.Errorf("-ca-file: %w", err)
	}
	for i, l := range s.listeners {
		if l.scheme == "https" {
			s.listeners[i].Listener = tls.NewListener(l.Listener, &tls.Config{
				Certificates: []tls.Certificate{certificate},
				NextProtos:   []string{"http/1.1"}, // in HTTP/2 a broken connection is a broken stream
			})
		}
	}
	return nil
}

// complaints are what net/http has to say of connections.
type complaints struct{ log *slog.Logger }

// Write logs a complaint. Most are of clients that do not trust us, which net/http
// says in words that nobody understands.
func (c complaints) Write(p []byte) (int, error) {
	text := strings.TrimSpace(string(p))
	if strings.Contains(text, "TLS handshake error") {
		c.log.Info(text, "hint", "does the client trust the authority? GET /mock/ca.pem, or -ca-file")
	} else {
		c.log.Info(text)
	}
	return len(p), nil
}

func (s *server) closeListeners() {
	for _, l := range s.listeners {
		_ = l.Close() // nobody was answered
	}
}

// serve answers until the context ends, and then finishes what has begun.
func (s *server) serve(ctx context.Context, stdout io.Writer) error {
	web := &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: s.config.readTime, ReadTimeout: s.config.readTime,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 1 << 16,
		ErrorLog: log.New(complaints{s.log}, "", 0),
	}
	failed := make(chan error, len(s.listeners))
	for _, l := range s.listeners {
		go func() { failed <- web.Serve(l) }()
	}
	err := s.announce(stdout)
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-failed:
		}
	}
	// The context has ended: the last requests have a time of their own.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.shutdownTime)
	defer cancel()
	if web.Shutdown(last) != nil {
		s.log.Warn("requests were still going on when the time was up")
		_ = web.Close() // the connections are gone either way
	}
	s.amazon.stop(last)
	if s.config.readyFile != "" {
		_ = os.Remove(s.config.readyFile) // a stale file is found out by connecting
	}
	return errors.Join(err, s.amazon.close())
}

// ready is what -ready-file says.
type ready struct {
	HTTP        []string `json:"http"`
	HTTPS       []string `json:"https"`
	Control     string   `json:"control"`
	Region      string   `json:"region"`
	Environment string   `json:"environment"`
	SellerID    string   `json:"seller"`
	AccessKey   string   `json:"accessKey"`
	Agreement   string   `json:"agreement,omitempty"`
	PID         int      `json:"pid"`
}

func (s *server) urls(scheme string) []string {
	urls := []string{}
	for _, l := range s.listeners {
		if l.scheme == scheme {
			urls = append(urls, l.url())
		}
	}
	return urls
}

// announce says how the server is reached: to people, and to scripts.
func (s *server) announce(stdout io.Writer) error {
	c, client := s.config, s.amazon.home.now().Config()
	r := ready{
		HTTP: s.urls("http"), HTTPS: s.urls("https"), PID: os.Getpid(),
		Region: string(c.region), Environment: string(c.environment),
		SellerID: client.SellerID, AccessKey: client.AccessKey, Agreement: s.agreement,
	}
	base := slices.Concat(r.HTTP, r.HTTPS)[0]
	r.Control = base + "/mock/"
	if !c.quiet {
		s.greet(stdout, base, r)
	}
	if c.readyFile == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = writeFile(c.readyFile, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("-ready-file: %w", err)
	}
	return nil
}

// greet prints what a client has to be told. The keys are the fake's: they open
// nothing else.
func (s *server) greet(out io.Writer, base string, r ready) {
	login := s.amazon.home.now().LoginClient()
	var others []string
	for _, r := range endpoint.Regions() {
		if r != s.config.region {
			others = append(others, fmt.Sprintf("%s %s", r, s.config.seller(r)))
		}
	}
	authority := s.config.caFile
	if authority == "" && len(r.HTTPS) > 0 {
		authority = "curl " + r.Control + "ca.pem"
	}
	fmt.Fprintf(out, "amazonpay-mock: a fake Amazon Pay, %s, %s\n\n", r.Region, r.Environment)
	for _, line := range [][2]string{
		{"base URL", base + "   amazonpay.Config{BaseURL: …}, lwa.Config{BaseURL: …}"},
		{"seller id", r.SellerID},
		{"access key", r.AccessKey},
		{"secret key", shown(s.config.secretKey, defaultSecretKey)},
		{"login client", login.ID},
		{"login secret", shown(login.Secret, defaultLoginSecret)},
		{"other regions", strings.Join(others, ", ")},
		{"agreement", r.Agreement},
		{"listening on", strings.Join(slices.Concat(r.HTTP, r.HTTPS), ", ")},
		{"authority", authority},
		{"control API", r.Control + "   curl " + r.Control + "acts"},
		{"inspector", base + "/"},
	} {
		if line[1] != "" {
			fmt.Fprintf(out, "  %-14s %s\n", line[0], line[1])
		}
	}
	fmt.Fprintln(out, "\nWhat other SDKs are told is in cmd/amazonpay-mock/README.md. End with Ctrl-C.")
}

// shown is a secret of the fake's own. One that was given stays with the giver.
func shown(secret, madeUp string) string {
	if secret == madeUp {
		return secret
	}
	return "(the one that was given)"
}

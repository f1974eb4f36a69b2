package amazonpay

// Benchmarks, each beside its floor in the same run. They are inside the
// package because encoding and signing are not exported.

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amazonpay-go/amazonpay/internal/secret"
	"github.com/amazonpay-go/amazonpay/internal/wire"
)

const benchAction = "AuthorizeOnBillingAgreement"

// benchRequest makes 15 parameters, with the common ones and without the
// signature: about 560 bytes.
var benchRequest = AuthorizeOnBillingAgreementRequest{
	AmazonBillingAgreementID: "C01-1234567-1234567",
	AuthorizationReferenceID: "subscription-42-2026-11",
	AuthorizationAmount:      MustPrice("19.90", CurrencyUSD),
	SellerAuthorizationNote:  "Your subscription to the journal: November",
	TransactionTimeout:       new(0),
	CaptureNow:               true,
	InheritShippingAddress:   new(true),
}

func benchClient(b *testing.B, baseURL string, transport http.RoundTripper) *Client {
	b.Helper()
	c, err := New(Config{
		SellerID: "A1B2C3D4E5F6G7", AccessKey: "AKIAIOSFODNN7EXAMPLE",
		SecretKey: NewSecretKey("not-a-key-but-forty-characters-of-it-all"),
		Region:    RegionNA, Environment: Sandbox, BaseURL: baseURL, Backoff: Spacing(), Limiter: NoLimit,
	})
	if err != nil {
		b.Fatal(err)
	}
	if transport != nil {
		c.http.Transport = transport
	}
	return c
}

func BenchmarkSignEncode(b *testing.B) {
	c, now := benchClient(b, "", nil), time.Now()
	e := c.encode(benchAction, &benchRequest)
	if len(e.params) != 15 {
		b.Fatalf("%d parameters", len(e.params))
	}
	c.sign(e, now)
	text := appendStringToSign(nil, c.host, c.path, wire.AppendQuery(nil, e.params))
	key := []byte(secret.Text(c.config.SecretKey))
	b.Run("floor=hmac", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			mac := hmac.New(sha256.New, key)
			mac.Write(text)
			_ = base64.StdEncoding.EncodeToString(mac.Sum(nil))
		}
	})
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e := c.encode(benchAction, &benchRequest)
			_ = c.sign(e, now)
			e.release()
		}
	})
}

// BenchmarkCall measures whole calls over loopback against a bare net/http POST
// of a body of the same size under the same deadline. The server counts the
// connections that it accepts.
func BenchmarkCall(b *testing.B) {
	answer, err := os.ReadFile("testdata/AuthorizeOnBillingAgreement.response.xml")
	if err != nil {
		b.Fatal(err)
	}
	for _, scheme := range []string{"http", "https"} {
		for _, callers := range []int{1, 32} {
			for _, side := range []string{"floor=post", "ours"} {
				b.Run(fmt.Sprintf("%s/callers=%d/%s", scheme, callers, side), func(b *testing.B) {
					benchCalls(b, scheme == "https", callers, side == "ours", answer)
				})
			}
		}
	}
}

func benchCalls(b *testing.B, secure bool, callers int, ours bool, answer []byte) {
	// The first calls of all callers are held until all have come: while none
	// has an idle connection, net/http may dial more of them than are needed.
	var accepted, begun atomic.Int64
	all := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if begun.Add(1) == int64(callers) {
			close(all)
		}
		<-all
		w.Header().Set("Content-Type", "text/xml")
		_, _ = w.Write(answer)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			accepted.Add(1)
		}
	}
	start := server.Start
	if secure {
		start = server.StartTLS
	}
	start()
	defer server.Close()

	transport := newTransport()
	transport.ForceAttemptHTTP2 = false // Amazon's server speaks HTTP/1.1
	if secure {
		transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	}
	c := benchClient(b, server.URL, transport)
	body := c.sign(c.encode(benchAction, &benchRequest), time.Now())
	call := func() error { return barePost(c.http, c.endpoint, body) }
	if ours {
		call = func() error {
			_, err := c.AuthorizeOnBillingAgreement(context.Background(), benchRequest)
			return err
		}
	}

	run := func(calls int64) {
		var wg sync.WaitGroup
		var left atomic.Int64
		left.Store(calls)
		for range callers {
			wg.Go(func() {
				for left.Add(-1) >= 0 {
					if err := call(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	run(int64(callers))
	b.ReportAllocs()
	b.ResetTimer()
	run(int64(b.N))
	b.StopTimer()
	b.ReportMetric(float64(accepted.Load()), "connections")
	if n := accepted.Load(); n > int64(callers) {
		b.Errorf("%d connections for %d callers", n, callers)
	}
}

// barePost is what nobody can do without.
func barePost(client *http.Client, url string, body []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), DefaultTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

package amazonpay_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/amazonpay-go/amazonpay"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A genuine notification passes, with everything it says.
func TestParseNotification(t *testing.T) {
	request := httptest.NewRequest(http.MethodPost, "/ipn", bytes.NewReader(genuine()))
	request.Header = signed().header()
	n, err := ipnVerifier(t).Parse(request)
	require.NoError(t, err)
	want := &amazonpay.Notification{
		ID: ipnID, ReferenceID: "e4d39dbb-5a4f-4b5e-8d4d-c1d1f1d0aa11",
		Type: amazonpay.NotificationCapture, SellerID: ipnSeller, MarketplaceID: "623690", Environment: amazonpay.Sandbox,
		TopicARN: ipnTopic, Timestamp: time.Date(2019, 3, 5, 11, 22, 33, 456e6, time.UTC),
		EventTime: time.Date(2019, 3, 5, 11, 22, 33, 400e6, time.UTC), Raw: ipnPayment,
		Object: &amazonpay.Capture{
			AmazonCaptureID: "S01-1234567-1234567-C123456", CaptureReferenceID: "capture-1",
			CaptureAmount: amazonpay.MustPrice("94.50", "USD"), RefundedAmount: amazonpay.MustPrice("0", "USD"), CaptureFee: amazonpay.MustPrice("0", "USD"),
			CreationTimestamp: time.Date(2019, 3, 5, 11, 22, 30, 0, time.UTC), SoftDescriptor: "AMZ*shop",
			CaptureStatus: amazonpay.Status{State: amazonpay.StateCompleted, LastUpdateTimestamp: time.Date(2019, 3, 5, 11, 22, 33, 0, time.UTC)},
		},
	}
	assert.Equal(t, want, n)
	assert.Equal(t, "S01-1234567-1234567-C123456", n.ObjectID())
	assert.Equal(t, amazonpay.StateCompleted, n.Status().State)
}

// What genuine messages may look like.
func TestParseAcceptsEveryForm(t *testing.T) {
	inner := notice("PaymentCapture", ipnPayment)
	sign := func(e *envelope) []byte { return e.sign("1", ipnKeys().leaf).json() }
	with := func(name, value string) *envelope { return notification(inner).set(name, value) }
	for _, c := range []struct {
		name string
		body []byte
	}{
		{"version 2", notification(inner).sign("2", ipnKeys().leaf).json()},
		{"subject", sign(with("Subject", "A subject with é and \"quotes\""))},
		{"null subject", bytes.Replace(sign(notification(inner)), []byte("{"), []byte(`{"Subject":null,`), 1)},
		{"the text null as subject", sign(with("Subject", "null"))},
		{"byte order mark", append([]byte("\ufeff"), genuine()...)},
		{"trailing line break", append(genuine(), "\r\n"...)},
		{"compact", bytes.ReplaceAll(bytes.ReplaceAll(genuine(), []byte("\n  "), nil), []byte(`" : "`), []byte(`":"`))},
		{"attributes", bytes.Replace(genuine(), []byte("{"), []byte(`{"MessageAttributes":{"a":{"Type":"String","Value":"x"},"b":[1,-2.5e3,true,null,{}]},"Number":12,`), 1)},
		{"accents and Japanese", sign(notification(notice("PaymentCapture", strings.Replace(ipnPayment, "AMZ*shop", "AMZ*é日本語😀", 1))))},
		{"the same, escaped", bytes.NewBuffer(bytes.ReplaceAll(sign(notification(notice("PaymentCapture", strings.Replace(ipnPayment, "AMZ*shop", "AMZ*é日本語😀", 1)))), []byte("é日本語😀"), []byte(`\u00e9\u65e5\u672C\u8a9e\ud83d\ude00`))).Bytes()},
		{"inside escaped", sign(notification(strings.Replace(inner, "capture-1", `capture\u002d1`, 1)))},
		{"byte order mark inside", sign(notification("\ufeff" + inner))},
		{"slashes escaped", bytes.ReplaceAll(genuine(), []byte("https://sns"), []byte(`https:\/\/sns`))},
		{"time without milliseconds", sign(with("Timestamp", "2019-03-05T11:22:33Z"))},
		{"the other account", sign(with("TopicArn", "arn:aws:sns:us-east-1:598607868003:A35A4JO734ER04"+ipnSeller))},
		{"Europe", sign(with("TopicArn", "arn:aws:sns:eu-west-1:291180941288:A1G8446IYHA4MR"+ipnSeller).set("SigningCertURL", strings.Replace(ipnCertURL, "us-east-1", "eu-west-1", 1)))},
		{"Japan", sign(with("TopicArn", "arn:aws:sns:us-west-2:291180941288:A31YDYE76E6TCP"+ipnSeller).set("SigningCertURL", strings.Replace(ipnCertURL, "us-east-1", "us-west-2", 1)))},
		{"marketplace of 13 characters", sign(with("TopicArn", "arn:aws:sns:us-east-1:291180941288:AGWSWK15IEJJ7"+ipnSeller))},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := ipnVerifier(t).ParseMessage(t.Context(), nil, c.body)
			require.NoError(t, err)
			capture, ok := n.Object.(*amazonpay.Capture)
			require.True(t, ok)
			assert.Equal(t, amazonpay.CaptureID("S01-1234567-1234567-C123456"), capture.AmazonCaptureID)
			assert.Equal(t, amazonpay.ReferenceID("capture-1"), capture.CaptureReferenceID)
			if strings.Contains(c.name, "Japanese") || strings.Contains(c.name, "the same") {
				assert.Equal(t, "AMZ*é日本語😀", capture.SoftDescriptor)
			}
		})
	}
}

// Notifications of the API's second version come by the same road. The error
// says so, for whoever has set up the one and expects the other.
func TestNotificationOfVersion2(t *testing.T) {
	_, err := ipnVerifier(t).ParseMessage(t.Context(), nil, inside(`{"MerchantID":"`+ipnSeller+`","NotificationVersion":"V2"}`)())
	require.ErrorIs(t, err, amazonpay.RefusedPayload)
	assert.ErrorContains(t, err, "version 2")
}

func TestVerifierConfigFaults(t *testing.T) {
	_, err := amazonpay.NewVerifier(amazonpay.VerifierConfig{})
	assert.EqualError(t, err, "amazonpay: VerifierConfig: SellerIDs is required; Environment is required: production or sandbox")
	_, err = amazonpay.NewVerifier(amazonpay.VerifierConfig{
		SellerIDs: []string{ipnSeller, "", "a b"}, Environment: "live", Accounts: []string{"291180941288", "1"},
		TopicARNs: []string{ipnTopic, "topic"}, MaxAge: -1,
	})
	assert.EqualError(t, err, "amazonpay: VerifierConfig: SellerIDs[1] is not a merchant id; SellerIDs[2] is not a merchant id; "+
		"Accounts[1] is not the 12 digits of an account; TopicARNs[1] is not the ARN of a topic; MaxAge is negative")
	var invalid *amazonpay.InvalidError
	assert.ErrorAs(t, err, &invalid)
}

// What is changed in the config afterwards changes nothing.
func TestVerifierKeepsItsConfig(t *testing.T) {
	sellers := []string{ipnSeller}
	v := ipnVerifier(t, func(c *amazonpay.VerifierConfig) { c.SellerIDs = sellers })
	sellers[0] = "A2ANOTHERSELL"
	accept(t, v, signed())
}

// The topics of the configuration replace the rule; a solution provider's
// names himself and comes with what happens to his merchants.
func TestExpectedTopicsAndSellers(t *testing.T) {
	const merchant, stage = "A2MERCHANT0001", "arn:aws:sns:us-east-1:123456789012:stage"
	sign := func(topic, kind, data, seller string) *envelope {
		return notification(notice(kind, data, func(m map[string]any) { m["SellerId"] = seller })).set("TopicArn", topic).sign("1", ipnKeys().leaf)
	}
	v := ipnVerifier(t, func(c *amazonpay.VerifierConfig) { c.SellerIDs = []string{ipnSeller, merchant} })
	assert.Equal(t, merchant, accept(t, v, sign(ipnTopic, "PaymentCapture", ipnPayment, merchant)).SellerID)

	v = ipnVerifier(t, func(c *amazonpay.VerifierConfig) { c.TopicARNs = []string{stage} })
	accept(t, v, sign(stage, "PaymentCapture", ipnPayment, ipnSeller))
	v = ipnVerifier(t, func(c *amazonpay.VerifierConfig) { c.Accounts = []string{"123456789012"} })
	accept(t, v, sign(strings.Replace(ipnTopic, "291180941288", "123456789012", 1), "PaymentCapture", ipnPayment, ipnSeller))

	// A merchant that registers cannot be expected; the provider's topic is.
	registration := `<SolutionProviderMerchantNotification><MerchantRegistrationDetails><SellerId>A2NEWMERCHANT</SellerId></MerchantRegistrationDetails></SolutionProviderMerchantNotification>`
	n := accept(t, ipnVerifier(t), sign(ipnTopic, "SolutionProviderEvent", registration, "A2NEWMERCHANT"))
	assert.Equal(t, "A2NEWMERCHANT", n.SellerID)
}

func TestMaxAge(t *testing.T) {
	published := time.Date(2019, 3, 5, 11, 22, 33, 456e6, time.UTC)
	for _, c := range []struct {
		age, limit time.Duration
		good       bool
	}{
		{20 * 365 * 24 * time.Hour, 0, true},
		{amazonpay.NotificationRetention, amazonpay.NotificationRetention, true},
		{amazonpay.NotificationRetention + time.Nanosecond, amazonpay.NotificationRetention, false},
		{-time.Hour, time.Minute, true}, // a slow clock must not lose payments
	} {
		v := ipnVerifier(t, func(config *amazonpay.VerifierConfig) {
			config.MaxAge, config.Clock = c.limit, func() time.Time { return published.Add(c.age) }
		})
		_, err := v.ParseMessage(t.Context(), nil, genuine())
		if c.good {
			assert.NoError(t, err, c)
		} else {
			assert.ErrorIs(t, err, amazonpay.RefusedAge, c)
		}
	}
	v := ipnVerifier(t, func(config *amazonpay.VerifierConfig) { config.MaxAge = amazonpay.NotificationRetention })
	_, err := v.ParseMessage(t.Context(), nil, genuine())
	assert.ErrorIs(t, err, amazonpay.RefusedAge, "the default clock")
}

// tlsHost is SNS's host with TLS of its own: chain is what it presents, and
// signing what it serves.
func tlsHost(t *testing.T, chain []*x509.Certificate, key *rsa.PrivateKey, signing *x509.Certificate, config *tls.Config) *http.Client {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, pemOf(signing))
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	presented := tls.Certificate{PrivateKey: key}
	for _, cert := range chain {
		presented.Certificate = append(presented.Certificate, cert.Raw)
	}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{presented}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", server.Listener.Addr().String())
		},
		TLSClientConfig: config,
	}}
}

// Without roots, a certificate is believed for the TLS of its download, and
// must be signed by its issuer if that is known from there.
func TestCertificateIssuer(t *testing.T) {
	keys := ipnKeys()
	now := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	intermediate := template("Amazon RSA 2048 M01")
	intermediate.IsCA, intermediate.KeyUsage, intermediate.NotAfter = true, x509.KeyUsageCertSign, time.Now().Add(time.Hour)
	intermediate = certify(intermediate, ipnRoot(), keys.other, keys.ca)
	front := signing(now)
	front.DNSNames = []string{"sns.us-east-1.amazonaws.com"}
	front = certify(front, intermediate, keys.leaf, keys.other)
	impostor := authority("Amazon RSA 2048 M01", keys.ca)
	impostor.SubjectKeyId = intermediate.SubjectKeyId
	trusting := func() *tls.Config { return &tls.Config{RootCAs: ipnRoots()} }

	for _, c := range []struct {
		name    string
		signing *x509.Certificate
		tls     *tls.Config
		want    error
	}{
		{"issuer unknown", certify(signing(nil), authority("Another", keys.other), keys.leaf, keys.other), trusting(), nil},
		{"issuer of the connection", certify(signing(nil), intermediate, keys.leaf, keys.other), trusting(), nil},
		{"not signed by the issuer of the connection", certify(signing(nil), impostor, keys.leaf, keys.ca), trusting(), amazonpay.RefusedCertificate},
		{"not SNS's", certify(signing(func(c *x509.Certificate) { c.DNSNames[0] = "x" }), intermediate, keys.leaf, keys.other), trusting(), amazonpay.RefusedCertificate},
		{"unverified connection", certify(signing(nil), intermediate, keys.leaf, keys.other), &tls.Config{InsecureSkipVerify: true}, amazonpay.RefusedDownload},
		{"untrusted connection", certify(signing(nil), intermediate, keys.leaf, keys.other), &tls.Config{RootCAs: x509.NewCertPool()}, amazonpay.RefusedDownload},
		{"connection to another host", certify(signing(nil), intermediate, keys.leaf, keys.other), &tls.Config{RootCAs: ipnRoots(), ServerName: "sns.eu-west-1.amazonaws.com"}, amazonpay.RefusedDownload},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := ipnVerifier(t, func(config *amazonpay.VerifierConfig) {
				config.Roots, config.HTTPClient = nil, tlsHost(t, []*x509.Certificate{front, intermediate}, keys.leaf, c.signing, c.tls)
			})
			_, err := v.ParseMessage(t.Context(), nil, genuine())
			assert.ErrorIs(t, err, c.want)
		})
	}
}

// A source of certificates is believed without TLS; roots bind it all the same,
// and what it returns must be SNS's in any case.
func TestCertificateSource(t *testing.T) {
	keys := ipnKeys()
	foreign := certify(signing(nil), authority("Another", keys.other), keys.leaf, keys.other)
	wrong := certify(signing(func(c *x509.Certificate) { c.Subject.CommonName = "x" }), ipnRoot(), keys.leaf, keys.ca)
	for _, c := range []struct {
		name  string
		cert  *x509.Certificate
		roots *x509.CertPool
		want  error
	}{
		{"believed", foreign, nil, nil},
		{"bound by roots", foreign, ipnRoots(), amazonpay.RefusedCertificate},
		{"of the roots", ipnLeaf(), ipnRoots(), nil},
		{"not SNS's", wrong, nil, amazonpay.RefusedCertificate},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := ipnVerifier(t, func(config *amazonpay.VerifierConfig) {
				config.HTTPClient, config.Roots = nil, c.roots
				config.Certificates = func(_ context.Context, url string) ([]byte, error) {
					assert.Equal(t, ipnCertURL, url)
					return []byte(pemOf(c.cert)), nil
				}
			})
			_, err := v.ParseMessage(t.Context(), nil, genuine())
			assert.ErrorIs(t, err, c.want)
		})
	}
}

// The client's own verifier knows its seller and environment, and takes its
// certificates from the client's stand-in for Amazon.
func TestClientNotifications(t *testing.T) {
	served := 0
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served++
		assert.Equal(t, ipnCertURL[strings.LastIndex(ipnCertURL, "/"):], r.URL.Path)
		_, _ = io.WriteString(w, pemOf(ipnLeaf()))
	}))
	defer fake.Close()
	config := amazonpay.Config{
		SellerID: ipnSeller, AccessKey: "AKIA", SecretKey: amazonpay.NewSecretKey("secret"),
		Region: amazonpay.RegionNA, Environment: amazonpay.Sandbox, BaseURL: fake.URL + "/",
	}
	client, err := amazonpay.New(config)
	require.NoError(t, err)
	v := client.Notifications()
	accept(t, v, signed())
	accept(t, v, signed())
	assert.Equal(t, 1, served)

	// About real money no stand-in is believed: SNS's own host is asked.
	sns := &snsHost{answer: page(http.StatusOK, pemOf(ipnLeaf()))}
	config.Environment, config.HTTPClient = amazonpay.Production, &http.Client{Transport: sns}
	client, err = amazonpay.New(config)
	require.NoError(t, err)
	fresh := signed().set("Timestamp", time.Now().UTC().Format("2006-01-02T15:04:05.000Z")).json()
	_, err = client.Notifications().ParseMessage(t.Context(), nil, fresh)
	require.ErrorIs(t, err, amazonpay.RefusedDownload) // without verified TLS
	assert.EqualValues(t, 1, sns.requests.Load())
	assert.Equal(t, 1, served)
	other, err := client.OnBehalfOf("A2ANOTHERSELL", "amzn.mws.token")
	require.NoError(t, err)
	_, err = other.Notifications().ParseMessage(t.Context(), nil, genuine())
	require.ErrorIs(t, err, amazonpay.RefusedTopic)

	// Without a BaseURL nothing but SNS's own host will do.
	host := &snsHost{answer: page(http.StatusOK, pemOf(ipnLeaf()))}
	config.Environment, config.BaseURL, config.HTTPClient = amazonpay.Sandbox, "", &http.Client{Transport: host}
	client, err = amazonpay.New(config)
	require.NoError(t, err)
	_, err = client.Notifications().ParseMessage(t.Context(), nil, genuine())
	require.ErrorIs(t, err, amazonpay.RefusedDownload)
	assert.EqualValues(t, 1, host.requests.Load())

	logger, written := logLines()
	config.SellerID, config.Logger = "no/topic", logger
	client, err = amazonpay.New(config)
	require.NoError(t, err)
	_, err = client.Notifications().ParseMessage(t.Context(), nil, genuine())
	require.ErrorIs(t, err, amazonpay.RefusedUnconfigured)
	require.ErrorContains(t, err, "SellerIDs[0] is not a merchant id")
	lines, _ := written(t)
	require.Len(t, lines, 1)
	assert.Equal(t, "ERROR", lines[0]["level"])
	assert.Contains(t, lines[0]["reason"], "SellerIDs[0] is not a merchant id")
}

// About real money a message of years ago is not new again when its id has been
// forgotten.
func TestClientNotificationsAge(t *testing.T) {
	for _, c := range []struct {
		environment amazonpay.Environment
		age         time.Duration
		want        error
	}{
		{amazonpay.Production, 2*amazonpay.NotificationRetention - time.Hour, amazonpay.RefusedDownload}, // without verified TLS
		{amazonpay.Production, 2*amazonpay.NotificationRetention + time.Hour, amazonpay.RefusedAge},
		{amazonpay.Sandbox, 10 * 365 * 24 * time.Hour, amazonpay.RefusedDownload},
	} {
		client, err := amazonpay.New(amazonpay.Config{
			SellerID: ipnSeller, AccessKey: "AKIA", SecretKey: amazonpay.NewSecretKey("secret"), Region: amazonpay.RegionNA,
			Environment: c.environment, HTTPClient: &http.Client{Transport: &snsHost{answer: page(http.StatusOK, pemOf(ipnLeaf()))}},
		})
		require.NoError(t, err)
		published := time.Now().Add(-c.age).UTC().Format("2006-01-02T15:04:05.000Z")
		_, err = client.Notifications().ParseMessage(t.Context(), nil, signed().set("Timestamp", published).json())
		require.ErrorIs(t, err, c.want, "%s, %v", c.environment, c.age)
	}
}

// 10,000 notifications from 64 goroutines make one download.
func TestOneDownload(t *testing.T) {
	before := runtime.NumGoroutine()
	host := &snsHost{answer: func(r *http.Request) (*http.Response, error) {
		time.Sleep(20 * time.Millisecond)
		return page(http.StatusOK, pemOf(ipnLeaf()))(r)
	}}
	v := ipnVerifier(t, func(c *amazonpay.VerifierConfig) { c.HTTPClient.Transport = host })
	body, header := genuine(), signed().header()
	var senders sync.WaitGroup
	for range 64 {
		senders.Go(func() {
			for range 10_000/64 + 1 {
				if _, err := v.ParseMessage(context.Background(), header, body); err != nil {
					t.Error(err)
				}
			}
		})
	}
	senders.Wait()
	assert.EqualValues(t, 1, host.requests.Load())
	waitForGoroutines(t, before)
}

// A forged flood does not become a flood of downloads, and does not touch the
// certificates that are held.
func TestForgedFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := &snsHost{answer: page(http.StatusNotFound, "")}
		v := ipnVerifier(t, func(c *amazonpay.VerifierConfig) { c.HTTPClient.Transport = host })
		good := host.answer
		host.answer = page(http.StatusOK, pemOf(ipnLeaf()))
		accept(t, v, signed())
		host.answer = good
		forged := signed()
		for i := range 1000 {
			forged.set("SigningCertURL", fmt.Sprintf("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-%032x.pem", i))
			_, err := v.ParseMessage(t.Context(), nil, forged.json())
			require.ErrorIs(t, err, amazonpay.RefusedDownload)
		}
		assert.LessOrEqual(t, host.requests.Load(), int64(17))
		accept(t, v, signed())
		for range 100 { // the same one again and again: remembered for a minute
			_, err := v.ParseMessage(t.Context(), nil, signed().set("SigningCertURL", strings.Replace(ipnCertURL, "0123", "4567", 1)).json())
			require.ErrorIs(t, err, amazonpay.RefusedDownload)
		}
		assert.LessOrEqual(t, host.requests.Load(), int64(17))
	})
}

// 16 forgeries that name other certificates of SNS's own do not cost the shop
// the one that it holds.
func TestForgeriesDoNotEvict(t *testing.T) {
	good := pemOf(ipnLeaf())
	synctest.Test(t, func(t *testing.T) {
		host := &snsHost{answer: page(http.StatusOK, good)} // old certificates stay where they are
		v := ipnVerifier(t, func(c *amazonpay.VerifierConfig) { c.HTTPClient.Transport = host })
		accept(t, v, signed())
		time.Sleep(time.Minute)
		for i := range 16 {
			forged := signed().set("Signature", "AAAA").set("SigningCertURL", fmt.Sprintf("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-%032x.pem", i))
			_, err := v.ParseMessage(t.Context(), nil, forged.json())
			assert.ErrorIs(t, err, amazonpay.RefusedSignature)
		}
		_, err := v.ParseMessage(t.Context(), nil, genuine())
		assert.NoError(t, err, "the genuine one after 16 forgeries")
	})
}

// A held certificate is still there when its day ends in the middle of a flood.
func TestFloodAtTheEndOfTheDay(t *testing.T) {
	good := pemOf(ipnLeaf())
	synctest.Test(t, func(t *testing.T) {
		host := &snsHost{answer: func(r *http.Request) (*http.Response, error) {
			if "https://"+r.URL.Host+r.URL.Path == ipnCertURL {
				return page(http.StatusOK, good)(r)
			}
			return page(http.StatusNotFound, "")(r)
		}}
		v := ipnVerifier(t, func(c *amazonpay.VerifierConfig) { c.HTTPClient.Transport = host })
		accept(t, v, signed())
		time.Sleep(24*time.Hour + time.Second)
		forged := signed()
		for i := range 17 {
			forged.set("SigningCertURL", fmt.Sprintf("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-%032x.pem", i))
			_, err := v.ParseMessage(t.Context(), nil, forged.json())
			assert.ErrorIs(t, err, amazonpay.RefusedDownload)
		}
		_, err := v.ParseMessage(t.Context(), nil, genuine())
		assert.NoError(t, err, "the genuine one")
	})
}

// SNS waits 15 seconds: a slow host must not take them all, nor leave anything
// behind.
func TestSlowCertificateHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := &snsHost{answer: func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}}
		v := ipnVerifier(t, func(c *amazonpay.VerifierConfig) { c.HTTPClient.Transport = host })
		start := time.Now()
		answer := deliver(v.Handler(func(context.Context, *amazonpay.Notification) error { t.Error("called"); return nil }), genuine())
		assert.Equal(t, http.StatusServiceUnavailable, answer.Code)
		assert.Equal(t, 5*time.Second, time.Since(start))
	})
}

// bare is what logging middleware makes of a ResponseWriter.
type bare struct{ http.ResponseWriter }

// deliver posts a message as SNS does.
func deliver(handler http.Handler, body []byte) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodPost, "/ipn", bytes.NewReader(body))
	request.Header.Set("Content-Type", "text/plain; charset=UTF-8")
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer
}

func TestHandler(t *testing.T) {
	var log bytes.Buffer
	v := ipnVerifier(t, func(c *amazonpay.VerifierConfig) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	for _, c := range []struct {
		name string
		work func(context.Context, *amazonpay.Notification) error
		want int
		log  string
	}{
		{"done", func(context.Context, *amazonpay.Notification) error { return nil }, 200, "level=DEBUG msg=\"amazonpay: notification\" notification.id=" + ipnID},
		{"failed", func(context.Context, *amazonpay.Notification) error { return errors.New("database down") }, 503, "database down"},
		{"panic", func(context.Context, *amazonpay.Notification) error { panic(secretText("Jane")) }, 503, "type=amazonpay_test.secretText"},
		{"nil pointer", func(_ context.Context, n *amazonpay.Notification) error {
			n.Object.(*amazonpay.Capture).IDList[0] = ""
			return nil
		}, 503, "ipn_test.go"},
		{"abort", func(context.Context, *amazonpay.Notification) error { panic(http.ErrAbortHandler) }, 503, "panic"},
	} {
		t.Run(c.name, func(t *testing.T) {
			log.Reset()
			answer := deliver(v.Handler(c.work), genuine())
			assert.Equal(t, c.want, answer.Code)
			assert.Empty(t, answer.Body.String())
			assert.Contains(t, log.String(), c.log)
			assert.NotContains(t, log.String(), "Jane")
			assert.NotContains(t, log.String(), "94.50", "contents in the log")
		})
	}

	log.Reset()
	answer := deliver(v.Handler(func(context.Context, *amazonpay.Notification) error { return nil }), altered(func(e *envelope) { e.set("Timestamp", "2019-03-06T11:22:33.456Z") })())
	assert.Equal(t, http.StatusForbidden, answer.Code)
	assert.Contains(t, log.String(), "refusal=signature")

	answer = httptest.NewRecorder()
	v.Handler(func(context.Context, *amazonpay.Notification) error { return nil }).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/ipn", nil))
	assert.Equal(t, http.StatusMethodNotAllowed, answer.Code)
	assert.Equal(t, "POST", answer.Header().Get("Allow"))

	assert.Panics(t, func() { v.Handler(nil) })
}

type secretText string

// A callback that ends its goroutine has not succeeded either.
func TestHandlerGoexit(t *testing.T) {
	handler := ipnVerifier(t).Handler(func(context.Context, *amazonpay.Notification) error { runtime.Goexit(); return nil })
	request, answer, done := httptest.NewRequest(http.MethodPost, "/ipn", bytes.NewReader(genuine())), httptest.NewRecorder(), make(chan struct{})
	go func() {
		defer close(done)
		handler.ServeHTTP(answer, request)
	}()
	<-done
	assert.Equal(t, http.StatusServiceUnavailable, answer.Code)
}

// The callback's context ends 10 seconds after the request came, before SNS
// gives up.
func TestHandlerDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := &snsHost{answer: func(r *http.Request) (*http.Response, error) {
			time.Sleep(4 * time.Second)
			return page(http.StatusOK, pemOf(ipnLeaf()))(r)
		}}
		v := ipnVerifier(t, func(c *amazonpay.VerifierConfig) { c.HTTPClient.Transport = host })
		start := time.Now()
		answer := deliver(v.Handler(func(ctx context.Context, _ *amazonpay.Notification) error {
			<-ctx.Done()
			return ctx.Err()
		}), genuine())
		assert.Equal(t, http.StatusServiceUnavailable, answer.Code)
		assert.Equal(t, 10*time.Second, time.Since(start))
	})
}

// Over a real connection, a sender that never finishes is cut off by the
// handler, and large ones at once; afterwards the connection is as before.
func TestHandlerServes(t *testing.T) {
	v := ipnVerifier(t)
	server := httptest.NewServer(v.Handler(func(context.Context, *amazonpay.Notification) error { return nil }))
	defer server.Close()
	for _, c := range []struct {
		body []byte
		want int
	}{{genuine(), 200}, {bytes.Repeat([]byte(" "), 2<<20), 413}, {genuine(), 200}, {[]byte("{}"), 400}, {genuine(), 200}} {
		response, err := server.Client().Post(server.URL, "text/plain; charset=UTF-8", bytes.NewReader(c.body))
		require.NoError(t, err)
		_ = response.Body.Close()
		assert.Equal(t, c.want, response.StatusCode)
	}
}

func TestSubscriptionConfirmation(t *testing.T) {
	sign := func(change func(*envelope)) []byte {
		e := confirmation()
		change(e)
		return e.sign("1", ipnKeys().leaf).json()
	}
	as := func(url string) func(*envelope) { return func(e *envelope) { e.set("SubscribeURL", url) } }
	same := func(*envelope) {}
	const query = "/?Action=ConfirmSubscription&TopicArn=" + ipnTopic + "&Token=2336412f37fb687f5d51e6e2425dacbb"
	escaped := strings.ReplaceAll(query, ":", "%3A")
	for _, c := range []struct {
		name    string
		body    []byte
		confirm bool
		status  int // of SNS
		want    int
		visits  int
	}{
		{"refused by default", sign(same), false, 200, 403, 0},
		{"confirmed", sign(same), true, 200, 200, 1},
		{"confirmed, escaped", sign(as("https://sns.us-east-1.amazonaws.com" + escaped)), true, 200, 200, 1},
		{"SNS is down", sign(same), true, 500, 503, 1},
		{"SNS redirects", sign(same), true, 302, 503, 1},
		{"forged", confirmation().sign("1", ipnKeys().other).json(), true, 200, 403, 0},
		{"end of a subscription", sign(func(e *envelope) { e.set("Type", "UnsubscribeConfirmation") }), true, 200, 403, 0},
		{"stranger's topic", sign(func(e *envelope) { e.set("TopicArn", "arn:aws:sns:us-east-1:123456789012:mine") }), true, 200, 403, 0},
		{"another host", sign(as("https://evil.example" + query)), true, 200, 403, 0},
		{"another region", sign(as("https://sns.eu-west-1.amazonaws.com" + query)), true, 200, 403, 0},
		{"http", sign(as("http://sns.us-east-1.amazonaws.com" + query)), true, 200, 403, 0},
		{"port", sign(as("https://sns.us-east-1.amazonaws.com:443" + query)), true, 200, 403, 0},
		{"user", sign(as("https://a@sns.us-east-1.amazonaws.com" + query)), true, 200, 403, 0},
		{"path", sign(as("https://sns.us-east-1.amazonaws.com/x" + query)), true, 200, 403, 0},
		{"fragment", sign(as("https://sns.us-east-1.amazonaws.com" + query + "#x")), true, 200, 403, 0},
		{"another action", sign(as("https://sns.us-east-1.amazonaws.com" + strings.Replace(query, "Confirm", "Delete", 1))), true, 200, 403, 0},
		{"another topic", sign(as("https://sns.us-east-1.amazonaws.com" + strings.Replace(query, ipnTopic, ipnTopic+"X", 1))), true, 200, 403, 0},
		{"one more parameter", sign(as("https://sns.us-east-1.amazonaws.com" + query + "&Endpoint=x")), true, 200, 403, 0},
		{"parameter twice", sign(as("https://sns.us-east-1.amazonaws.com" + query + "&Token=x")), true, 200, 403, 0},
		{"wrong escape", sign(as("https://sns.us-east-1.amazonaws.com" + query + "%")), true, 200, 403, 0},
		{"no URL", sign(as(":")), true, 200, 403, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			visits := 0
			host := &snsHost{answer: func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == "/" {
					visits++
					assert.Equal(t, "https://sns.us-east-1.amazonaws.com", r.URL.Scheme+"://"+r.URL.Host)
					assert.Equal(t, "2336412f37fb687f5d51e6e2425dacbb", r.URL.Query().Get("Token"))
					return page(c.status, "<ConfirmSubscriptionResponse/>", "Location", "https://evil.example/")(r)
				}
				return page(http.StatusOK, pemOf(ipnLeaf()))(r)
			}}
			v := ipnVerifier(t, func(config *amazonpay.VerifierConfig) {
				config.HTTPClient.Transport, config.ConfirmSubscriptions = host, c.confirm
			})
			answer := deliver(v.Handler(func(context.Context, *amazonpay.Notification) error { t.Error("called"); return nil }), c.body)
			assert.Equal(t, c.want, answer.Code)
			assert.Equal(t, c.visits, visits)
		})
	}
}

// Where SHA-1 is forbidden, a message that needs it is kept for later, and
// nothing panics.
func TestFIPSOnly(t *testing.T) {
	if os.Getenv("AMAZONPAY_TEST_FIPS") == "" {
		command := exec.Command(os.Args[0], "-test.run=^TestFIPSOnly$", "-test.v")
		command.Env = append(os.Environ(), "AMAZONPAY_TEST_FIPS="+string(signed().sign("2", ipnKeys().leaf).json()), "AMAZONPAY_TEST_FIPS_CERT="+pemOf(ipnLeaf()), "GODEBUG=fips140=only")
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "--- PASS: TestFIPSOnly")
		return
	}
	v, err := amazonpay.NewVerifier(amazonpay.VerifierConfig{
		SellerIDs: []string{ipnSeller}, Environment: amazonpay.Sandbox,
		Certificates: func(context.Context, string) ([]byte, error) {
			return []byte(os.Getenv("AMAZONPAY_TEST_FIPS_CERT")), nil
		},
	})
	require.NoError(t, err)
	body := os.Getenv("AMAZONPAY_TEST_FIPS")
	_, err = v.ParseMessage(t.Context(), nil, []byte(body))
	require.NoError(t, err)
	_, err = v.ParseMessage(t.Context(), nil, []byte(strings.Replace(body, `"SignatureVersion" : "2"`, `"SignatureVersion" : "1"`, 1)))
	require.ErrorIs(t, err, amazonpay.RefusedUnconfigured)
	require.Equal(t, http.StatusServiceUnavailable, amazonpay.RefusedUnconfigured.StatusCode())
}

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/internal/endpoint"
	"github.com/amazonpay-go/amazonpay/lwa"
)

// A client that knows nothing of the fake but its road: Amazon's host names,
// HTTPS, an authority to trust.
func TestEveryRegion(t *testing.T) {
	p := begin(t)
	for _, r := range endpoint.Regions() {
		t.Run(string(r), func(t *testing.T) {
			client, id := p.client(r), p.agree(r)
			require.NoError(t, p.charge(client, r, id, "first"))
			require.NoError(t, p.charge(client, r, id, "first"), "a repetition")
			ledger := get[[]movement](p, "/mock/ledger?region="+string(r))
			require.Len(t, ledger, 1)
			assert.Equal(t, r.LedgerCurrency(), string(ledger[0].Amount.Currency()))
			assert.Equal(t, amazonpay.ReferenceID("first"), ledger[0].ReferenceID)
		})
	}
}

// Both environments of all regions, with an unmodified client for each: what
// happens in one is unknown in the other.
func TestBothEnvironments(t *testing.T) {
	for _, home := range []amazonpay.Environment{amazonpay.Sandbox, amazonpay.Production} {
		p := begin(t, "-environment", string(home))
		for _, r := range endpoint.Regions() {
			t.Run(string(home)+" and "+string(r), func(t *testing.T) {
				letters := map[amazonpay.Environment]string{amazonpay.Sandbox: "C0", amazonpay.Production: "B0"}
				var clients []*amazonpay.Client
				var ids []amazonpay.BillingAgreementID
				for i, e := range []amazonpay.Environment{amazonpay.Sandbox, amazonpay.Production} {
					config, query := p.config(r), "region="+string(r)+"&environment="+string(e)
					config.Environment = e
					client, err := amazonpay.New(config)
					require.NoError(t, err)
					id := amazonpay.BillingAgreementID(p.act(query[len("region="):], `{"do":"OpenBillingAgreement"}`).ID)
					assert.Equal(t, letters[e], string(id[:2]))
					for range i + 1 {
						require.NoError(t, p.charge(client, r, id, "same"))
					}
					assert.Len(t, get[[]movement](p, "/mock/ledger?"+query), 1)
					clients, ids = append(clients, client), append(ids, id)
				}
				for i, id := range ids { // one of the other environment, in Amazon's words
					_, err := clients[1-i].GetBillingAgreementDetails(t.Context(), amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: id})
					require.ErrorIs(t, err, amazonpay.ErrInternalServerError)
					require.Error(t, p.charge(clients[1-i], r, id, "other"))
				}
				_, err := clients[1].GetBillingAgreementDetails(t.Context(), amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: "B01-0000000-0000000"})
				require.ErrorIs(t, err, amazonpay.ErrInvalidBillingAgreementID)
			})
		}
	}
}

// The endpoints of a region know its own sellers only.
func TestForeignSeller(t *testing.T) {
	p := begin(t)
	config := p.config(amazonpay.RegionUK)
	config.Region = amazonpay.RegionJP
	client, err := amazonpay.New(config)
	require.NoError(t, err)
	_, err = client.GetMerchantAccountStatus(context.Background())
	var refused *amazonpay.Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, amazonpay.ErrorCode("UnauthorizedSolutionProvider"), refused.Code)
}

// A client that can be given a base URL needs neither a hosts file nor trust.
func TestBaseURL(t *testing.T) {
	p := begin(t, "-region", "EU", "-agreement")
	require.NotEmpty(t, p.Agreement)
	for _, base := range []string{p.HTTP[0], strings.Replace(p.HTTP[0], "127.0.0.1", "localhost", 1)} {
		config := p.config(amazonpay.RegionEU)
		config.BaseURL, config.HTTPClient = base, nil
		client, err := amazonpay.New(config)
		require.NoError(t, err)
		details, err := client.GetBillingAgreementDetails(context.Background(), amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: amazonpay.BillingAgreementID(p.Agreement)})
		require.NoError(t, err)
		assert.Empty(t, details.Constraints, "it may be confirmed")

		config.Region, config.SellerID = amazonpay.RegionJP, "AFAKESELLER01JP"
		client, err = amazonpay.New(config)
		require.NoError(t, err)
		require.NoError(t, ping(client))
	}
	japanese := get[[]callRecord](p, "/mock/calls?region=jp")
	assert.Len(t, japanese, 2, "the seller says the region")
}

func TestWrongSignature(t *testing.T) {
	p := begin(t)
	config := p.config(amazonpay.RegionNA)
	config.SecretKey = amazonpay.NewSecretKey("another")
	client, err := amazonpay.New(config)
	require.NoError(t, err)
	require.ErrorIs(t, ping(client), amazonpay.ErrSignatureDoesNotMatch)
}

func TestDelegatedSeller(t *testing.T) {
	p := begin(t, "-delegate", "AMERCHANT=amzn.mws.token")
	for token, good := range map[string]bool{"amzn.mws.token": true, "amzn.mws.other": false} {
		client, err := p.client(amazonpay.RegionNA).OnBehalfOf("AMERCHANT", token)
		require.NoError(t, err)
		_, err = client.GetMerchantAccountStatus(t.Context())
		assert.Equal(t, good, err == nil)
	}
}

func TestProductionHasItsOwnPath(t *testing.T) {
	p := begin(t, "-environment", "production", "-agreement")
	require.True(t, strings.HasPrefix(p.Agreement, "B01-"), p.Agreement)
	request := amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: amazonpay.BillingAgreementID(p.Agreement)}
	_, err := p.client(amazonpay.RegionNA).GetBillingAgreementDetails(t.Context(), request)
	require.NoError(t, err)
	config := p.config(amazonpay.RegionNA)
	config.Environment = amazonpay.Sandbox
	client, err := amazonpay.New(config)
	require.NoError(t, err)
	require.NoError(t, ping(client), "the sandbox answers")
	_, err = client.GetBillingAgreementDetails(t.Context(), request)
	require.ErrorIs(t, err, amazonpay.ErrInternalServerError, "and does not know the object, in Amazon's words")
}

var csrfField = regexp.MustCompile(`name="csrf" value="([0-9a-f]+)"`)

// Login with Amazon over the wire: consent, exchange, tokeninfo, profile.
func TestLogin(t *testing.T) {
	p := begin(t)
	browser := &http.Client{Transport: p.asAmazon(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	names := &config{region: amazonpay.RegionNA}
	for _, r := range endpoint.Regions() {
		for _, base := range []string{"", p.HTTP[0]} {
			t.Run(string(r)+strings.TrimRight(base, "0123456789"), func(t *testing.T) {
				config := lwa.Config{
					ClientID: names.loginClient(r), ClientSecret: lwa.NewSecretKey(defaultLoginSecret), Region: r, Environment: lwa.Sandbox,
					RedirectURL: "https://shop.example/back", Scopes: []lwa.Scope{lwa.ScopeProfile}, HTTPClient: browser, BaseURL: base,
				}
				client, err := lwa.New(config)
				require.NoError(t, err)
				state, err := lwa.IssueState(lwa.NewSecretKey("32 random bytes of the test's own"), "", time.Now())
				require.NoError(t, err)
				address, err := client.ConsentURL(state)
				require.NoError(t, err)
				grant, err := lwa.ParseGrant(allow(t, browser, address), time.Now())
				require.NoError(t, err)
				token, err := client.Exchange(context.Background(), grant.Code, state)
				require.NoError(t, err)
				profile, err := client.Profile(context.Background(), token.AccessToken) // asks tokeninfo, too
				require.NoError(t, err)
				assert.Equal(t, "buyer@example.com", profile.Email)
			})
		}
	}
}

// allow is a buyer on the consent page; the result is where it leads.
func allow(t *testing.T, browser *http.Client, address string) string {
	resp, err := browser.Get(address)
	require.NoError(t, err)
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	_ = resp.Body.Close()
	field := csrfField.FindSubmatch(page)
	require.NotNil(t, field, string(page))
	resp, err = browser.PostForm(address, url.Values{"csrf": {string(field[1])}, "ap_email": {"buyer@example.com"}, "decision": {"allow"}})
	require.NoError(t, err)
	_ = resp.Body.Close()
	require.Equal(t, http.StatusFound, resp.StatusCode)
	return resp.Header.Get("Location")
}

// shop receives notifications with the SDK's own verifier.
type shop struct {
	*httptest.Server
	received chan *amazonpay.Notification
}

func newShop(t *testing.T) *shop {
	s := &shop{received: make(chan *amazonpay.Notification, 100)}
	s.Server = httptest.NewUnstartedServer(nil)
	t.Cleanup(s.Close)
	return s
}

func (s *shop) open(t *testing.T, config amazonpay.VerifierConfig) {
	verifier, err := amazonpay.NewVerifier(config)
	require.NoError(t, err)
	s.Config.Handler = verifier.Handler(func(_ context.Context, n *amazonpay.Notification) error {
		s.received <- n
		return nil
	})
	s.Start()
}

func (s *shop) next(t *testing.T) *amazonpay.Notification {
	select {
	case n := <-s.received:
		return n
	case <-time.After(10 * time.Second):
		require.FailNow(t, "no notification")
		return nil
	}
}

// From a charge over the wire to a verified notification in a shop: the
// certificate comes from SNS's own host, over TLS that the authority vouches for.
func TestNotifications(t *testing.T) {
	for _, clock := range []string{"-manual-clock=false", "-manual-clock"} {
		for _, roots := range []bool{false, true} {
			t.Run(fmt.Sprint(clock, " chain ", roots), func(t *testing.T) {
				s := newShop(t)
				p := begin(t, clock, "-notify", "http://"+s.Listener.Addr().String()+"/ipn")
				config := amazonpay.VerifierConfig{SellerIDs: []string{"AFAKESELLER01UK"}, Environment: amazonpay.Sandbox, HTTPClient: &http.Client{Transport: p.asAmazon()}}
				if roots {
					config.Roots = p.roots
				}
				s.open(t, config)
				id := p.agree(amazonpay.RegionUK)
				opened := s.next(t)
				assert.Equal(t, amazonpay.NotificationBillingAgreement, opened.Type)
				require.NoError(t, p.charge(p.client(amazonpay.RegionUK), amazonpay.RegionUK, id, "one"))
				kinds := []string{string(s.next(t).Type), string(s.next(t).Type), string(s.next(t).Type)}
				assert.Contains(t, kinds, "PaymentCapture")
				assert.NotContains(t, p.stderr.String(), "/ipn", "paths of shops are not logged")
			})
		}
	}
}

// What the clock decides is told, too: here a minute after the request.
func TestNotificationOfTheClock(t *testing.T) {
	for _, clock := range []string{"-manual-clock=false", "-manual-clock"} {
		t.Run(clock, func(t *testing.T) {
			s := newShop(t)
			p := begin(t, clock)
			id := p.agree(amazonpay.RegionNA)
			s.open(t, amazonpay.VerifierConfig{SellerIDs: []string{p.SellerID}, Environment: amazonpay.Sandbox, HTTPClient: &http.Client{Transport: p.asAmazon()}})
			client := p.client(amazonpay.RegionNA)
			require.NoError(t, client.SetMerchantNotificationConfiguration(t.Context(), amazonpay.SetMerchantNotificationConfigurationRequest{
				NotificationConfigurationList: []amazonpay.NotificationConfiguration{{NotificationURL: s.URL, EventTypes: []amazonpay.EventType{amazonpay.EventTypePaymentAuthorize}}},
			}))
			_, err := client.AuthorizeOnBillingAgreement(t.Context(), amazonpay.AuthorizeOnBillingAgreementRequest{
				AmazonBillingAgreementID: id, AuthorizationReferenceID: "later", AuthorizationAmount: amazonpay.MustPrice("10", "USD"),
			})
			require.NoError(t, err)
			assert.Empty(t, s.received)
			status, text := p.request("POST", "/mock/clock", `{"advance":"2m"}`)
			require.Equal(t, 200, status, text)
			decided, ok := s.next(t).Object.(*amazonpay.Authorization)
			require.True(t, ok)
			assert.Equal(t, amazonpay.StateOpen, decided.AuthorizationStatus.State)
		})
	}
}

// What a seller registers over the API gets notifications, too, in its region.
func TestRegisteredEndpoint(t *testing.T) {
	s := newShop(t)
	p := begin(t)
	s.open(t, amazonpay.VerifierConfig{SellerIDs: []string{"AFAKESELLER01JP"}, Environment: amazonpay.Sandbox, HTTPClient: &http.Client{Transport: p.asAmazon()}})
	client := p.client(amazonpay.RegionJP)
	err := client.SetMerchantNotificationConfiguration(context.Background(), amazonpay.SetMerchantNotificationConfigurationRequest{
		NotificationConfigurationList: []amazonpay.NotificationConfiguration{{NotificationURL: s.URL + "/registered", EventTypes: []amazonpay.EventType{"ALL"}}},
	})
	require.NoError(t, err)
	p.agree(amazonpay.RegionJP)
	assert.Equal(t, "AFAKESELLER01JP", s.next(t).SellerID)
}

func TestParallelClients(t *testing.T) {
	p := begin(t, "-quiet", "-monthly-limit", "100000 USD")
	id := p.agree(amazonpay.RegionNA)
	config := p.config(amazonpay.RegionNA)
	var group sync.WaitGroup
	for i := range 100 {
		group.Go(func() {
			client, err := amazonpay.New(config)
			if !assert.NoError(t, err) {
				return
			}
			for n := range 3 {
				reference := fmt.Sprintf("charge-%d-%d", i/2, n) // each by two clients
				assert.NoError(t, p.charge(client, amazonpay.RegionNA, id, reference))
			}
		})
	}
	group.Wait()
	assert.Len(t, get[[]movement](p, "/mock/ledger"), 150)
}

// The calls of a client over a socket of this machine, one after the other and
// from many goroutines.
func BenchmarkCall(b *testing.B) {
	for _, scheme := range []string{"http", "https"} {
		p := begin(b, "-quiet", "-agreement", "-keep-calls", "100")
		config := p.config(amazonpay.RegionNA)
		if scheme == "http" {
			config.BaseURL = p.HTTP[0]
		}
		client, err := amazonpay.New(config)
		require.NoError(b, err)
		request := amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: amazonpay.BillingAgreementID(p.Agreement)}
		call := func() {
			if _, err := client.GetBillingAgreementDetails(context.Background(), request); err != nil {
				b.Error(err)
			}
		}
		b.Run(scheme, func(b *testing.B) {
			for b.Loop() {
				call()
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
		b.Run(scheme+" parallel", func(b *testing.B) {
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					call()
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}

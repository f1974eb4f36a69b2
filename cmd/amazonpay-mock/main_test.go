package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// asProgram lets the test binary be the program, for what needs a process.
const asProgram = "MOCK_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// output is a writer that may be read meanwhile.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// process is a server that runs in this process.
type process struct {
	ready
	t              testing.TB
	stdout, stderr output
	roots          *x509.CertPool
	roads          []*http.Transport
	end            context.CancelFunc
	ended          chan error
}

// onFreePorts are the flags of a server that is in nobody's way.
func onFreePorts(dir string) []string {
	return []string{"-http", "127.0.0.1:0", "-https", "127.0.0.1:0", "-ready-file", filepath.Join(dir, "ready.json"), "-ca-file", filepath.Join(dir, "ca.pem")}
}

// begin starts a server; it ends with the test.
func begin(t testing.TB, args ...string) *process {
	t.Helper()
	return beginWith(t, nil, append(onFreePorts(t.TempDir()), args...))
}

func beginWith(t testing.TB, environ, args []string) *process {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	p := &process{t: t, end: end, ended: make(chan error, 1)}
	go func() { p.ended <- run(ctx, args, environ, &p.stdout, &p.stderr) }()
	t.Cleanup(func() { require.NoError(t, p.stop()) })
	p.await(args[5], args[7])
	return p
}

// await reads what the server says when it is ready.
func (p *process) await(readyFile, caFile string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		select {
		case err := <-p.ended:
			p.ended <- err
			require.NoError(p.t, err)
			require.FailNow(p.t, "the server ended by itself")
		default:
		}
		_, err := os.Stat(readyFile)
		return err == nil
	}, 10*time.Second, time.Millisecond)
	text, err := os.ReadFile(readyFile)
	require.NoError(p.t, err)
	require.NoError(p.t, json.Unmarshal(text, &p.ready))
	authority, err := os.ReadFile(caFile)
	require.NoError(p.t, err)
	p.roots = x509.NewCertPool()
	require.True(p.t, p.roots.AppendCertsFromPEM(authority))
}

// stop ends the server and tells how it ended.
func (p *process) stop() error {
	for _, road := range p.roads {
		road.CloseIdleConnections() // the server would wait for them
	}
	p.end()
	err := <-p.ended
	p.ended <- err
	return err
}

// asAmazon is a transport that finds every name at the server, as a hosts file
// would, and trusts its authority.
func (p *process) asAmazon() *http.Transport {
	tlsAddress, plainAddress := strings.TrimPrefix(p.HTTPS[0], "https://"), strings.TrimPrefix(p.HTTP[0], "http://")
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: p.roots}, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 200,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if strings.HasSuffix(address, ":443") {
				address = tlsAddress
			} else if strings.HasSuffix(address, ":80") {
				address = plainAddress
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	p.roads = append(p.roads, transport)
	return transport
}

// config is that of an unmodified client, but for the road.
func (p *process) config(r amazonpay.Region) amazonpay.Config {
	c := &config{region: amazonpay.Region(p.Region)}
	own := amazonpaytest.New(amazonpaytest.Settings{
		SellerID: c.seller(r), AccessKey: defaultAccessKey, SecretKey: defaultSecretKey,
		Region: r, Environment: amazonpay.Environment(p.Environment),
	}).Config() // waits for nothing
	own.HTTPClient = &http.Client{Transport: p.asAmazon()}
	return own
}

func (p *process) client(r amazonpay.Region) *amazonpay.Client {
	client, err := amazonpay.New(p.config(r))
	require.NoError(p.t, err)
	return client
}

// request is one of the control API. The answer must be JSON.
func (p *process) request(method, path, body string) (status int, answer string) {
	p.t.Helper()
	req, err := http.NewRequest(method, p.HTTP[0]+path, strings.NewReader(body))
	require.NoError(p.t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(p.t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(p.t, err)
	assert.Equal(p.t, "application/json", resp.Header.Get("Content-Type"))
	return resp.StatusCode, string(text)
}

// get is a good GET of the control API.
func get[T any](p *process, path string) (value T) {
	p.t.Helper()
	status, text := p.request(http.MethodGet, path, "")
	require.Equal(p.t, http.StatusOK, status, text)
	require.NoError(p.t, json.Unmarshal([]byte(text), &value))
	return value
}

// act is a good act.
func (p *process) act(region, body string) amazonpaytest.Outcome {
	p.t.Helper()
	status, text := p.request(http.MethodPost, "/mock/acts?region="+region, body)
	require.Equal(p.t, http.StatusOK, status, text)
	var outcome amazonpaytest.Outcome
	require.NoError(p.t, json.Unmarshal([]byte(text), &outcome))
	return outcome
}

// agree makes an agreement that may be charged.
func (p *process) agree(r amazonpay.Region) amazonpay.BillingAgreementID {
	p.t.Helper()
	return amazonpay.BillingAgreementID(p.act(string(r), `{"do":"OpenBillingAgreement"}`).ID)
}

// charge takes ten of the region's money, a hundred yen.
func (p *process) charge(client *amazonpay.Client, r amazonpay.Region, id amazonpay.BillingAgreementID, reference string) error {
	amount := map[amazonpay.Region]string{"NA": "10 USD", "UK": "10 GBP", "EU": "10 EUR", "JP": "100 JPY"}[r]
	var price amazonpay.Price
	require.NoError(p.t, price.UnmarshalText([]byte(amount)))
	_, err := client.AuthorizeOnBillingAgreement(context.Background(), amazonpay.AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: id, AuthorizationReferenceID: amazonpay.ReferenceID(reference), AuthorizationAmount: price,
		TransactionTimeout: new(0), CaptureNow: true,
	})
	return err
}

// program is the server as a process of its own.
func program(t testing.TB, args ...string) (*process, *exec.Cmd) {
	t.Helper()
	args = append(onFreePorts(t.TempDir()), args...)
	p := &process{t: t, ended: make(chan error, 1)}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	go func() { p.ended <- cmd.Wait() }()
	p.await(args[5], args[7])
	return p, cmd
}

func TestListeners(t *testing.T) {
	args := onFreePorts(t.TempDir())
	p := beginWith(t, nil, append(args, "-http", "[::1]:0", "-http", "127.0.0.1:0", "-https", "[::1]:0"))
	require.Len(t, p.HTTP, 3)
	require.Len(t, p.HTTPS, 2)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.roots}}}
	t.Cleanup(client.CloseIdleConnections)
	for _, address := range append(p.HTTP, p.HTTPS...) {
		t.Run(address[:strings.LastIndex(address, ":")], func(t *testing.T) {
			assert.NotContains(t, address, ":0", "the real port is told")
			assert.Contains(t, p.stdout.String(), address)
			resp, err := client.Get(address + "/healthz")
			require.NoError(t, err)
			defer func() { _ = resp.Body.Close() }()
			text, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Equal(t, "ok\n", string(text))
		})
	}
	for _, word := range []string{p.SellerID, defaultAccessKey, defaultSecretKey, defaultLoginClient, defaultLoginSecret, p.Control} {
		assert.Contains(t, p.stdout.String(), word)
	}
	require.NoError(t, p.stop())
	assert.NoFileExists(t, args[5], "who reads it would find nobody")
}

// Who does not trust the authority yet is told where it is: on the screen, and in
// the log of what cannot be understood.
func TestTrustIsTold(t *testing.T) {
	dir := t.TempDir()
	args := []string{"-http", "127.0.0.1:0", "-https", "127.0.0.1:0", "-ready-file", filepath.Join(dir, "ready.json"), "-name", "mock.test", "-ca-dir", dir}
	ctx, end := context.WithCancel(context.Background())
	p := &process{t: t, end: end, ended: make(chan error, 1)}
	go func() { p.ended <- run(ctx, args, nil, &p.stdout, &p.stderr) }()
	p.await(filepath.Join(dir, "ready.json"), filepath.Join(dir, authorityFile))
	assert.Contains(t, p.stdout.String(), "curl "+p.HTTP[0]+"/mock/ca.pem")
	_, err := (&http.Client{Transport: &http.Transport{}}).Get(p.HTTPS[0] + "/healthz")
	require.Error(t, err)
	require.NoError(t, p.stop())
	assert.Contains(t, p.stderr.String(), "does the client trust the authority?")
}

func TestAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	dir := t.TempDir()
	args := []string{"-http", "127.0.0.1:0", "-https", taken.Addr().String(), "-ready-file", filepath.Join(dir, "ready")}
	err = run(context.Background(), args, nil, io.Discard, io.Discard)
	require.ErrorContains(t, err, "-https: listen tcp "+taken.Addr().String())
	assert.Equal(t, 1, exitCode(err))
	assert.NoFileExists(t, filepath.Join(dir, "ready"))
}

func TestQuiet(t *testing.T) {
	p := begin(t, "-quiet")
	require.NoError(t, ping(p.client(amazonpay.RegionNA)))
	require.NoError(t, p.stop())
	assert.Empty(t, p.stdout.String())
	assert.Empty(t, p.stderr.String())
}

func ping(client *amazonpay.Client) error {
	_, err := client.GetServiceStatus(context.Background())
	return err
}

// slowly begins a call that takes its time, and comes back when it has begun.
func (p *process) slowly(delay string) (ended chan error) {
	status, text := p.request(http.MethodPost, "/mock/faults", `{"kind":"Slow","delay":"`+delay+`"}`)
	require.Equal(p.t, http.StatusOK, status, text)
	client := p.client(amazonpay.RegionNA)
	ended = make(chan error, 1)
	go func() { ended <- ping(client) }()
	require.Eventually(p.t, func() bool {
		_, text := p.request(http.MethodGet, "/mock/faults", "")
		return strings.Contains(text, `"faults": []`)
	}, 5*time.Second, time.Millisecond)
	return ended
}

func TestShutdownFinishesRequests(t *testing.T) {
	p := begin(t)
	ended := p.slowly("300ms")
	require.NoError(t, p.stop())
	require.NoError(t, <-ended)
	_, err := http.Get(p.HTTP[0] + "/healthz")
	require.Error(t, err)
	assert.NotContains(t, p.stderr.String(), "still going on")
}

func TestShutdownHasAnEnd(t *testing.T) {
	p := begin(t, "-shutdown-timeout", "50ms")
	ended := p.slowly("1m")
	require.NoError(t, p.stop())
	assert.Contains(t, p.stderr.String(), "still going on")
	var unknown *amazonpay.OutcomeUnknownError
	assert.NotErrorAs(t, <-ended, &unknown, "nothing that moves money was asked")
}

func TestSignals(t *testing.T) {
	t.Run("the first ends it in order", func(t *testing.T) {
		p, cmd := program(t)
		ended := p.slowly("200ms")
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, <-ended)
		require.NoError(t, <-p.ended)
	})
	t.Run("two that are meant as one", func(t *testing.T) {
		p, cmd := program(t)
		ended := p.slowly("200ms")
		for range 2 {
			require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
			time.Sleep(20 * time.Millisecond) // two that wait at once are one
		}
		require.NoError(t, <-ended)
		require.NoError(t, <-p.ended)
	})
	t.Run("the second at once", func(t *testing.T) {
		p, cmd := program(t, "-shutdown-timeout", "1m")
		p.slowly("1m")
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		var exit *exec.ExitError
		require.Eventually(t, func() bool {
			_ = cmd.Process.Signal(syscall.SIGTERM) // gone, the next time
			select {
			case err := <-p.ended:
				return assert.ErrorAs(t, err, &exit)
			default:
				return false
			}
		}, 5*time.Second, 10*time.Millisecond)
		assert.Equal(t, syscall.SIGTERM, exit.Sys().(syscall.WaitStatus).Signal())
	})
}

func TestHealthNeedsNoHost(t *testing.T) {
	p := begin(t)
	for _, host := range []string{"www.amazon.com", "evil.example", "10.0.0.1"} {
		req, err := http.NewRequest(http.MethodGet, p.HTTP[0]+"/healthz", nil)
		require.NoError(t, err)
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		_ = resp.Body.Close()
		assert.Equal(t, http.StatusOK, resp.StatusCode)
	}
}

// form is a body of the payment API.
func form(pairs ...string) string {
	values := make(url.Values)
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values.Encode()
}

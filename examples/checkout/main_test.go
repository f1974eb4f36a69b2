package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

// The command as a newcomer runs it: it brings its own mock, and takes it away.
func TestRun(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended, log := make(chan error, 1), new(buffer)
	go func() {
		ended <- run(ctx, []string{"-addr", "127.0.0.1:0", "-open=false", "-region", "JP"}, func(string) string { return "" }, writer, log)
		_ = writer.Close()
	}()
	shop, mock := "", ""
	lines := bufio.NewScanner(reader)
	for lines.Scan() && (shop == "" || mock == "") {
		if _, after, ok := strings.Cut(lines.Text(), "The shop is open: "); ok {
			shop = after
		}
		if _, after, ok := strings.Cut(lines.Text(), "Amazon Pay is a mock: "); ok {
			mock = after
		}
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	require.NotEmpty(t, mock, "%s", log)
	for _, address := range []string{shop, mock + "/healthz", mock + "/OffAmazonPayments/jp/sandbox/lpa/js/Widgets.js"} {
		response, err := http.Get(address)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, response.StatusCode, address)
		require.NoError(t, response.Body.Close())
	}
	stop()
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(30 * time.Second):
		t.Fatal("the shop does not end")
	}
	if response, err := http.Get(mock + "/healthz"); err == nil {
		_ = response.Body.Close()
		t.Error("the mock goes on")
	}
}

// A mock waits for nobody, unlike the sandbox: neither should the buyer.
func TestMockAccount(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/mock/regions", r.URL.Path)
		_, _ = io.WriteString(w, `[{"region":"NA","seller":"A1"},{"region":"UK","seller":"A2","loginClient":"c2"}]`)
	}))
	defer server.Close()
	c, err := mockAccount(t.Context(), server.URL+"/", "UK")
	require.NoError(t, err)
	assert.Equal(t, []string{"A2", "c2", server.URL}, []string{c.Amazon.SellerID, c.Amazon.LoginClientID, c.Amazon.BaseURL})
	assert.Equal(t, amazonpay.NoLimit, c.Amazon.Limiter)
	_, err = mockAccount(t.Context(), server.URL, "JP")
	require.ErrorContains(t, err, "no seller in JP")
}

func TestFlags(t *testing.T) {
	sandbox := map[string]string{"AMAZONPAY_SELLER_ID": "A2SELLER", "AMAZONPAY_ACCESS_KEY": "AKIA", "AMAZONPAY_SECRET_KEY": "secret",
		"AMAZONPAY_LOGIN_CLIENT_ID": "amzn1.application-oa2-client.x", "AMAZONPAY_REGION": "EU"}
	tests := map[string]struct {
		args  []string
		env   map[string]string
		error string
	}{
		"sandbox":          {nil, sandbox, ""},
		"unknown region":   {[]string{"-region", "MOON"}, nil, "region"},
		"some of the keys": {nil, map[string]string{"AMAZONPAY_SELLER_ID": "A2SELLER"}, "AMAZONPAY_SECRET_KEY"},
		"keys and a mock":  {[]string{"-mock", "http://127.0.0.1:1"}, sandbox, "-mock"},
		"no mock there":    {[]string{"-mock", "http://127.0.0.1:1"}, nil, "does not answer"},
		"an argument":      {[]string{"shop"}, nil, "arguments"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			getenv := func(name string) string { return test.env[name] }
			f, err := parseFlags(test.args, getenv, io.Discard)
			var c config
			if err == nil {
				c, _, _, err = account(t.Context(), f, getenv, io.Discard)
			}
			if test.error != "" {
				require.ErrorContains(t, err, test.error)
				return
			}
			require.NoError(t, err)
			c.URL, c.Key, c.Now = "http://localhost:8700", make([]byte, 32), time.Now
			c.Logger = slog.New(slog.DiscardHandler)
			s, err := newShop(c)
			require.NoError(t, err)
			assert.Equal(t, "22.50 EUR", s.price.String())
		})
	}
}

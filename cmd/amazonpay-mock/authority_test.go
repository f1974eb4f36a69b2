package main

import (
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/internal/endpoint"
)

// Processes that start together in a new directory come to have one authority.
func TestAuthorityOfSeveral(t *testing.T) {
	for range 10 {
		dir := filepath.Join(t.TempDir(), "ca")
		var group sync.WaitGroup
		var mu sync.Mutex
		seen := make(map[string]bool)
		for range 8 {
			group.Go(func() {
				a, err := newAuthority(dir, nil)
				if assert.NoError(t, err) {
					mu.Lock()
					defer mu.Unlock()
					seen[string(a.pem())] = true
				}
			})
		}
		group.Wait()
		require.Len(t, seen, 1)
		a, err := newAuthority(dir, nil)
		require.NoError(t, err)
		assert.True(t, seen[string(a.pem())])
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.Len(t, files, 2)
	}
}

// What does not fit together is refused with what to do about it; a key that was
// left alone gets a certificate.
func TestAuthorityInPieces(t *testing.T) {
	one, other := t.TempDir(), t.TempDir()
	for _, dir := range []string{one, other} {
		_, err := newAuthority(dir, nil)
		require.NoError(t, err)
	}
	text, err := os.ReadFile(filepath.Join(other, authorityFile))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(one, authorityFile), text, 0o600))
	_, err = newAuthority(one, nil)
	require.ErrorContains(t, err, "remove ca.pem and ca-key.pem")
	require.NoError(t, os.Remove(filepath.Join(one, authorityFile)))
	_, err = newAuthority(one, nil)
	require.NoError(t, err)
}

// An authority that is older than one of Amazon's names goes on without it.
func TestAuthorityOfFewerNames(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, keepAuthority(dir, []string{"localhost", "api.amazon.com"}))
	a, err := newAuthority(dir, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"api.amazon.com", "localhost"}, a.names)
}

// The certificate is good for every name that is needed, and the authority for
// no other.
func TestAuthority(t *testing.T) {
	a, err := newAuthority("", []string{"mock.test"})
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(a.pem()))
	pair, err := a.server(nil)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	require.NoError(t, err)
	names := []string{"localhost", "127.0.0.1", "::1", "mock.test"}
	for _, r := range endpoint.Regions() {
		names = append(names, endpoint.MWS(r), endpoint.API(r, "sandbox"), endpoint.API(r, "production"), endpoint.Token(r), endpoint.Consent, endpoint.SNS(r))
	}
	names = append(names, "static-na.payments-amazon.com", "static-eu.payments-amazon.com", "static-fe.payments-amazon.com",
		"assets.loginwithamazon.com", "api-cdn.amazon.com")
	for _, name := range names {
		_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name})
		assert.NoError(t, err, name)
	}
	for name, allowed := range map[string]bool{"api.amazon.com": true, "bank.example": false, "amazon.com": false, "sns.eu-central-1.amazonaws.com": false} {
		der, err := a.issue(&x509.Certificate{DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}, a.key.Public())
		require.NoError(t, err)
		forged, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		_, err = forged.Verify(x509.VerifyOptions{Roots: roots, DNSName: name})
		assert.Equal(t, allowed, err == nil, name)
	}
	// A name is not all that a certificate can be for.
	for address, allowed := range map[string]bool{"127.0.0.1": true, "::1": true, "192.168.1.7": true, "172.17.0.2": true, "fd00::7": true, "192.0.2.1": false, "2001:db8::1": false} {
		der, err := a.issue(&x509.Certificate{IPAddresses: []net.IP{net.ParseIP(address)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}, a.key.Public())
		require.NoError(t, err)
		forged, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		_, err = forged.Verify(x509.VerifyOptions{Roots: roots, DNSName: address})
		assert.Equal(t, allowed, err == nil, address)
	}
	pair, err = a.server([]net.IP{net.ParseIP("192.0.2.1"), net.ParseIP("192.168.1.7")})
	require.NoError(t, err)
	leaf, err = x509.ParseCertificate(pair.Certificate[0])
	require.NoError(t, err)
	for _, name := range []string{"localhost", "192.168.1.7"} {
		_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name})
		assert.NoError(t, err, "a public address does not spoil the rest: %s", name)
	}
}

package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/amazonpay-go/amazonpay/internal/endpoint"
)

// authority is a certificate authority of our own. It may speak for localhost,
// for Amazon's names and for addresses of this machine's network only, so that whoever trusts it trusts no more than
// that.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
	names       []string // that the servers' certificates are for
}

// Notifications are dated on the business clock, which may be far from the
// wall's: their certificate, and so the authority, must hold there, too.
var (
	holdsFrom  = time.Date(1990, time.January, 1, 0, 0, 0, 0, time.UTC)
	holdsUntil = time.Date(2190, time.January, 1, 0, 0, 0, 0, time.UTC)
)

// The files of an authority that is kept, in the directory of -ca-dir.
const (
	authorityFile    = "ca.pem"
	authorityKeyFile = "ca-key.pem"
)

// nearby are the addresses that the authority may speak for: of this machine and
// of networks that are not the Internet.
var nearby = func() (ranges []*net.IPNet) {
	for _, s := range []string{"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7", "fe80::/10"} {
		_, ipNet, err := net.ParseCIDR(s)
		if err != nil { // cannot be: they are written here
			panic(err)
		}
		ranges = append(ranges, ipNet)
	}
	return ranges
}()

// far tells an address that the authority may not speak for; in a certificate,
// it would spoil all of it.
func far(ip net.IP) bool {
	return !slices.ContainsFunc(nearby, func(n *net.IPNet) bool { return n.Contains(ip) })
}

// serverNames are the names that a server answers under: this machine's, all
// of Amazon's, and those of the user's own.
func serverNames(extra []string) []string {
	names := []string{"localhost"}
	for _, r := range endpoint.Regions() {
		names = append(names, endpoint.Hosts(r)...)
	}
	names = append(names, extra...)
	slices.Sort(names)
	return slices.Compact(names)
}

// newAuthority makes an authority, or reads the one that is kept in dir. An
// empty dir keeps nothing.
func newAuthority(dir string, extra []string) (*authority, error) {
	names := serverNames(extra)
	if dir == "" {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		return makeAuthority(key, names)
	}
	a, err := readAuthority(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err = keepAuthority(dir, names); err == nil {
			a, err = readAuthority(dir)
		}
	}
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		switch {
		case slices.Contains(a.certificate.PermittedDNSDomains, name):
			a.names = append(a.names, name)
		case slices.Contains(extra, name): // one of Amazon's may be younger than the authority
			return nil, fmt.Errorf("the authority in %s was not made for %q: %s", dir, name, anew)
		}
	}
	return a, nil
}

// anew says what to do with an authority that is of no use.
const anew = "remove " + authorityFile + " and " + authorityKeyFile + ", and a new one is made"

func makeAuthority(key crypto.Signer, names []string) (*authority, error) {
	serial, err := serialNumber()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		// The number tells apart the authorities that somebody has trusted.
		Subject:   pkix.Name{CommonName: fmt.Sprintf("amazonpay-mock %x", serial.Bytes()[:4])},
		NotBefore: holdsFrom, NotAfter: holdsUntil,
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage:                    x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         append(slices.Clone(names), endpoint.SigningName),
		PermittedIPRanges:           nearby,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &authority{certificate, key, names}, err
}

// serialNumber is 16 bytes of chance, the first never zero.
func serialNumber() (*big.Int, error) {
	b := make([]byte, 16)
	_, err := rand.Read(b)
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b), err
}

func readAuthority(dir string) (*authority, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, authorityFile), filepath.Join(dir, authorityKeyFile))
	if _, unreadable := errors.AsType[*fs.PathError](err); unreadable {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("the authority in %s cannot be used: %w: %s", dir, err, anew)
	}
	key, signs := pair.PrivateKey.(crypto.Signer)
	if !signs || !pair.Leaf.IsCA {
		return nil, fmt.Errorf("what is in %s is not a certificate authority: %s", dir, anew)
	}
	// Who copied the directory may have lost the mode; where it cannot be set,
	// it is not ours to say.
	_ = os.Chmod(filepath.Join(dir, authorityKeyFile), 0o600)
	return &authority{certificate: pair.Leaf, key: key}, nil
}

// keepAuthority makes an authority in dir, its key for the owner's eyes only. Of
// processes that do so at once, the first to write a file wins, and the others go
// on from what it has written: all come to have the same.
func keepAuthority(dir string, names []string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	fresh, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(fresh)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, authorityKeyFile)
	if err := writeOnce(name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return err
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return fmt.Errorf("%s is no key: %s", name, anew)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	signer, signs := key.(crypto.Signer)
	if err != nil || !signs {
		return fmt.Errorf("%s is no key: %s", name, anew)
	}
	a, err := makeAuthority(signer, names)
	if err != nil {
		return err
	}
	return writeOnce(filepath.Join(dir, authorityFile), a.pem(), 0o644)
}

// writeOnce writes a file at once, unless there is one.
func writeOnce(name string, data []byte, mode os.FileMode) error {
	temporary, err := os.MkdirTemp(filepath.Dir(name), ".new-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temporary) }() // it is in nobody's way
	whole := filepath.Join(temporary, filepath.Base(name))
	if err := os.WriteFile(whole, data, mode); err != nil {
		return err
	}
	if os.Link(whole, name) == nil {
		return nil
	}
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(whole, name) // a file system without links
	}
	return nil // somebody was first
}

// pem is the certificate to be trusted.
func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// serverLife is below what the strictest clients take, 825 days.
const serverLife = 800 * 24 * time.Hour

// server makes the certificate of the HTTPS listeners. It is good for the names
// and for the addresses that they listen on, but for public ones: those want a
// -name.
func (a *authority) server(addresses []net.IP) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	der, err := a.issue(&x509.Certificate{
		Subject:   pkix.Name{CommonName: "localhost"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(serverLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    a.names,
		IPAddresses: append([]net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, slices.DeleteFunc(slices.Clone(addresses), far)...),
	}, key.Public())
	return tls.Certificate{Certificate: [][]byte{der, a.certificate.Raw}, PrivateKey: key}, err
}

// signing makes the certificate of notifications for the key that signs them.
func (a *authority) signing(public crypto.PublicKey) ([]byte, error) {
	der, err := a.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: endpoint.SigningName}, DNSNames: []string{endpoint.SigningName},
		NotBefore: holdsFrom, NotAfter: holdsUntil,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, public)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), err
}

func (a *authority) issue(template *x509.Certificate, public crypto.PublicKey) (der []byte, err error) {
	if template.SerialNumber, err = serialNumber(); err != nil {
		return nil, err
	}
	template.BasicConstraintsValid = true
	return x509.CreateCertificate(rand.Reader, template, a.certificate, public, a.key)
}

// writeFile replaces a file at once: nobody reads half of it.
func writeFile(name string, data []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error counts
	}
	return err
}

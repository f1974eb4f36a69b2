package sns

import (
	"bytes"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"slices"
	"time"
)

// signer is the name in the certificates that SNS signs with. It is not the
// name of the host that they come from. (Regions that a customer has to opt in
// to, and China's, have other names; Amazon Pay has no topics there.)
const signer = "sns.amazonaws.com"

var (
	errNotPEM     = errors.New("it is not one PEM certificate and nothing else")
	pemBegin      = []byte("-----BEGIN CERTIFICATE-----\n")
	commonName    = asn1.ObjectIdentifier{2, 5, 4, 3}
	errNoTLS      = errors.New("the download was not over verified TLS")
	errNotSigning = errors.New("its key may not sign")
)

// decode reads the one certificate that a download consists of. pem.Decode by
// itself finds a block in the middle of anything, such as an answer that
// reflects what an attacker asked for.
func decode(data []byte) (*x509.Certificate, error) {
	data = bytes.TrimSpace(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")))
	block, rest := pem.Decode(data)
	if !bytes.HasPrefix(data, pemBegin) || bytes.Count(data, []byte("-----")) != 4 ||
		block == nil || len(rest) > 0 || len(block.Headers) > 0 {
		return nil, errNotPEM
	}
	return x509.ParseCertificate(block.Bytes)
}

// inspect checks everything about a certificate but its dates, which are
// compared with each message's, and who issued it.
func inspect(cert *x509.Certificate) (*rsa.PublicKey, error) {
	bad := func(detail string, err error) (*rsa.PublicKey, error) {
		return nil, &Error{BadCertificate, detail, err}
	}
	// Names are compared as they stand: a wildcard is not SNS.
	if !slices.Contains(cert.DNSNames, signer) {
		return bad("the certificate is not SNS's", nil)
	}
	if slices.ContainsFunc(cert.Subject.Names, func(n pkix.AttributeTypeAndValue) bool {
		return n.Type.Equal(commonName) && n.Value != signer
	}) {
		return bad("the certificate's subject is not SNS", nil)
	}
	if cert.IsCA || cert.KeyUsage != 0 && cert.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return bad("the certificate is not for signatures", errNotSigning)
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return bad("the certificate's key is not RSA", nil)
	}
	if bits := key.N.BitLen(); bits < 2048 || bits > 8192 {
		return bad("the certificate's key is too short or too long", nil)
	}
	return key, nil
}

// validAt checks the dates: SNS signed with a certificate that was valid then,
// and a message may come two weeks later.
func validAt(cert *x509.Certificate, at time.Time) error {
	if at.Before(cert.NotBefore) || at.After(cert.NotAfter) {
		return &Error{BadCertificate, "the certificate was not valid at the message's time", nil}
	}
	return nil
}

// issued decides whether to believe in a certificate's issuer. With roots, it
// has to chain to one of them. Without, the proof is the download itself: over
// TLS that was verified, from the one host that SNS has in the region. SNS
// serves the certificate without its intermediate, which Go does not fetch, so
// there is nothing to build a chain with; but if the connection used that very
// intermediate, whose chain has been verified then, it must have signed the
// certificate.
func issued(cert *x509.Certificate, roots *x509.CertPool, over *tls.ConnectionState) error {
	if roots != nil {
		_, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: cert.NotAfter})
		if err != nil {
			return &Error{BadCertificate, "the certificate does not chain to a configured root", err}
		}
		return nil
	}
	if over == nil || len(over.VerifiedChains) == 0 {
		return &Error{NoCertificate, "the certificate cannot be believed", errNoTLS}
	}
	for _, chain := range over.VerifiedChains {
		for _, issuer := range chain[1:] {
			if bytes.Equal(issuer.RawSubject, cert.RawIssuer) && bytes.Equal(issuer.SubjectKeyId, cert.AuthorityKeyId) {
				if err := cert.CheckSignatureFrom(issuer); err != nil {
					return &Error{BadCertificate, "the certificate was not signed by its issuer", err}
				}
			}
		}
	}
	return nil
}

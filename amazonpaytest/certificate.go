package amazonpaytest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// identity is what signs notifications: one for all fakes of a process, because
// a key takes time to make.
type identity struct {
	key       *rsa.PrivateKey
	authority []byte // PEM
	leaf      []byte // PEM
	path      string // of the leaf's URL
}

// The certificates hold on the business clock as well as on the wall's, even
// in testing/synctest, where it is the year 2000.
var (
	validFrom  = time.Date(1990, time.January, 1, 0, 0, 0, 0, time.UTC)
	validUntil = time.Date(2190, time.January, 1, 0, 0, 0, 0, time.UTC)
)

var signer = sync.OnceValue(func() identity {
	must := func(err error) {
		if err != nil {
			panic("amazonpaytest: " + err.Error())
		}
	}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "amazonpaytest certificate authority"},
		NotBefore: validFrom, NotAfter: validUntil,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	// As the real ones: of SNS itself, not of a region.
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "sns.amazonaws.com"}, DNSNames: []string{"sns.amazonaws.com"},
		NotBefore: validFrom, NotAfter: validUntil, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, &authorityKey.PublicKey, authorityKey)
	must(err)
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, authority, &key.PublicKey, authorityKey)
	must(err)
	sum := sha256.Sum256(leafDER)
	return identity{
		key:       key,
		authority: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authorityDER}),
		leaf:      pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leafDER}),
		path:      fmt.Sprintf("/SimpleNotificationService-%x.pem", sum[:16]),
	}
})

// CertificateAuthority is the certificate, in PEM, that issued the one which
// signs notifications. All fakes of a process have the same.
func (f *Fake) CertificateAuthority() []byte { return bytes.Clone(signer().authority) }

// overTLS is the connection to SNS's host that a download of the signing
// certificate came over: verified, as it is at the real host. So the verifier of
// a client of the fake believes the fake's notifications.
func overTLS(req *http.Request) *tls.ConnectionState {
	if req.URL.Scheme != "https" || !strings.HasPrefix(req.URL.Path, "/SimpleNotificationService-") || req.URL.Path != signer().path {
		return nil
	}
	var chain []*x509.Certificate
	for _, text := range [][]byte{signer().leaf, signer().authority} {
		block, _ := pem.Decode(text)
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil
		}
		chain = append(chain, certificate)
	}
	return &tls.ConnectionState{
		HandshakeComplete: true, ServerName: req.URL.Hostname(),
		PeerCertificates: chain[:1], VerifiedChains: [][]*x509.Certificate{chain},
	}
}

// certificate serves the signing certificate: without a socket at the host of
// SigningCertURL only, with one at that path.
func (f *Fake) certificate(req *http.Request) (answer, bool) {
	if req.Method != http.MethodGet || !strings.HasPrefix(req.URL.Path, "/SimpleNotificationService-") ||
		req.URL.Host != "" && !(req.URL.Scheme == "https" && strings.HasPrefix(req.URL.Host, "sns.") && strings.HasSuffix(req.URL.Host, ".amazonaws.com")) ||
		req.URL.RequestURI() != signer().path {
		return answer{}, false
	}
	return answer{status: http.StatusOK, body: bytes.Clone(signer().leaf), header: http.Header{
		"Content-Type": {"application/octet-stream"}, "Date": {time.Now().UTC().Format(http.TimeFormat)}}}, true
}

// signed is the request of SNS: a complete message in its envelope.
func (f *Fake) signed(m Message) (http.Header, []byte) {
	host := "sns.us-east-1.amazonaws.com"
	if parts := strings.Split(m.TopicARN, ":"); len(parts) > 3 {
		host = "sns." + parts[3] + ".amazonaws.com"
	}
	subscription := m.TopicARN + ":" + uuid(m.TopicARN)
	values := map[string]string{
		"Type": m.Type, "MessageId": m.MessageID, "TopicArn": m.TopicARN, "Message": m.Text,
		"Timestamp": m.Time.UTC().Format(isoMillis), "SignatureVersion": m.SignatureVersion,
		"SigningCertURL": "https://" + host + signer().path,
	}
	// In the order of the alphabet, as they are signed.
	names := []string{"Message", "MessageId", "Timestamp", "TopicArn", "Type"}
	if m.Type == "Notification" {
		values["UnsubscribeURL"] = "https://" + host + "/?Action=Unsubscribe&SubscriptionArn=" + subscription
		if m.Subject != "" {
			values["Subject"] = m.Subject
			names = []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
		}
	} else {
		values["Token"] = fmt.Sprintf("2336412f37%x", sha256.Sum256([]byte(subscription)))
		values["SubscribeURL"] = "https://" + host + "/?Action=ConfirmSubscription&TopicArn=" + m.TopicARN + "&Token=" + url.QueryEscape(values["Token"])
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
		if values["Message"] == "" {
			values["Message"] = "You have chosen to subscribe to the topic " + m.TopicARN +
				".\nTo confirm the subscription, visit the SubscribeURL included in this message."
		}
	}
	var text strings.Builder
	for _, name := range names {
		text.WriteString(name + "\n" + values[name] + "\n")
	}
	values["Signature"] = f.signature(text.String(), m.SignatureVersion)

	header := http.Header{
		"Content-Type":           {"text/plain; charset=UTF-8"},
		"X-Amz-Sns-Message-Type": {m.Type},
		"X-Amz-Sns-Message-Id":   {m.MessageID},
		"X-Amz-Sns-Topic-Arn":    {m.TopicARN},
		"User-Agent":             {"Amazon Simple Notification Service Agent"},
		"Connection":             {"Keep-Alive"},
		"Accept-Encoding":        {"gzip,deflate"},
	}
	if m.Type != "SubscriptionConfirmation" {
		header.Set("X-Amz-Sns-Subscription-Arn", subscription)
	}
	return header, envelope(values)
}

// envelope is the JSON of SNS, in its order and with its blanks.
func envelope(values map[string]string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	separator := "{\n"
	for _, name := range []string{"Type", "MessageId", "Token", "TopicArn", "Subject", "Message", "SubscribeURL",
		"Timestamp", "SignatureVersion", "Signature", "SigningCertURL", "UnsubscribeURL"} {
		value, ok := values[name]
		if !ok {
			continue
		}
		b.WriteString(separator + `  "` + name + `" : `)
		_ = e.Encode(value) // a text has no errors to give
		b.Truncate(b.Len() - 1)
		separator = ",\n"
	}
	b.WriteString("\n}")
	return b.Bytes()
}

// signature costs a millisecond.
func (f *Fake) signature(text, version string) string {
	f.signatures.Add(1)
	sum, hash := sha256.Sum256([]byte(text)), crypto.SHA256
	digest := sum[:]
	if version == "1" {
		sum := sha1.Sum([]byte(text)) // the standard of SNS, not a choice
		digest, hash = sum[:], crypto.SHA1
	}
	signature, err := rsa.SignPKCS1v15(nil, signer().key, hash, digest)
	if err != nil {
		panic("amazonpaytest: " + err.Error())
	}
	return base64.StdEncoding.EncodeToString(signature)
}

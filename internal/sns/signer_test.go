package sns_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/amazonpay-go/amazonpay/internal/sns"

	"github.com/stretchr/testify/require"
)

const (
	topic = "arn:aws:sns:eu-west-1:291180941288:A1G8446IYHA4MRA2EXAMPLESELL"
	stamp = "2021-06-01T10:00:00.000Z"
)

var key = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// certificate is such as SNS signs with.
func certificate(change ...func(*x509.Certificate)) string {
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sns.amazonaws.com"}, DNSNames: []string{"sns.amazonaws.com"},
		NotBefore: time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	for _, f := range change {
		f(t)
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key().Public(), key())
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func address(name string) string {
	return "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-" + name + ".pem"
}

// message is a signed notification.
func message(t testing.TB, url string) *sns.Message {
	t.Helper()
	text := "Message\nhello\nMessageId\n1\nTimestamp\n" + stamp + "\nTopicArn\n" + topic + "\nType\nNotification\n"
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(nil, key(), crypto.SHA256, sum[:])
	require.NoError(t, err)
	body, err := json.Marshal(map[string]string{
		"Type": "Notification", "MessageId": "1", "TopicArn": topic, "Message": "hello", "Timestamp": stamp,
		"SignatureVersion": "2", "Signature": base64.StdEncoding.EncodeToString(sig), "SigningCertURL": url,
	})
	require.NoError(t, err)
	m, err := sns.Parse(body)
	require.NoError(t, err)
	return m
}

// source counts what is fetched.
type source struct {
	mu      sync.Mutex
	fetched map[string]int
	answer  func(ctx context.Context, url string) ([]byte, error)
}

func (s *source) certificates() *sns.Certificates {
	return &sns.Certificates{Fetch: func(ctx context.Context, url string) ([]byte, error) {
		s.mu.Lock()
		if s.fetched == nil {
			s.fetched = make(map[string]int)
		}
		s.fetched[url]++
		s.mu.Unlock()
		return s.answer(ctx, url)
	}}
}

func (s *source) total() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, times := range s.fetched {
		n += times
	}
	return n
}

func always(data string) func(context.Context, string) ([]byte, error) {
	return func(context.Context, string) ([]byte, error) { return []byte(data), nil }
}

func reason(t testing.TB, want sns.Reason, err error) {
	t.Helper()
	var e *sns.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, want, e.Reason, fmt.Sprint(err))
}

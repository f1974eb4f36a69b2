package amazonpay_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// One verification with the certificate at hand (parse, verify, decode) against
// nothing but RSA on the same bytes.
func BenchmarkNotification(b *testing.B) {
	p := payloads()[2]
	e := notification(notice(p.wire, p.xml(ipnNamespace))).sign("1", ipnKeys().leaf)
	body, header := e.json(), e.header()
	v := ipnVerifier(b)
	accept(b, v, e)
	sig, _ := base64.StdEncoding.DecodeString(e.get("Signature"))
	text := []byte("Message\n" + e.get("Message") + "\nMessageId\n" + ipnID + "\nTimestamp\n" + ipnTime + "\nTopicArn\n" + ipnTopic + "\nType\nNotification\n")
	key := ipnLeaf().PublicKey.(*rsa.PublicKey)

	bare := func() {
		digest := sha1.Sum(text)
		if err := rsa.VerifyPKCS1v15(key, crypto.SHA1, digest[:], sig); err != nil {
			b.Fatal(err)
		}
	}
	whole := func() {
		n, err := v.ParseMessage(b.Context(), header, body)
		if err != nil || n.Object.(*amazonpay.Authorization).AmazonAuthorizationID == "" {
			b.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		run  func()
	}{{"bare", bare}, {"whole", whole}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.run()
			}
		})
	}
	// Turn by turn, so that what else the machine does hits both alike.
	b.Run("ratio", func(b *testing.B) {
		var ratios []float64
		for b.Loop() {
			var took [2]time.Duration
			for i, run := range []func(){bare, whole} {
				start := time.Now()
				for range 20 {
					run()
				}
				took[i] = time.Since(start)
			}
			ratios = append(ratios, float64(took[1])/float64(took[0]))
		}
		slices.Sort(ratios)
		b.ReportMetric(ratios[len(ratios)/2], "whole/bare")
	})
}

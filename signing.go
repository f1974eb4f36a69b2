package amazonpay

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"net/url"
	"strings"
	"sync"

	"github.com/amazonpay-go/amazonpay/internal/secret"
)

// signedHost is the host as it is signed: in lower case, with the port only
// where it is not the scheme's own.
func signedHost(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		return host
	}
	return host + ":" + port
}

// appendStringToSign is the text that Signature Version 2 signs. The query is
// the canonical one: sorted by name in byte order and escaped.
func appendStringToSign(dst []byte, host, path string, query []byte) []byte {
	dst = append(dst, "POST\n"...)
	dst = append(dst, host...)
	dst = append(dst, '\n')
	dst = append(dst, path...)
	dst = append(dst, '\n')
	return append(dst, query...)
}

// signer computes HMAC-SHA256 with one key. It keeps hashes that have taken
// the key in already: that is half of the work.
type signer struct{ hashes sync.Pool }

type keyedHash struct {
	hash.Hash
	sum [sha256.Size]byte
}

func newSigner(key SecretKey) *signer {
	return &signer{sync.Pool{New: func() any {
		return &keyedHash{Hash: hmac.New(sha256.New, []byte(secret.Text(key)))}
	}}}
}

// appendSignature appends the signature of text in base64.
func (s *signer) appendSignature(dst, text []byte) []byte {
	h := s.hashes.Get().(*keyedHash)
	h.Reset()
	h.Write(text)
	dst = base64.StdEncoding.AppendEncode(dst, h.Sum(h.sum[:0]))
	s.hashes.Put(h)
	return dst
}

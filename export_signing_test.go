package amazonpay

import "net/url"

// SignedHost, StringToSign and Sign are the parts of Signature Version 2.
var SignedHost = func(u *url.URL) string { return signedHost(u) }

// StringToSign is the text that is signed, for a canonical query.
func StringToSign(host, path, query string) string {
	return string(appendStringToSign(nil, host, path, []byte(query)))
}

// Sign signs texts with one key, one after the other.
func Sign(key string, texts ...string) (signatures []string) {
	s := newSigner(NewSecretKey(key))
	for _, text := range texts {
		signatures = append(signatures, string(s.appendSignature(nil, []byte(text))))
	}
	return signatures
}

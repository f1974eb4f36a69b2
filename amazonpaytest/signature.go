package amazonpaytest

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"net/url"
	"sort"
	"strings"
	"unicode/utf8"
)

// parseForm reads a form body, strictly: a parameter that comes twice, a broken
// escape or text that is not UTF-8 is refused.
func parseForm(body string) (map[string]string, *refusal) {
	form := make(map[string]string)
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, ok := unescape(rawName)
		value, ok2 := unescape(rawValue)
		if !ok || !ok2 || name == "" {
			return form, refuse("InvalidParameterValue", "The request body is not a form in UTF-8.")
		}
		if _, twice := form[name]; twice {
			return form, refuse("InvalidParameterValue", "Parameter %s was sent more than once.", name)
		}
		form[name] = strings.Clone(value) // it may be kept, and the rest of the body should not be
	}
	return form, nil
}

// unescape undoes percent-encoding; a plus is a space, as one of the official
// SDKs sends it.
func unescape(s string) (string, bool) {
	text, err := url.QueryUnescape(s)
	return text, err == nil && utf8.ValidString(text)
}

// escape is RFC 3986: url.QueryEscape, but a space is not a plus.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// stringToSign is the text under the signature: method, host, path and all
// parameters but the signature, sorted by name, byte by byte.
func stringToSign(host, path string, form map[string]string) string {
	names := make([]string, 0, len(form))
	for name := range form {
		if name != "Signature" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	pairs := make([]string, len(names))
	for i, name := range names {
		pairs[i] = escape(name) + "=" + escape(form[name])
	}
	return "POST\n" + strings.ToLower(host) + "\n" + path + "\n" + strings.Join(pairs, "&")
}

func macOf(method string) func() hash.Hash {
	switch method {
	case "HmacSHA256":
		return sha256.New
	case "HmacSHA1":
		return sha1.New
	}
	return nil
}

// signed reports whether the signature fits one of the hosts: a client on a
// port of its own may sign the host with the port or without.
func signed(key string, hosts []string, path string, form map[string]string) bool {
	for _, host := range hosts {
		mac := hmac.New(macOf(form["SignatureMethod"]), []byte(key))
		mac.Write([]byte(stringToSign(host, path, form)))
		if right := base64.StdEncoding.EncodeToString(mac.Sum(nil)); hmac.Equal([]byte(form["Signature"]), []byte(right)) {
			return true
		}
	}
	return false
}

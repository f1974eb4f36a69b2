package secret

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// Access and refresh tokens of Login with Amazon (also percent-encoded), its
// client secrets, MWS authorization tokens, and addresses of e-mail.
var private = regexp.MustCompile(`(?i)at[zn][ar](\||%(25)*7c)[^\s"'<>,;&]*` +
	`|amzn1\.oa2-cs\.[0-9a-z.]+|amzn\.mws\.[0-9a-z-]+|[^\s"'<>,;:=()&|]+(@|%40)[^\s"'<>,;:=()&|]+`)

const maxText = 1000 // characters of a scrubbed text

// Scrub removes from a text what must not get into a log: the given secrets,
// whatever looks like a token or an address of e-mail, control characters, and
// everything beyond 1,000 characters.
func Scrub(text string, secrets ...string) string {
	for _, s := range secrets {
		if s == "" {
			continue
		}
		for _, form := range [...]string{s, url.QueryEscape(s), url.PathEscape(s)} {
			text = strings.ReplaceAll(text, form, Redacted)
		}
	}
	text = private.ReplaceAllString(text, Redacted)
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxText {
		text = string(runes[:maxText]) + "…"
	}
	return strings.TrimSpace(text)
}

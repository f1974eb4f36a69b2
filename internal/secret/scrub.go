package secret

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Access and refresh tokens of Login with Amazon (also with a bar that is
// escaped for an address, JSON or HTML), its client secrets, MWS authorization
// tokens, and addresses of e-mail.
var private = regexp.MustCompile(`(?i)at[zn][ar](\||%(25)*7c|\\+u007c|&(amp;)*(#124|#x7c|verbar|vert);)[^\s"'<>,;&]*` +
	`|amzn1\.oa2-cs\.[0-9a-z.]+|amzn\.mws\.[0-9a-z-]+|[^\s"'<>,;:=()&|]+(@|%40)[^\s"'<>,;:=()&|]+`)

const (
	maxText  = 1000     // characters of a scrubbed text
	maxInput = 16 << 10 // bytes that are looked at: an answer may have megabytes
	maxName  = 100      // bytes of an identifier; Amazon's have 36
)

// Scrub removes from a text what must not get into a log: the given secrets,
// whatever looks like a token or an address of e-mail, characters that break or
// turn a line, and everything beyond 1,000 characters.
func Scrub(text string, secrets ...string) string {
	for _, s := range secrets {
		if s == "" {
			continue
		}
		for _, form := range [...]string{s, url.QueryEscape(s), url.PathEscape(s)} {
			text = strings.ReplaceAll(text, form, Redacted)
		}
	}
	text = private.ReplaceAllString(text[:min(len(text), maxInput)], Redacted)
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Cf) {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxText {
		text = string(runes[:maxText]) + "…"
	}
	return strings.TrimSpace(text)
}

// Identifier is s if it looks like an id or a code and has no secret in it, or
// else nothing: most tokens are longer, or have a bar.
func Identifier(s string, secrets ...string) string {
	strange := func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.", r)
	}
	has := func(secret string) bool { return secret != "" && strings.Contains(s, secret) }
	if len(s) > maxName || strings.ContainsFunc(s, strange) || slices.ContainsFunc(secrets, has) ||
		strings.Contains(strings.ToLower(s), "amzn") { // as MWS tokens and client secrets begin
		return ""
	}
	return s
}

// quiet is an error in other words.
type quiet struct {
	text string
	err  error
}

// Quiet puts text in the place of an error's own, which may quote what the other
// side sent. Reporters of errors print every link of a chain, so there is no
// Unwrap: errors.Is and errors.As find what lies beneath all the same.
func Quiet(err error, text string) error { return &quiet{text, err} }

func (q *quiet) Error() string        { return q.text }
func (q *quiet) Is(target error) bool { return errors.Is(q.err, target) }
func (q *quiet) As(target any) bool   { return errors.As(q.err, target) }

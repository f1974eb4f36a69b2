package widgets

import (
	"maps"
	"slices"
	"strings"

	"github.com/amazonpay-go/amazonpay/internal/endpoint"
)

// Policy is a Content-Security-Policy: the sources of each directive, as they
// stand in the header. Add what else your page needs:
//
//	view.Policy["img-src"] = append(view.Policy["img-src"], "https://cdn.shop.example")
type Policy map[string][]string

// String is the header's value, with the directives in alphabetical order.
func (p Policy) String() string {
	var directives []string
	for _, name := range slices.Sorted(maps.Keys(p)) {
		directives = append(directives, strings.Join(append([]string{name}, p[name]...), " "))
	}
	return strings.Join(directives, "; ")
}

// The login part, which Widgets.js loads by itself, is known to come from these
// hosts.
const (
	loginScripts      = "https://assets.loginwithamazon.com"
	olderLoginScripts = "https://api-cdn.amazon.com"
)

// policy is strict where code runs: scripts need the nonce or come from Amazon's
// script hosts, and nothing is inline without the nonce. Which hosts the frames
// and requests of the widgets go to is not documented: they get the domains of
// the marketplace. Pictures may come from any https host, since the button's are
// on a delivery network of unknown name.
func (s *Shop) policy(nonce string) Policy {
	origin := s.origin()
	once := "'nonce-" + nonce + "'"
	scripts := []string{once, origin, loginScripts, olderLoginScripts}
	pages := []string{origin, "https://*.payments-amazon.com", "https://*.amazon.com"}
	if domain := endpoint.Market(s.config.Region); domain != "amazon.com" {
		pages = append(pages, "https://*."+domain)
	}
	pictures := []string{"'self'", "data:", "https:"}
	if s.config.BaseURL != "" {
		scripts, pages, pictures = []string{once, origin}, []string{origin}, []string{"'self'", "data:", origin}
	}
	self := func() []string { return append([]string{"'self'"}, pages...) }
	return Policy{
		"default-src":     {"'self'"},
		"script-src":      scripts,
		"style-src":       {once, "'self'", origin},
		"frame-src":       pages,
		"connect-src":     self(),
		"form-action":     self(),
		"img-src":         pictures,
		"base-uri":        {"'none'"},
		"object-src":      {"'none'"},
		"frame-ancestors": {"'none'"},
	}
}

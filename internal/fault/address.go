package fault

import (
	"net"
	"net/url"
	"strings"
)

// URL says what is wrong with an address. Without plain, as in production, http
// is taken for this machine only.
func URL(s string, plain bool) string {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "is not a URL"
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return `wants the form "https://host[:port]"`
	case u.User != nil, strings.Contains(s, "#"):
		return "takes no user or fragment"
	case u.Scheme == "http" && !plain && !loopback(u.Hostname()):
		return "is plain http, which production takes for this machine only"
	}
	return ""
}

// hostBytes are those of a host that needs no escaping, be it in a header, in a
// signature or in a Content-Security-Policy.
const hostBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:[]"

// BaseURL is [URL] for the address of a stand-in for Amazon's servers, to which
// paths are added.
func BaseURL(s string, plain bool) string {
	if problem := URL(s, plain); problem != "" {
		return problem
	}
	u, _ := url.Parse(s)
	switch {
	case strings.Contains(s, "?"):
		return "takes no query"
	case strings.ContainsFunc(u.Host, func(r rune) bool { return !strings.ContainsRune(hostBytes, r) }):
		return "wants a host of ASCII letters, digits, dots and hyphens"
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

package main

import (
	"cmp"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// guarded keeps web pages from what steers the fake. A browser on this machine
// runs everybody's pages, and all of them can send requests here: they are told
// by what the browser says about them, and by the body, which no page of another
// site can send as JSON. A name that a stranger lets point to this machine (DNS
// rebinding) is told by the Host header.
func (s *server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		t := &tap{ResponseWriter: w}
		defer func() {
			s.log.Info("control", "method", shaped(r.Method, methodShape), "path", shaped(r.URL.Path, pathShape), "status", t.status)
		}()
		if p := cmp.Or(s.suspicion(r), noJSON(r)); p != nil {
			p.write(t)
			return
		}
		next.ServeHTTP(t, r)
	})
}

// suspicion is why a request may come from a page that is none of ours.
func (s *server) suspicion(r *http.Request) *problem {
	if !s.ownHost(r.Host) {
		return &problem{http.StatusForbidden, "Host", "must be localhost, an IP address or a name given with -name"}
	}
	if origins, sent := r.Header["Origin"]; sent {
		u, err := url.Parse(strings.Join(origins, ","))
		if err != nil || !strings.EqualFold(u.Host, r.Host) || u.Scheme != "http" && u.Scheme != "https" {
			return &problem{http.StatusForbidden, "Origin", "is another site's"}
		}
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return &problem{http.StatusForbidden, "Sec-Fetch-Site", "tells of another site"}
	}
	return nil
}

// noJSON is why a POST may have been sent by another site's form.
func noJSON(r *http.Request) *problem {
	if r.Method == http.MethodPost {
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
			return &problem{http.StatusUnsupportedMediaType, "Content-Type", "must be application/json"}
		}
	}
	return nil
}

// strange tells a form that a page of another site has sent. The sign-in page
// sends no referrer, so the origin of its own form is null.
func strange(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site != "same-origin" && site != "none"
	}
	origins, sent := r.Header["Origin"]
	origin := strings.Join(origins, ",")
	u, err := url.Parse(origin)
	return sent && origin != "null" && (err != nil || !strings.EqualFold(u.Host, r.Host))
}

// ownHost tells the hosts that no stranger's DNS can let point here.
func (s *server) ownHost(hostport string) bool {
	host := bareHost(hostport)
	return host == "localhost" || net.ParseIP(host) != nil || slices.Contains(s.config.names, host)
}

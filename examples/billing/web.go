package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"riverqueue.com/riverui"
)

//go:embed page
var pageFiles embed.FS

var livePage = template.Must(template.ParseFS(pageFiles, "page/live.html"))

// startWeb serves the page, River's own pages and the receiver of
// notifications, if -http asks for it. The result ends it.
func (s *service) startWeb(ctx context.Context, o options, verifier *amazonpay.Verifier, out io.Writer) (stop func(), err error) {
	if o.http == "" {
		return func() {}, nil
	}
	if err := checkAddress(o.http, o.password); err != nil {
		return nil, err
	}
	address, local, err := webAddress(o.http)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	handler, err := s.web(ctx, o, verifier, local)
	if err != nil {
		cancel()
		return nil, err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		cancel()
		return nil, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}
	go func() { _ = server.Serve(listener) }()
	fmt.Fprintf(out, "http://%s/ shows this, /jobs/ shows River's jobs, and /amazonpay receives notifications.\n", listener.Addr())
	return func() {
		cancel()
		ctx, done := context.WithTimeout(context.Background(), 5*time.Second)
		defer done()
		_ = server.Shutdown(ctx)
	}, nil
}

// checkAddress finds what is wrong with -http before anything is done.
func checkAddress(address, password string) error {
	if address == "" {
		return nil
	}
	complete, local, err := webAddress(address)
	if err == nil && !local && password == "" {
		err = fmt.Errorf("-http %s can be reached from elsewhere: River's pages change jobs, so set BILLING_PASSWORD", complete)
	}
	return err
}

// webAddress completes an address: a port alone is on this machine only.
func webAddress(address string) (complete string, local bool, err error) {
	if !strings.Contains(address, ":") {
		address = ":" + address
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", false, err
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), isLocal(host), nil
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// web is everything behind -http.
func (s *service) web(ctx context.Context, o options, verifier *amazonpay.Verifier, local bool) (http.Handler, error) {
	river, err := riverui.NewHandler(&riverui.HandlerOpts{
		Endpoints: s.queue.pages(), Prefix: "/jobs", Logger: s.log, JobListHideArgsByDefault: true,
	})
	if err != nil {
		return nil, err
	}
	if err := river.Start(ctx); err != nil {
		return nil, err
	}
	assets, err := fs.Sub(pageFiles, "page")
	if err != nil {
		return nil, err
	}
	live := &liveReport{service: s}
	pages := http.NewServeMux()
	pages.Handle("/jobs/", river)
	pages.Handle("GET /assets/page.css", http.StripPrefix("/assets/", http.FileServerFS(assets)))
	pages.Handle("GET /assets/live.js", http.StripPrefix("/assets/", http.FileServerFS(assets)))
	pages.Handle("GET /{$}", ownPage(live.page("live.html")))
	pages.Handle("GET /report", ownPage(live.page("report")))

	mux := http.NewServeMux()
	mux.Handle("POST /amazonpay", verifier.Handler(s.receive)) // open to all: it believes signatures only
	mux.Handle("/", guarded(o.password, local, pages))
	return mux, nil
}

// guarded keeps strangers and strangers' pages away. On this machine the Host
// must be this machine's, so that no name of a stranger's can lead here;
// elsewhere the password is asked for. What changes something must come from
// our own pages.
func guarded(password string, local bool, pages http.Handler) http.Handler {
	pages = http.NewCrossOriginProtection().Handler(pages)
	want := sha256.Sum256([]byte(password))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "frame-ancestors 'none'") // River's pages set none, and have buttons
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host // without a port
		}
		if local && !isLocal(host) {
			http.Error(w, "unknown host", http.StatusMisdirectedRequest)
			return
		}
		if password != "" {
			_, given, _ := r.BasicAuth()
			if got := sha256.Sum256([]byte(given)); subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
				w.Header().Set("WWW-Authenticate", `Basic realm="billing", charset="UTF-8"`)
				http.Error(w, "the password, please", http.StatusUnauthorized)
				return
			}
		}
		pages.ServeHTTP(w, r)
	})
}

// ownPage forbids what our pages do not need. River's load what they like of
// their own.
func ownPage(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// liveReport counts at most once a second, however many look: counting reads
// the whole ledger.
type liveReport struct {
	service *service
	mu      sync.Mutex
	last    *report
	at      time.Time
}

func (l *liveReport) get(ctx context.Context) (*report, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last != nil && time.Since(l.at) < time.Second {
		return l.last, nil
	}
	r, err := l.service.report(ctx)
	if err == nil {
		l.last, l.at = r, time.Now()
	}
	return r, err
}

func (l *liveReport) page(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now, err := l.get(r.Context())
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				l.service.log.WarnContext(r.Context(), "the page has no report", "error", err)
			}
			http.Error(w, "no report", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = livePage.ExecuteTemplate(w, name, struct {
			*report
			Decided int
			Now     string
		}{now, now.Obligations - now.undecided(), l.service.calendar.now().Format(time.DateTime)})
	})
}

package main

import (
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// newLogger makes the log, one record for each call.
func newLogger(c *config, out io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if c.quiet {
		options.Level = slog.LevelWarn
	}
	if c.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}

// referenceNames are the parameters that name a call to its seller and to
// Amazon. None of them is a secret or a buyer's.
var referenceNames = []string{
	"AuthorizationReferenceId", "CaptureReferenceId", "RefundReferenceId", "CreditReversalReferenceId",
	"AmazonBillingAgreementId", "AmazonOrderReferenceId", "AmazonAuthorizationId", "AmazonCaptureId", "AmazonRefundId",
	"AmazonProviderCreditId", "AmazonProviderCreditReversalId", "Id",
}

// What is logged has the shape of what it should be: a secret in the wrong
// field does not get into the log.
var (
	actionShape    = regexp.MustCompile(`^[A-Z][A-Za-z]{2,49}$`)
	referenceShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)
	methodShape    = regexp.MustCompile(`^[A-Z]{1,10}$`)
	pathShape      = regexp.MustCompile(`^/mock/[a-z.]{0,20}$`)
	codeShape      = regexp.MustCompile(`<Code>([A-Za-z]{1,60})</Code>|"error":"([A-Za-z_]{1,60})"`)
)

var loginNames = map[string]string{
	"/ap/oa": "authorize", "/auth/o2/token": "token", "/auth/o2/tokeninfo": "tokeninfo", "/user/profile": "profile",
}

// logged reads the request, has it answered, and writes the record: never a
// body, a token, a buyer or an address with its query.
func (s *server) logged(answer func(http.ResponseWriter, *amazonRequest)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		began := time.Now()
		r, err := readRequest(w, req)
		if err != nil {
			s.log.Warn("call", "status", http.StatusRequestEntityTooLarge, "problem", "the body is too long or broke off")
			w.Header().Set("Connection", "close")
			http.Error(w, "", http.StatusRequestEntityTooLarge)
			return
		}
		t := &tap{ResponseWriter: w}
		// A connection that is broken on purpose is a call, too.
		defer func() { s.log.LogAttrs(req.Context(), slog.LevelInfo, "call", record(r, t, time.Since(began))...) }()
		answer(t, r)
	})
}

func record(r *amazonRequest, t *tap, took time.Duration) []slog.Attr {
	action := loginNames[r.URL.Path]
	if name := r.form.Get("Action"); action == "" && actionShape.MatchString(name) {
		action = name
	}
	attrs := []slog.Attr{slog.String("action", action), slog.Int("status", t.status)}
	if m := codeShape.FindSubmatch(t.start); t.status >= 400 && m != nil {
		attrs = append(attrs, slog.String("code", string(m[1])+string(m[2])))
	}
	for _, name := range referenceNames {
		if id := r.form.Get(name); id != "" && referenceShape.MatchString(id) {
			attrs = append(attrs, slog.String("reference", id))
			break
		}
	}
	if id := t.Header().Get("X-Mws-Request-Id"); id != "" {
		attrs = append(attrs, slog.String("request", id))
	}
	return append(attrs, slog.String("host", logHost(r.Host)), slog.Duration("duration", took))
}

var hostShape = regexp.MustCompile(`^[a-z0-9.:\[\]-]{1,100}$`)

func logHost(host string) string { return shaped(strings.ToLower(host), hostShape) }

// shaped is the text, if it has the shape; otherwise nothing.
func shaped(text string, shape *regexp.Regexp) string {
	if shape.MatchString(text) {
		return text
	}
	return ""
}

// tap remembers the status and the beginning of an answer, where an error has
// its code. A status of 0 is an answer that was never sent.
type tap struct {
	http.ResponseWriter
	status int
	start  []byte
}

// WriteHeader remembers the status.
func (t *tap) WriteHeader(status int) {
	if t.status == 0 {
		t.status = status
	}
	t.ResponseWriter.WriteHeader(status)
}

// Write remembers the beginning.
func (t *tap) Write(p []byte) (int, error) {
	if t.status == 0 {
		t.status = http.StatusOK
	}
	if room := 512 - len(t.start); t.status >= 400 && room > 0 {
		t.start = append(t.start, p[:min(room, len(p))]...)
	}
	return t.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (t *tap) Unwrap() http.ResponseWriter { return t.ResponseWriter }

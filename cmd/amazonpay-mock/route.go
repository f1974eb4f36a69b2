package main

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/internal/endpoint"
)

// routes is the table of everything that the server answers. A page is a line
// here; what steers the fake goes through s.guarded.
func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	for _, e := range []amazonpay.Environment{amazonpay.Sandbox, amazonpay.Production} {
		mux.Handle(endpoint.Path(e), s.logged(s.payment))
		mux.Handle(endpoint.Path(e)+"/{$}", s.logged(s.payment))
	}
	mux.Handle("/ap/oa", s.logged(s.signIn))
	mux.Handle("/auth/o2/token", s.logged(s.clients))
	mux.Handle("/auth/o2/tokeninfo", s.logged(s.tokens))
	mux.Handle("/user/profile", s.logged(s.tokens))
	widgetRoutes(mux, s)
	mux.HandleFunc("GET /healthz", s.health)
	mux.Handle("/mock/", s.guarded(s.control()))
	pages := s.inspector()
	mux.Handle("/{$}", pages)
	mux.Handle("/inspector/", pages)
	mux.HandleFunc("/", s.elsewhere)
	astray := s.logged(s.payment)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		// What was signed is not redirected to the path that was meant.
		if p := path.Clean(req.URL.Path); req.Method == http.MethodPost && strings.HasPrefix(p, "/OffAmazonPayments") && p != strings.TrimSuffix(req.URL.Path, "/") {
			astray.ServeHTTP(w, req)
			return
		}
		mux.ServeHTTP(w, req)
	})
}

// maxBody is that of amazonpaytest, far above any request of Amazon's.
const maxBody = 1 << 20

// amazonRequest is a request of Amazon's APIs, with its body read.
type amazonRequest struct {
	*http.Request
	body []byte
	form url.Values // of the query and the body, as far as they can be read
}

// rewind makes the body readable once more.
func (r *amazonRequest) rewind() *http.Request {
	r.Body = io.NopCloser(bytes.NewReader(r.body))
	return r.Request
}

// readRequest reads a body. What is too long ends here, with the connection.
func readRequest(w http.ResponseWriter, req *http.Request) (*amazonRequest, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		return nil, err
	}
	r := &amazonRequest{Request: req, body: body, form: req.URL.Query()}
	posted, _ := url.ParseQuery(string(body)) // what cannot be read is the fake's to refuse
	for name, values := range posted {
		r.form[name] = append(r.form[name], values...)
	}
	return r, nil
}

// bareHost is the host that the client asked for, without the port.
func bareHost(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	return strings.ToLower(host)
}

// payment finds the books of a request of the payment API: of the regions that
// the host serves, the one that the seller belongs to. Any other host serves all
// regions. Who is nobody's seller is refused by the first. A web page could sign
// with the keys that all fakes have; but every browser tells the origin of a
// POST, and no server has one.
func (s *server) payment(w http.ResponseWriter, r *amazonRequest) {
	if _, page := r.Header["Origin"]; page {
		http.Error(w, "The payment API is for servers: a web page has sent this.", http.StatusForbidden)
		return
	}
	host, seller := bareHost(r.Host), r.form.Get("SellerId")
	b := s.amazon.choose(in(r.environment()),
		func(b *books) bool { return endpoint.MWS(b.region) == host },
		func(b *books) bool { return b.seller == seller })
	defer s.amazon.deliver(b)
	b.now().ServeHTTP(w, r.rewind())
}

// objectID is an id of Amazon's, by whose first letter the SDKs tell the
// environment.
var objectID = regexp.MustCompile(`^[BCPS]0[1-9]-[0-9]{7}-[0-9]{7}`)

// environment is the one whose objects the request is about. An id says it
// before the path does: what is sent to the wrong environment is refused by the
// books that know it, in Amazon's words.
func (r *amazonRequest) environment() amazonpay.Environment {
	for _, name := range referenceNames {
		id := r.form.Get(name)
		switch {
		case !strings.HasPrefix(name, "Amazon") && name != "Id" || !objectID.MatchString(id):
		case id[0] == 'C' || id[0] == 'S':
			return amazonpay.Sandbox
		default:
			return amazonpay.Production
		}
	}
	if strings.Contains(r.URL.Path, "OffAmazonPayments_Sandbox") {
		return amazonpay.Sandbox
	}
	return amazonpay.Production
}

// clients finds the books of a request that names a client of Login with
// Amazon. The hosts do not tell the environments apart: a code is its maker's,
// and the consent page is told by our Widgets.js.
func (s *server) clients(w http.ResponseWriter, r *amazonRequest) {
	id := r.form.Get("client_id")
	if user, _, ok := r.BasicAuth(); ok {
		id = user
	}
	b := s.amazon.choose(
		func(b *books) bool { return s.config.loginClient(b.region) == id },
		issued(cmp.Or(r.form.Get("code"), r.form.Get("refresh_token"))),
		func(b *books) bool {
			return r.form.Get("sandbox") == strconv.FormatBool(b.environment == amazonpay.Sandbox)
		})
	b.now().ServeHTTP(w, r.rewind())
}

// tokens finds the books of a request that brings a token: of the host's region,
// those that made the token, whichever environment the host is of.
func (s *server) tokens(w http.ResponseWriter, r *amazonRequest) {
	host := bareHost(r.Host)
	token := cmp.Or(r.URL.Query().Get("access_token"), r.Header.Get("X-Amz-Access-Token"), bearer(r.Request))
	b := s.amazon.choose(
		func(b *books) bool {
			return endpoint.API(b.region, amazonpay.Sandbox) == host || endpoint.API(b.region, amazonpay.Production) == host
		},
		issued(token),
		func(b *books) bool { return endpoint.API(b.region, b.environment) == host })
	b.now().ServeHTTP(w, r.rewind())
}

// issued is a question for choose: whether a fake has made the code or token.
func issued(codeOrToken string) func(*books) bool {
	return func(b *books) bool {
		fake := b.opened()
		return fake != nil && fake.Issued(codeOrToken)
	}
}

// elsewhere is every other path: the certificate of notifications at the hosts
// of SNS, and Amazon's error for a POST that went astray.
func (s *server) elsewhere(w http.ResponseWriter, req *http.Request) {
	switch {
	case req.Method == http.MethodGet && strings.HasPrefix(req.URL.Path, "/SimpleNotificationService-"):
		s.certificate(w, req)
	case req.Method == http.MethodPost && strings.HasPrefix(req.URL.Path, "/OffAmazonPayments"):
		s.logged(s.payment).ServeHTTP(w, req)
	default:
		http.NotFound(w, req)
	}
}

// certificate serves the certificate that notifications are signed with, issued
// by our own authority: who trusts that needs to trust no other.
func (s *server) certificate(w http.ResponseWriter, req *http.Request) {
	original := httptest.NewRecorder()
	s.amazon.home.now().ServeHTTP(original, req)
	block, _ := pem.Decode(original.Body.Bytes())
	if original.Code != http.StatusOK || block == nil {
		http.NotFound(w, req)
		return
	}
	text, err := s.signing(block.Bytes)
	if err != nil {
		s.log.Error("the certificate of notifications cannot be made", "error", err)
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(text) // who went away needs no certificate
}

// signing issues the fake's certificate anew, once: all fakes of a process sign
// with one key.
func (s *server) signing(der []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.signingPEM != nil {
		return s.signingPEM, nil
	}
	original, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	s.signingPEM, err = s.authority.signing(original.PublicKey)
	return s.signingPEM, err
}

// health says that the server answers, and whether it still remembers.
func (s *server) health(w http.ResponseWriter, _ *http.Request) {
	if s.amazon.lost() != nil {
		http.Error(w, "the state is no longer kept", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n") // who went away is well, too
}

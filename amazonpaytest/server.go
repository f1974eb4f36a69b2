package amazonpaytest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// Call is one request that the fake saw.
type Call struct {
	Time     time.Time  // on the business clock
	Action   string     // empty if the request did not say; authorize, token, tokeninfo or profile of Login with Amazon
	SellerID string     // the seller acted for
	Params   url.Values // all parameters, as they came, tokens and buyer data among them, but never a client_secret
	Status   int        // HTTP status of the answer; 0 if none was sent
	Code     string     // error code; empty for a success and where no answer was sent
	Replay   bool       // the reference id had been used: the first result was sent again
	Fault    FaultKind  // the injected fault that struck; empty if none did
}

// Calls are all requests so far, in the order in which they were done; the latest
// Settings.KeepCalls of them. The values may be changed.
func (f *Fake) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := slices.Clone(latest(f.calls, f.settings.KeepCalls))
	for i := range calls {
		calls[i].Params = cloneValues(calls[i].Params)
	}
	return calls
}

func cloneValues(v url.Values) url.Values {
	out := make(url.Values, len(v))
	for name, values := range v {
		out[name] = slices.Clone(values)
	}
	return out
}

// request is one request that has passed the gate.
type request struct {
	action      string
	form        map[string]string
	seller      *seller
	environment amazonpay.Environment
	replay      bool
}

func (r *request) get(name string) string { return r.form[name] }

func (r *request) has(name string) bool { _, ok := r.form[name]; return ok }

// flag is a boolean parameter, or what its absence means.
func (r *request) flag(name string, absent bool) bool {
	if r.form[name] == "" {
		return absent
	}
	return r.form[name] == "true"
}

// money is a price; its zero means that none was sent.
func (r *request) money(name string) money {
	if r.form[name+".Amount"] == "" {
		return money{}
	}
	m, err := parseMoney(r.form[name+".Amount"], r.form[name+".CurrencyCode"])
	if err != nil {
		return money{} // cannot be: the parameters have been checked
	}
	return m
}

// operation is an action of the API.
type operation struct {
	takes map[string]parameter
	do    func(*Fake, *request) ([]node, *refusal)
	key   string // the parameter that makes a repetition known; empty if none does
	space string // namespace of the key
	moves bool   // refused while the account is inactive
}

// first remembers the first result under a reference id.
type first struct {
	action string
	params string // fingerprint of all that must be the same in a repetition
	answer []byte // the results, as they were sent
}

// Parameters that change from one attempt to the next, or say who is asking.
var perAttempt = []string{
	"AWSAccessKeyId", "Action", "MWSAuthToken", "SellerId", "Signature",
	"SignatureMethod", "SignatureVersion", "Timestamp", "Version",
}

// fingerprint is a hash of the request without what differs between its
// attempts.
func (r *request) fingerprint() string {
	var b strings.Builder
	for _, name := range sortedNames(r.form) {
		if !slices.Contains(perAttempt, name) {
			b.WriteString(escape(name) + "=" + escape(r.form[name]) + "&")
		}
	}
	sum := sha256.Sum256([]byte(b.String()))
	return string(sum[:])
}

// answer is what goes back.
type answer struct {
	status int
	header http.Header
	body   []byte
	cut    bool // the connection breaks in the middle of the body
	code   string
	err    error // instead of all that: the connection breaks
}

const apiVersion = "2013-01-01"

var paths = map[string]amazonpay.Environment{
	"/OffAmazonPayments/" + apiVersion:         amazonpay.Production,
	"/OffAmazonPayments_Sandbox/" + apiVersion: amazonpay.Sandbox,
}

var sectionNames = map[amazonpay.Environment]string{
	amazonpay.Production: "OffAmazonPayments", amazonpay.Sandbox: "OffAmazonPayments_Sandbox",
}

// maxBody is far above any request of this API.
const maxBody = 1 << 20

// RoundTrip answers a request as Amazon would, without a socket.
func (f *Fake) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(io.LimitReader(req.Body, maxBody+1))
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	if err := misdirected(req.URL.Path, host); err != nil {
		return nil, err
	}
	a := f.serve(ctx, req, host, body)
	if a.err != nil {
		return nil, a.err
	}
	var text io.Reader = bytes.NewReader(a.body)
	if a.cut {
		text = brokenOff{bytes.NewReader(a.body[:len(a.body)/2])}
	}
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)),
		StatusCode: a.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        a.header,
		Body:          io.NopCloser(text),
		ContentLength: int64(len(a.body)),
		TLS:           overTLS(req),
		Request:       req,
	}, nil
}

// ServeHTTP answers a request as Amazon would, for a server of your own, under
// any host. Only the paths of the API and of Login with Amazon exist.
func (f *Fake) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		// The client went away or sent too much: nobody is there to be told.
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	a := f.serve(req.Context(), req, req.Host, body)
	if a.err != nil {
		hangUp(w, a.err)
	}
	maps.Copy(w.Header(), a.header)
	if a.cut { // net/http closes the connection of an answer that is shorter than it says
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
		a.body = a.body[:len(a.body)/2]
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // as above
}

// brokenOff is a body whose connection ends before the length that was promised.
type brokenOff struct{ half io.Reader }

// Read reads the half that has come.
func (b brokenOff) Read(p []byte) (int, error) {
	n, err := b.half.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// serve is the whole way of a request.
func (f *Fake) serve(ctx context.Context, req *http.Request, host string, body []byte) answer {
	if a, ok := f.certificate(req); ok {
		return a
	}
	if action := loginActions[req.URL.Path]; action != "" {
		return f.road(ctx, action, func(fault Fault) answer { return f.login(req, action, body, fault) })
	}
	form, broken := parseForm(string(body))
	if len(body) > maxBody {
		broken = refuse("InvalidParameterValue", "The request is too long.")
	}
	return f.road(ctx, form["Action"], func(fault Fault) answer { return f.work(req, host, form, broken, fault) })
}

// road is what happens before the work is done.
func (f *Fake) road(ctx context.Context, action string, work func(Fault) answer) answer {
	fault, struck := f.takeFault(action)
	if struck && fault.Delay > 0 && fault.Kind != ClockSkew {
		timer := time.NewTimer(fault.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			// The work is done all the same: Amazon does not notice that
			// somebody hung up.
			work(fault)
			return answer{err: ctx.Err()}
		}
	}
	return work(fault)
}

func (f *Fake) requestID() string {
	f.requests++
	return fmt.Sprintf("%08x-fa4e-4a4e-8a4e-%012x", f.requests, f.requests*2654435761%(1<<47))
}

// work does what the request wants, under the lock, and keeps the log.
func (f *Fake) work(req *http.Request, host string, form map[string]string, broken *refusal, fault Fault) answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fault.Kind == ClockSkew {
		f.skew = fault.Delay
		defer func() { f.skew = 0 }()
	}
	id := f.requestID()
	call := Call{Time: f.now, Action: form["Action"], SellerID: form["SellerId"], Params: make(url.Values), Fault: fault.Kind}
	for name, value := range form {
		call.Params.Set(name, value)
	}
	var a answer
	if fault.Kind.beforeWork() {
		a = f.struck(fault, id, answer{})
	} else {
		a = f.perform(req, host, form, broken, id, &call)
		if fault.Kind != "" {
			a = f.struck(fault, id, a)
		}
	}
	if a.err == nil {
		call.Status, call.Code = a.status, a.code
	}
	f.calls = remember(f.calls, f.settings.KeepCalls, call)
	return a
}

func (f *Fake) perform(req *http.Request, host string, form map[string]string, broken *refusal, id string, call *Call) answer {
	var results []byte
	r, refused := f.gate(req, host, form, broken)
	if refused == nil {
		serial := f.serial
		results, refused = f.dispatch(r)
		f.keepRequest(r, refused != nil, serial, call.Fault)
		call.Replay = r.replay && refused == nil
		refused = cmp.Or(refused, f.unkept(r))
	}
	if refused != nil {
		f.changes = nil // of objects that did not come to be
		return f.answerError(refused, id)
	}
	f.publish()
	return answer{status: http.StatusOK, header: f.header(id), body: document(r.action, id, results, f.requests)}
}

func (f *Fake) answerError(r *refusal, id string) answer {
	// By one account every error of the European host says RequestID.
	return answer{status: r.status, header: f.header(id), body: errorDocument(r, id, f.strong()), code: r.code}
}

func (f *Fake) header(id string) http.Header {
	now := time.Now().Add(f.skew).UTC() // a server's Date is the wall's, as the timestamps of requests are
	return http.Header{
		"Content-Type":     {"text/xml; charset=utf-8"},
		"Date":             {now.Format(http.TimeFormat)},
		"X-Mws-Request-Id": {id},
		"X-Mws-Timestamp":  {now.Format("2006-01-02T15:04:05.000Z")},
	}
}

// window is how far a request's Timestamp may be from the server's clock.
const window = 15 * time.Minute

// gate does what stands in front of all operations: address, common
// parameters, keys, signature, time, seller, and the table of parameters.
func (f *Fake) gate(req *http.Request, host string, form map[string]string, broken *refusal) (*request, *refusal) {
	path := req.URL.EscapedPath()
	// Amazon's reference prints the path with a slash at its end, the SDKs
	// post it without: what counts is that it is signed as it is posted.
	environment, known := paths[strings.TrimSuffix(path, "/")]
	if !known || req.Method != http.MethodPost {
		wrong := refuse("InvalidAddress", "The address is not one of this service, or the method is not POST.")
		wrong.status = http.StatusNotFound
		return nil, wrong
	}
	if kind, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" && kind != "x-www-form-urlencoded" {
		return nil, refuse("InvalidParameterValue", "The body must be application/x-www-form-urlencoded.")
	}
	if req.URL.RawQuery != "" {
		return nil, refuse("InvalidParameterValue", "The parameters belong into the body.")
	}
	if broken != nil {
		return nil, broken
	}
	if refused := f.authenticate(host, path, form); refused != nil {
		return nil, refused
	}
	op, known := operations[form["Action"]]
	if !known {
		return nil, refuse("InvalidAddress", "The operation %s is unknown to this service.", form["Action"])
	}
	r := &request{action: form["Action"], form: form, environment: environment}
	var refused *refusal
	if r.seller, refused = f.admit(r, op); refused != nil {
		return nil, refused
	}
	if refused := f.throttle(r); refused != nil {
		return nil, refused
	}
	if refused := checkParameters(form, op.takes, f.strong(), f.ledgerIn); refused != nil {
		return nil, refused
	}
	if refused := f.checkCurrencies(form); refused != nil {
		return nil, refused
	}
	if refused := checkSimulations(r); refused != nil {
		return nil, refused
	}
	return r, f.unkept(r)
}

// authenticate checks who is asking.
func (f *Fake) authenticate(host, path string, form map[string]string) *refusal {
	for _, name := range sortedNames(commonParameters) {
		if commonParameters[name].need && form[name] == "" {
			return refuse("InvalidParameterValue", "Missing required parameter: %s.", name)
		}
	}
	if form["Version"] != apiVersion {
		return refuse("InvalidAddress", "The version %s is unknown to this service.", form["Version"])
	}
	if form["SignatureVersion"] != "2" {
		return badValue("SignatureVersion", form["SignatureVersion"])
	}
	if macOf(form["SignatureMethod"]) == nil {
		return badValue("SignatureMethod", form["SignatureMethod"])
	}
	if form["AWSAccessKeyId"] != f.settings.AccessKey {
		return refuse("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
	}
	hosts := []string{host}
	if _, port, err := net.SplitHostPort(host); err == nil {
		hosts = append(hosts, strings.TrimSuffix(host, ":"+port)) // an IPv6 address keeps its brackets
	}
	if !signed(f.settings.SecretKey, hosts, path, form) {
		return refuse("SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")
	}
	at, err := parseTime(form["Timestamp"])
	if err != nil {
		return badValue("Timestamp", form["Timestamp"])
	}
	if off := time.Since(at) + f.skew; off > window || off < -window {
		return refuse("InvalidParameterValue", "Request has expired. Timestamp %s is more than 15 minutes off.", form["Timestamp"])
	}
	return nil
}

// admit finds the seller and checks that the keys may act for it.
func (f *Fake) admit(r *request, op operation) (*seller, *refusal) {
	id := r.get("SellerId")
	if id == "" {
		if r.action == "GetServiceStatus" {
			return f.sellers[f.settings.SellerID], nil // one of the SDKs sends none there
		}
		return nil, refuse("InvalidParameterValue", "Missing required parameter: SellerId.")
	}
	s := f.sellers[id]
	if s == nil || r.get("MWSAuthToken") != s.token && (s.token != "" || r.has("MWSAuthToken")) {
		if r.action == "GetMerchantAccountStatus" {
			return nil, refuse("UnauthorizedSolutionProvider", "The solution provider is not authorized for the merchant %s.", id)
		}
		return nil, refuse("AccessDenied", "Access to %s.%s is denied", sectionNames[r.environment], r.action)
	}
	if s.inactive && op.moves {
		return nil, refuse("InvalidAccountStatus", "The account of the seller %s is not active.", id)
	}
	return s, nil
}

func (f *Fake) checkCurrencies(form map[string]string) *refusal {
	if len(f.settings.Currencies) == 0 {
		return nil
	}
	for _, name := range sortedNames(form) {
		currency := amazonpay.Currency(form[name])
		if strings.HasSuffix(name, ".CurrencyCode") && form[name] != f.ledgerIn && !slices.Contains(f.settings.Currencies, currency) {
			return refuse("CurrencyUnsupported", "The currency %s is not supported for this seller.", form[name])
		}
	}
	return nil
}

// dispatch does the operation, unless its reference id tells that it has been
// done: then the first result is sent again, word for word. It is not the
// present state of the object, which has queries of its own; a client must not
// learn from a repetition that a Pending authorization has been decided.
func (f *Fake) dispatch(r *request) ([]byte, *refusal) {
	op := operations[r.action]
	do := func() ([]byte, *refusal) {
		nodes, refused := op.do(f, r)
		return render(nodes, f.requests), refused
	}
	if op.key == "" {
		return do()
	}
	key := string(r.environment) + " " + op.space + " " + r.get(op.key)
	if done := r.seller.references[key]; done != nil {
		switch {
		case done.action != r.action:
			return nil, refuse("DuplicateReferenceId", "The reference id %s was used in another request of kind %s.", r.get(op.key), done.action)
		case done.params != r.fingerprint():
			return nil, refuse("DuplicateRequest", "The reference id %s was used in a request with other parameters.", r.get(op.key))
		}
		r.replay = true
		return done.answer, nil
	}
	answer, refused := do()
	if refused == nil {
		r.seller.references[key] = &first{r.action, r.fingerprint(), answer}
	}
	return answer, refused
}

// What a client sees of a connection that the server closes, and of one that it
// resets.
var (
	errBroken       = fmt.Errorf("the connection was closed: %w", io.EOF)
	errReset  error = &net.OpError{Op: "read", Net: "tcp",
		Source: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 50000}, Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 443},
		Err: os.NewSyscallError("read", syscall.ECONNRESET)}
)

// hangUp ends the connection over a socket as the error says.
func hangUp(w http.ResponseWriter, err error) {
	if errors.Is(err, syscall.ECONNRESET) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			if secure, ok := conn.(*tls.Conn); ok {
				conn = secure.NetConn()
			}
			if socket, ok := conn.(*net.TCPConn); ok {
				_ = socket.SetLinger(0) // closing it is a reset now
			}
			_ = conn.Close()
		}
	}
	panic(http.ErrAbortHandler) // net/http's word for closing the connection
}

package amazonpay

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/amazonpay-go/amazonpay/internal/endpoint"
	"github.com/amazonpay-go/amazonpay/internal/fault"
	"github.com/amazonpay-go/amazonpay/internal/secret"
	"github.com/amazonpay-go/amazonpay/internal/wire"
)

// maxAnswer is more than any answer has; an answer beyond it is not Amazon's.
const maxAnswer = 4 << 20

// createOrderReferenceForID is the one action that a repeat would do twice.
const createOrderReferenceForID = "CreateOrderReferenceForId"

// call runs an action and reads its result, which lies at path below the
// action's own Result element.
func call[R any](ctx context.Context, c *Client, action string, req any, path ...string) (*R, error) {
	var result *R
	o := &operation{
		Operation: Operation{Action: action, SellerID: c.config.SellerID, Request: req},
		read: func(body []byte) (wire.Document, error) {
			// A new one each time: an answer that breaks off must leave nothing
			// behind for the next attempt.
			r := new(R)
			doc, err := wire.Decode(body, r, append([]string{action + "Result"}, path...)...)
			if named, ok := any(r).(interface{ id() string }); err == nil && (!doc.Found || ok && named.id() == "") {
				err = errors.New("it has no result")
			}
			if err == nil {
				result = r
			}
			return doc, err
		},
	}
	o.done = func() { o.Result = result }
	if err := c.run(ctx, o); err != nil {
		return nil, err
	}
	return result, nil
}

// exec is call for actions without a result.
func exec(ctx context.Context, c *Client, action string, req any) error {
	return c.run(ctx, &operation{
		Operation: Operation{Action: action, SellerID: c.config.SellerID, Request: req},
		read:      func(body []byte) (wire.Document, error) { return wire.Decode(body, nil) },
		done:      func() {},
	})
}

// operation is one call on its way out and back.
type operation struct {
	Operation
	read func(body []byte) (wire.Document, error) // decodes a good answer
	done func()                                   // publishes the result to middleware

	settled bool  // by a good answer
	inDoubt bool  // an attempt may have been carried out
	failed  error // how the retries ended
}

// run takes a call down the one road: check, middleware, retries.
func (c *Client) run(ctx context.Context, o *operation) error {
	if err := invalid(o.Action, c.faults(o.Request)); err != nil {
		return err
	}
	next := func(ctx context.Context) error {
		if !o.settled {
			o.failed = c.send(ctx, o)
		}
		return o.failed
	}
	for _, m := range slices.Backward(c.config.Middleware) {
		inner := next
		next = func(ctx context.Context) error { return m(ctx, &o.Operation, inner) }
	}
	return c.verdict(ctx, o, next(ctx))
}

// verdict holds the error that middleware returned against what happened: no
// middleware can turn a payment into a failure, or a failure into a payment.
func (c *Client) verdict(ctx context.Context, o *operation, err error) error {
	_, told := errors.AsType[*OutcomeUnknownError](err)
	_, unknown := errors.AsType[*OutcomeUnknownError](o.failed)
	switch {
	case o.settled && err != nil:
		c.logger.LogAttrs(ctx, slog.LevelError, "amazonpay: a middleware failed after the call had succeeded",
			slog.String("action", o.Action), slog.String("requestId", o.RequestID))
		return nil
	case o.settled:
		return nil
	case o.failed == nil && err == nil:
		return fmt.Errorf("amazonpay: %s: a middleware returned without an error but without calling next", o.Action)
	case err == nil:
		return o.failed
	case unknown && !told:
		return join(o.failed, err)
	}
	return err
}

// faults are all that is wrong with a request.
func (c *Client) faults(req any) (wrong fault.List) {
	for _, f := range wire.Check(req, c.priceProblem) {
		wrong.Add(f.Field, f.Problem)
	}
	if r, ok := req.(interface{ faults() fault.List }); ok {
		wrong = append(wrong, r.faults()...)
		slices.SortStableFunc(wrong, func(a, b Fault) int { return position(req, a) - position(req, b) })
	}
	return wrong
}

// position is that of the request's field that a fault is about.
func position(req any, f Fault) int {
	name := f.Field
	if i := strings.IndexAny(name, ".["); i >= 0 {
		name = name[:i]
	}
	field, _ := reflect.TypeOf(req).Elem().FieldByName(name)
	return slices.Max(append(field.Index, 0))
}

// priceProblem says what is wrong with a price to be sent.
func (c *Client) priceProblem(_ string, value any) string {
	price, ok := value.(Price)
	ledger := Currency(c.config.Region.LedgerCurrency())
	switch {
	case !ok:
		return ""
	case price.Sign() <= 0:
		return "is not above zero"
	case price.Currency() != ledger && !endpoint.MultiCurrency(c.config.Region):
		return fmt.Sprintf("is in %s, and region %s takes %s only", price.Currency(), c.config.Region, ledger)
	}
	return ""
}

// send makes attempts until one settles the call or nothing more can be tried.
func (c *Client) send(ctx context.Context, o *operation) error {
	request := c.encode(o.Action, o.Request)
	defer request.release()
	mover, movesMoney := o.Request.(interface{ reference() ReferenceID })
	repeatable := o.Action != createOrderReferenceForID
	var f *failure // of the last attempt
	next := c.firstTurn(ctx, o.Action)
	for {
		if err := c.waitTurn(ctx, &next); err != nil { // nothing is sent
			if f == nil {
				return &Error{Action: o.Action, cause: err}
			}
			f.err.cause = join(f.err.cause, err)
			break
		}
		o.Attempts++
		if f = c.attempt(ctx, o, request); f == nil {
			o.settled = true
			o.done()
			return nil
		}
		o.inDoubt = o.inDoubt || f.inDoubt
		f.again = f.again && (repeatable || f.unsent)
		if !c.retries(&next, f) {
			break
		}
	}
	if o.inDoubt && (movesMoney || !repeatable) {
		unknown := &OutcomeUnknownError{Action: o.Action, Err: f.err}
		if movesMoney {
			unknown.ReferenceID = mover.reference()
		}
		return unknown
	}
	return f.err
}

// sleep waits, or returns early with what ended the context.
func sleep(ctx context.Context, wait time.Duration) error {
	if err := ended(ctx); err != nil || wait <= 0 {
		return err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ended(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ended is what ended the context. A deadline that has come ends it also in the
// instant before the context itself has noticed.
func ended(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

// join is errors.Join on one line, for an error text, without repeating itself.
func join(first, second error) error {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	case errors.Is(first, second), first.Error() == second.Error():
		return first
	}
	return &joined{first, second}
}

type joined struct{ first, second error }

func (e *joined) Error() string   { return e.first.Error() + "; " + unprefixed(e.second) }
func (e *joined) Unwrap() []error { return []error{e.first, e.second} }

// encoded is a request that lacks only its date and signature.
type encoded struct {
	params    []wire.Param // sorted
	timestamp int          // index of the parameter that changes
	size      int          // of the body, roughly
}

var spare = sync.Pool{New: func() any { return new(encoded) }}

// release hands the parameters to the next request. Nothing outside a call
// keeps them.
func (e *encoded) release() {
	clear(e.params) // they hold tokens
	spare.Put(e)
}

// encode puts a request into parameters, with the common ones.
func (c *Client) encode(action string, req any) *encoded {
	e := spare.Get().(*encoded)
	params := append(e.params[:0],
		wire.Param{Name: "AWSAccessKeyId", Value: c.config.AccessKey},
		wire.Param{Name: "Action", Value: action})
	params = wire.AppendParams(params, req)
	if !c.token.IsZero() {
		params = append(params, wire.Param{Name: "MWSAuthToken", Value: secret.Text(c.token)})
	}
	params = append(params,
		wire.Param{Name: "SellerId", Value: c.config.SellerID},
		wire.Param{Name: "SignatureMethod", Value: "HmacSHA256"},
		wire.Param{Name: "SignatureVersion", Value: "2"},
		wire.Param{Name: "Timestamp"},
		wire.Param{Name: "Version", Value: endpoint.Version})
	wire.Sort(params)
	e.params, e.size = params, 256
	for i, p := range params {
		if p.Name == "Timestamp" {
			e.timestamp = i
		}
		e.size += len(p.Name) + len(p.Value)
	}
	return e
}

// sign dates and signs a request and returns the body to post: the canonical
// query itself, so that what is signed is what is sent, and the signature.
func (c *Client) sign(e *encoded, now time.Time) []byte {
	e.params[e.timestamp].Value = wire.FormatTime(now)
	text := make([]byte, 0, e.size+e.size/4)
	text = appendStringToSign(text, c.host, c.path, nil)
	query := len(text)
	text = wire.AppendQuery(text, e.params)
	var buf [64]byte
	signature := c.signer.appendSignature(buf[:0], text)
	text = append(text, "&Signature="...)
	return wire.AppendEscape(text, string(signature))[query:]
}

// failure is an attempt that did not settle the call.
type failure struct {
	err     *Error
	again   bool // worth repeating
	unsent  bool // proven: not a byte of it left
	inDoubt bool // Amazon may have done it
}

// attempt makes one request. It returns nil if the answer settles the call.
func (c *Client) attempt(ctx context.Context, o *operation, e *encoded) *failure {
	start := time.Now()
	o.StatusCode, o.RequestID = 0, ""
	body, header, err := c.post(ctx, o, e, start)
	var f *failure
	var doc wire.Document
	switch {
	case o.StatusCode == 0:
		f = lost(err)
	case o.StatusCode/100 == 2:
		if err == nil {
			doc, err = o.answer(body)
		}
		if err != nil {
			err = fmt.Errorf("the answer cannot be read: %w", err)
			f = &failure{err: &Error{cause: err}, again: true, inDoubt: true}
		}
	default:
		f = refused(o.StatusCode, body)
		if doc.RequestID = f.err.RequestID; err != nil && f.err.Code == "" {
			f.err.cause = fmt.Errorf("the answer cannot be read: %w", err)
		}
	}
	tokens := e.tokens()
	o.RequestID = cmp.Or(secret.Identifier(doc.RequestID, tokens...), secret.Identifier(header.Get("x-mws-request-id"), tokens...))
	if f != nil {
		f.err.Action, f.err.StatusCode, f.err.RequestID, f.err.Attempts = o.Action, o.StatusCode, o.RequestID, o.Attempts
		f.err.Hint = c.hint(f.err, e.params, skew(header, start))
		scrub(f, tokens)
	}
	c.log(ctx, o, f, doc.Problems, time.Since(start))
	return f
}

// post sends one signed request and reads what comes back. The status is set
// once an answer has begun, also if it breaks off.
func (c *Client) post(ctx context.Context, o *operation, e *encoded, now time.Time) (answer []byte, header http.Header, err error) {
	limited, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	defer func() {
		if err != nil && limited.Err() != nil && ctx.Err() == nil {
			err = fmt.Errorf("no answer within %v: %w", c.config.Timeout, context.DeadlineExceeded)
		}
	}()
	request, err := http.NewRequestWithContext(limited, http.MethodPost, c.endpoint, bytes.NewReader(c.sign(e, now)))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	request.Header.Set("User-Agent", c.agent)
	response, err := c.http.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	o.StatusCode = response.StatusCode
	var body bytes.Buffer
	if n := response.ContentLength; n > 0 && n <= maxAnswer {
		body.Grow(int(n) + bytes.MinRead)
	}
	_, err = body.ReadFrom(io.LimitReader(response.Body, maxAnswer+1))
	if err == nil && body.Len() > maxAnswer {
		err = errTooLarge
	}
	return body.Bytes(), response.Header, err
}

// answer reads the body of a 2xx answer.
func (o *operation) answer(body []byte) (wire.Document, error) {
	doc, err := o.read(body)
	if root := o.Action + "Response"; doc.Root != root && doc.Root != "" {
		err = fmt.Errorf("it is not a %s", root)
	}
	return doc, err
}

// lost is an attempt without an answer. Only a connection that was never made
// proves that nothing was sent.
func lost(err error) *failure {
	f := &failure{again: true, inDoubt: true}
	var dial *net.OpError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		f.again, f.unsent, f.inDoubt = false, true, false
	case errors.As(err, &dial) && (dial.Op == "dial" || dial.Op == "proxyconnect"):
		f.unsent, f.inDoubt = true, false
	}
	var noise *url.Error // its text repeats the method and the address
	if errors.As(err, &noise) {
		err = noise.Err
	}
	f.err = &Error{cause: err}
	return f
}

// refused is an answer that says no, or that is not Amazon's.
func refused(status int, body []byte) *failure {
	var answer struct {
		Error []struct { // the schema allows several: the first is the cause
			Type    string
			Code    ErrorCode
			Message string
		}
	}
	doc, err := wire.Decode(body, &answer)
	f := &failure{err: &Error{RequestID: doc.RequestID}}
	if err == nil && doc.Root == "ErrorResponse" && len(answer.Error) > 0 {
		first := answer.Error[0]
		f.err.Type, f.err.Code, f.err.Message = first.Type, first.Code, first.Message
	}
	if status/100 == 3 {
		f.err.cause = errRedirect
	}
	throttled := f.err.Code == ErrRequestThrottled
	// Only a readable answer of Amazon's is a no: a page of something in between
	// may stand in place of a yes.
	f.inDoubt = f.err.Code == "" || status >= 500 && !throttled
	switch status {
	case http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusTooManyRequests:
		f.again = true
	default:
		f.again = throttled
	}
	return f
}

// maxUnread is how many fields that could not be read are logged one by one.
const maxUnread = 20

// log writes the record of one attempt, and one for each of the first fields of a
// good answer that could not be read.
func (c *Client) log(ctx context.Context, o *operation, f *failure, unread []wire.Problem, took time.Duration) {
	level, code := slog.LevelDebug, ErrorCode("")
	if f != nil {
		level, code = slog.LevelWarn, f.err.Code
	}
	c.logger.LogAttrs(ctx, level, "amazonpay: request",
		slog.String("action", o.Action), slog.Int("attempt", o.Attempts), slog.Int("status", o.StatusCode),
		slog.String("code", string(code)), slog.String("requestId", o.RequestID), slog.Duration("duration", took))
	for _, p := range unread[:min(len(unread), maxUnread)] {
		c.logger.LogAttrs(ctx, slog.LevelWarn, "amazonpay: a field of the answer cannot be read and stays zero",
			slog.String("action", o.Action), slog.String("field", p.Path), slog.String("kind", p.Kind),
			slog.String("requestId", o.RequestID))
	}
}

// logged is what the log may know of an object.
func logged(id string, reference ReferenceID, amount Price, status Status) slog.Value {
	attrs := []slog.Attr{slog.String("id", id)}
	if reference != "" {
		attrs = append(attrs, slog.String("referenceId", string(reference)))
	}
	return slog.GroupValue(append(attrs,
		slog.String("amount", amount.String()), slog.String("state", string(status.State)),
		slog.String("reason", string(status.ReasonCode)))...)
}

package amazonpay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

// TestLargestAnswer: 4 MiB are read, one byte more is not Amazon's.
func TestLargestAnswer(t *testing.T) {
	document := strings.ReplaceAll(goodDocument(moneyMovers[2]), "{Action}", "Capture")
	for _, test := range []struct {
		name string
		size int
		ok   bool
	}{{"4 MiB", 4 << 20, true}, {"one byte more", 4<<20 + 1, false}} {
		t.Run(test.name, func(t *testing.T) {
			body := document + strings.Repeat(" ", test.size-len(document))
			client := stageClient(t, &stage{scenes: []scene{answerScene(200, body)}}, func(c *amazonpay.Config) { c.Backoff = amazonpay.Spacing() })
			got, err := client.Capture(t.Context(), stageCapture)
			if !test.ok {
				assert.ErrorContains(t, err, "4 MiB")
				_, isUnknown := errors.AsType[*amazonpay.OutcomeUnknownError](err)
				assert.True(t, isUnknown, "%v", err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, amazonpay.CaptureID("S01-1234567-1234567-C000001"), got.AmazonCaptureID)
		})
	}
}

// A closeCounter is a body that counts how often it is closed.
type closeCounter struct {
	io.Reader
	closed *int
}

func (c closeCounter) Close() error { *c.closed++; return nil }

// TestBodiesAreClosed, whatever is in them: a body left open keeps its
// connection for ever.
func TestBodiesAreClosed(t *testing.T) {
	for name, s := range map[string]scene{
		"good": goodScene, "refused": refusalScene(400, "DuplicateRequest"), "throttled": throttledScene,
		"502": answerScene(502, "<html>"), "unreadable": answerScene(200, "<html>"), "204": answerScene(204, ""),
		"redirect": answerScene(307, "", "Location", "/"), "breaks off": brokenScene(200, "<CaptureResponse>", errReset),
		"refusal breaks off": brokenScene(400, "<ErrorResponse>", errReset), "too large": answerScene(200, strings.Repeat(" ", 4<<20+1)),
	} {
		t.Run(name, func(t *testing.T) {
			var opened, closed int
			client := stageClient(t, &stage{scenes: []scene{func(r *http.Request, action string) (*http.Response, error) {
				opened++
				response, err := s(r, action)
				response.Body = closeCounter{response.Body, &closed}
				return response, err
			}}}, func(c *amazonpay.Config) { c.Backoff = amazonpay.Spacing(0) })
			_, _ = client.Capture(t.Context(), stageCapture)
			assert.Positive(t, opened)
			assert.GreaterOrEqual(t, closed, opened)
		})
	}
}

// TestResultIsOfOneAnswer: what an answer that cannot be used has left behind
// does not get into the result of the next one.
func TestResultIsOfOneAnswer(t *testing.T) {
	client := stageClient(t, &stage{scenes: []scene{
		answerScene(200, "<CaptureResponse><CaptureResult><CaptureDetails><SellerCaptureNote>stale</SellerCaptureNote><IdList><member>R1</member></IdList>"),
		answerScene(200, "<OtherResponse><CaptureResult><CaptureDetails><AmazonCaptureId>stale</AmazonCaptureId></CaptureDetails></CaptureResult></OtherResponse>"),
		goodScene,
	}}, func(c *amazonpay.Config) { c.Backoff = func(n int) (time.Duration, bool) { return 0, n < 5 } })
	got, err := client.Capture(t.Context(), stageCapture)
	require.NoError(t, err)
	assert.Equal(t, &amazonpay.Capture{AmazonCaptureID: "S01-1234567-1234567-C000001"}, got)
}

// xmlServer answers over real connections, with the reference id that it was
// asked about, and counts connections. fault, unless nil, may answer instead.
func xmlServer(t *testing.T, fault func(w http.ResponseWriter, p stagePost) bool) (server *httptest.Server, connections *atomic.Int32) {
	connections = new(atomic.Int32)
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := readStagePost(r, "")
		w.Header().Set("Content-Type", "text/xml")
		if fault == nil || !fault(w, p) {
			_, _ = fmt.Fprintf(w, `<CaptureResponse><CaptureResult><CaptureDetails><AmazonCaptureId>S01-1234567-1234567-C000001</AmazonCaptureId>`+
				`<CaptureReferenceId>%s</CaptureReferenceId><SellerCaptureNote>%s</SellerCaptureNote></CaptureDetails></CaptureResult></CaptureResponse>`,
				p.form.Get("CaptureReferenceId"), p.form.Get("SellerId"))
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server, connections
}

// TestConnectionsAreKept: one caller needs one connection, whatever is answered.
func TestConnectionsAreKept(t *testing.T) {
	padding := strings.Repeat(" ", 70<<10)
	for _, test := range []struct {
		name  string
		fault func(w http.ResponseWriter, p stagePost) bool
	}{
		{"good", nil},
		{"refused", func(w http.ResponseWriter, _ stagePost) bool {
			w.WriteHeader(400)
			_, _ = io.WriteString(w, "<ErrorResponse><Error><Code>DuplicateRequest</Code></Error></ErrorResponse>")
			return true
		}},
		{"failed at length", func(w http.ResponseWriter, _ stagePost) bool {
			w.WriteHeader(502)
			_, _ = io.WriteString(w, "<html>"+padding+"</html>")
			return true
		}},
		{"unreadable at length", func(w http.ResponseWriter, _ stagePost) bool {
			_, _ = io.WriteString(w, "<html>"+padding+"</html>")
			return true
		}},
		{"redirected at length", func(w http.ResponseWriter, _ stagePost) bool {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(302)
			_, _ = io.WriteString(w, padding)
			return true
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, connections := xmlServer(t, test.fault)
			client := stageClient(t, nil, func(c *amazonpay.Config) {
				c.BaseURL, c.Backoff = server.URL, amazonpay.Spacing(0)
			})
			derived, err := client.OnBehalfOf("A2OTHERSELLER", "amzn.mws.00000000")
			require.NoError(t, err)
			for range 3 {
				for _, c := range []*amazonpay.Client{client, derived} {
					_, err := c.Capture(t.Context(), stageCapture)
					assert.Equal(t, test.fault == nil, err == nil)
				}
			}
			assert.EqualValues(t, 1, connections.Load())
		})
	}
}

// TestConnectionsOfManyCallers: each of many callers keeps its connection. Their
// first calls are answered once all have arrived, so that nobody is handed
// another's connection while his own is still being made.
func TestConnectionsOfManyCallers(t *testing.T) {
	const callers, calls = 32, 6
	var arrived atomic.Int32
	all := make(chan struct{})
	server, connections := xmlServer(t, func(http.ResponseWriter, stagePost) bool {
		if arrived.Add(1) == callers {
			close(all)
		}
		<-all
		return false
	})
	client := stageClient(t, nil, func(c *amazonpay.Config) { c.BaseURL = server.URL })
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range calls {
				if _, err := client.Capture(t.Context(), stageCapture); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, callers, connections.Load())
}

// TestNoGoroutineStaysBehind after calls of every kind.
func TestNoGoroutineStaysBehind(t *testing.T) {
	release := make(chan struct{})
	server, _ := xmlServer(t, func(w http.ResponseWriter, p stagePost) bool {
		switch p.form.Get("CaptureReferenceId") {
		case "hang":
			<-release
		case "unreadable":
			_, _ = io.WriteString(w, "<html>"+strings.Repeat(" ", 5<<20))
		default:
			return false
		}
		return true
	})
	before := runtime.NumGoroutine()
	transport := &http.Transport{}
	client := stageClient(t, transport, func(c *amazonpay.Config) { c.BaseURL, c.Backoff = server.URL, amazonpay.Spacing(time.Hour) })
	for range 5 {
		for _, id := range []amazonpay.ReferenceID{"good", "hang", "unreadable"} {
			req := stageCapture
			req.CaptureReferenceID = id
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			if id == "good" {
				ctx = t.Context()
			}
			_, err := client.Capture(ctx, req)
			cancel()
			assert.Equal(t, id == "good", err == nil, "%v", err)
		}
	}
	close(release)
	transport.CloseIdleConnections()
	assert.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, 2*time.Second, 5*time.Millisecond)
}

// TestManyGoroutines share a client and clients derived from it: every caller
// gets its own answer, and every request is signed for its own seller.
func TestManyGoroutines(t *testing.T) {
	var faults atomic.Int32
	server, _ := xmlServer(t, func(w http.ResponseWriter, p stagePost) bool {
		seller, token := p.form.Get("SellerId"), p.form.Get("MWSAuthToken")
		if p.form.Get("Signature") != p.signature(stageSecret) || (seller == stageSeller) != (token == "") || token != "" && token != "amzn.mws."+seller {
			faults.Add(1)
		}
		if strings.HasSuffix(p.form.Get("CaptureReferenceId"), "7") && p.form.Get("SellerCaptureNote") == "" {
			w.WriteHeader(400)
			_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Code>DuplicateRequest</Code><Message>%s</Message></Error></ErrorResponse>`, p.form.Get("CaptureReferenceId"))
			return true
		}
		return false
	})
	var records atomic.Int32
	var seen sync.Map
	client := stageClient(t, nil, func(c *amazonpay.Config) {
		c.BaseURL = server.URL
		c.Logger = slog.New(countHandler{&records})
		c.Middleware = []amazonpay.Middleware{func(ctx context.Context, op *amazonpay.Operation, next func(context.Context) error) error {
			_, again := seen.LoadOrStore(op, true)
			assert.False(t, again, "every call has its own operation")
			return next(ctx)
		}}
	})
	const callers, calls = 64, 3
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			c, seller := client, stageSeller
			if i%2 == 1 {
				seller = fmt.Sprintf("A2SELLER%02d", i)
				var err error
				if c, err = client.OnBehalfOf(seller, "amzn.mws."+seller); err != nil {
					t.Error(err)
					return
				}
			}
			for j := range calls {
				req := stageCapture
				req.CaptureReferenceID = amazonpay.ReferenceID(fmt.Sprintf("ref-%d-%d", j, i))
				got, err := c.Capture(t.Context(), req)
				if i%10 == 7 {
					if !errors.Is(err, amazonpay.ErrDuplicateRequest) || !strings.Contains(err.Error(), string(req.CaptureReferenceID)) {
						t.Errorf("%v is not the error of %s", err, req.CaptureReferenceID)
					}
				} else if err != nil || got.CaptureReferenceID != req.CaptureReferenceID || got.SellerCaptureNote != seller {
					t.Errorf("%v, %v is not the answer of %s", got, err, req.CaptureReferenceID)
				}
			}
		})
	}
	wg.Wait()
	assert.Zero(t, faults.Load())
	assert.EqualValues(t, callers*calls, records.Load())
}

type countHandler struct{ n *atomic.Int32 }

func (countHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h countHandler) Handle(context.Context, slog.Record) error { h.n.Add(1); return nil }

func (h countHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h countHandler) WithGroup(string) slog.Handler { return h }

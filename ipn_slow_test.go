package amazonpay_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/amazonpay-go/amazonpay"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Behind it only the server can cut off a sender that never finishes: the log says
// so, once, unless the server does.
func TestHandlerSlowSenderBehindMiddleware(t *testing.T) {
	for _, limit := range []time.Duration{0, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			logger, written := logLines()
			handler := ipnVerifier(t, func(c *amazonpay.VerifierConfig) { c.Logger = logger }).
				Handler(func(context.Context, *amazonpay.Notification) error { return nil })
			var answered atomic.Int32
			server := &http.Server{ReadTimeout: limit, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				handler.ServeHTTP(bare{w}, r)
				answered.Add(1)
			})}
			network := make(pipes)
			go func() { _ = server.Serve(network) }()
			var senders []net.Conn
			for range 3 {
				client, conn := net.Pipe()
				senders = append(senders, client)
				network <- conn
				go func() { _, _ = io.Copy(io.Discard, client) }()
				_, _ = io.WriteString(client, "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 1000\r\n\r\n{")
				time.Sleep(time.Minute)
			}
			synctest.Wait()
			_, text := written(t)
			if limit == 0 {
				assert.Equal(t, 1, strings.Count(text, "ReadTimeout"), text)
				assert.Zero(t, answered.Load())
			} else {
				assert.NotContains(t, text, "ReadTimeout")
				assert.EqualValues(t, 3, answered.Load())
			}
			close(network)
			for _, client := range senders {
				_ = client.Close()
			}
			_ = server.Close()
			time.Sleep(time.Second)
		})
	}
}

// pipes is a network inside of a test's bubble.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error { return nil }

func (p pipes) Addr() net.Addr { return &net.IPAddr{} }

// A sender that never finishes is cut off, also if the server sets no limits;
// one that is only slow is served, and its connection stays good even if the
// callback takes longer than it may.
func TestHandlerSlowSender(t *testing.T) {
	body := genuine()
	for _, c := range []struct {
		pause, work time.Duration
		want        string
		again       bool // the connection serves another
	}{{time.Hour, 0, "503", false}, {2 * time.Second, 7 * time.Second, "200", true}, {0, 12 * time.Second, "200", true}} {
		synctest.Test(t, func(t *testing.T) {
			handler := ipnVerifier(t).Handler(func(context.Context, *amazonpay.Notification) error {
				time.Sleep(c.work)
				return nil
			})
			network := make(pipes)
			server := &http.Server{Handler: handler}
			go func() { _ = server.Serve(network) }()
			client, conn := net.Pipe()
			network <- conn
			answers := bufio.NewReader(client)
			send := func(pause time.Duration) {
				start := time.Now()
				go func() {
					_, _ = fmt.Fprintf(client, "POST /ipn HTTP/1.1\r\nHost: shop\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:100])
					select {
					case <-time.After(pause):
						_, _ = client.Write(body[100:])
					case <-t.Context().Done():
					}
				}()
				answer, err := http.ReadResponse(answers, nil)
				require.NoError(t, err)
				_ = answer.Body.Close()
				assert.Equal(t, c.want, answer.Status[:3])
				assert.Less(t, time.Since(start), 13*time.Second)
			}
			if send(c.pause); c.again {
				send(0)
			}
			close(network)
			_, _ = client.Close(), server.Close()
			time.Sleep(time.Second) // a server of Go 1.27 lingers before it hangs up
		})
	}
}

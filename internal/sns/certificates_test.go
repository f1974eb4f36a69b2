package sns_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/amazonpay-go/amazonpay/internal/sns"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A certificate is fetched once and kept for a day.
func TestCertificateIsKept(t *testing.T) {
	good := certificate()
	synctest.Test(t, func(t *testing.T) {
		s := &source{answer: always(good)}
		c, m := s.certificates(), message(t, address("0"))
		for range 3 {
			require.NoError(t, c.Verify(t.Context(), m))
		}
		time.Sleep(24 * time.Hour)
		require.NoError(t, c.Verify(t.Context(), m))
		assert.Equal(t, 1, s.total())
		time.Sleep(time.Second)
		require.NoError(t, c.Verify(t.Context(), m))
		assert.Equal(t, 2, s.total())
	})
}

// Callers that come while the download runs wait for it, and share what it
// brings, good or bad.
func TestConcurrentCallersShareADownload(t *testing.T) {
	good := certificate()
	for _, data := range []string{good, "no certificate"} {
		synctest.Test(t, func(t *testing.T) {
			s := &source{answer: func(context.Context, string) ([]byte, error) {
				time.Sleep(time.Second)
				return []byte(data), nil
			}}
			c, m := s.certificates(), message(t, address("0"))
			var callers sync.WaitGroup
			for range 50 {
				callers.Go(func() {
					if err := c.Verify(t.Context(), m); (err == nil) != (data == good) {
						t.Error(err)
					}
				})
			}
			callers.Wait()
			assert.Equal(t, 1, s.total())
		})
	}
}

// A failure is remembered for a minute, then tried again.
func TestFailureIsRemembered(t *testing.T) {
	good := certificate()
	for _, wrong := range []func(context.Context, string) ([]byte, error){
		always("no certificate"), func(context.Context, string) ([]byte, error) { return nil, errors.New("down") },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &source{answer: wrong}
			c, m := s.certificates(), message(t, address("0"))
			for range 5 {
				reason(t, sns.NoCertificate, c.Verify(t.Context(), m))
			}
			s.answer = always(good)
			time.Sleep(time.Minute)
			reason(t, sns.NoCertificate, c.Verify(t.Context(), m))
			assert.Equal(t, 1, s.total())
			time.Sleep(time.Second)
			require.NoError(t, c.Verify(t.Context(), m))
			assert.Equal(t, 2, s.total())
		})
	}
}

// The first caller may give up without taking the download from the others;
// when all have, it is ended, and what it would have brought is not remembered.
func TestImpatientCallers(t *testing.T) {
	good := certificate()
	synctest.Test(t, func(t *testing.T) {
		ended := 0
		s := &source{answer: func(ctx context.Context, _ string) ([]byte, error) {
			select {
			case <-time.After(3 * time.Second):
				return []byte(good), nil
			case <-ctx.Done():
				ended++
				return nil, ctx.Err()
			}
		}}
		c, m := s.certificates(), message(t, address("0"))
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- c.Verify(brief, m) }()
		synctest.Wait()
		go func() { second <- c.Verify(t.Context(), m) }()
		err := <-first
		reason(t, sns.NoCertificate, err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, <-second)
		assert.Zero(t, ended)
		assert.Equal(t, 1, s.total())

		m = message(t, address("1"))
		brief, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, c.Verify(brief, m), context.DeadlineExceeded)
		synctest.Wait()
		assert.Equal(t, 1, ended, "the download goes on for nobody")
		require.NoError(t, c.Verify(t.Context(), m), "a caller's impatience was remembered as a failure")
	})
}

// A download that does not end is ended.
func TestDownloadIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{answer: func(ctx context.Context, _ string) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }}
		start := time.Now()
		reason(t, sns.NoCertificate, s.certificates().Verify(t.Context(), message(t, address("0"))))
		assert.Equal(t, 5*time.Second, time.Since(start))
	})
}

// Downloads are 16 at once and then one in two seconds, however many are asked
// for, and none of it concerns what is held.
func TestDownloadsAreRationed(t *testing.T) {
	good := certificate()
	synctest.Test(t, func(t *testing.T) {
		s := &source{answer: func(_ context.Context, url string) ([]byte, error) {
			if url == address("held") {
				return []byte(good), nil
			}
			return nil, errors.New("404")
		}}
		c := s.certificates()
		require.NoError(t, c.Verify(t.Context(), message(t, address("held"))))
		time.Sleep(time.Hour)
		start := s.total()
		forged := message(t, address("0"))
		flood := func(name string) {
			for i := range 200 {
				forged.SigningCertURL = address(fmt.Sprint(name, i))
				reason(t, sns.NoCertificate, c.Verify(t.Context(), forged))
			}
		}
		flood("a")
		assert.Equal(t, 16, s.total()-start)
		for i := range 10 {
			time.Sleep(2 * time.Second)
			flood(fmt.Sprint("b", i, "x"))
		}
		assert.Equal(t, 26, s.total()-start)
		require.NoError(t, c.Verify(t.Context(), message(t, address("held"))))
	})
}

// No more than 16 certificates are held; the one used least recently goes.
func TestCertificatesAreBounded(t *testing.T) {
	good := certificate()
	synctest.Test(t, func(t *testing.T) {
		s := &source{answer: always(good)}
		c, m := s.certificates(), message(t, address("0"))
		use := func(name string) {
			m.SigningCertURL = address(name)
			require.NoError(t, c.Verify(t.Context(), m))
			time.Sleep(2 * time.Second)
		}
		for i := range 16 {
			use(fmt.Sprint(i))
		}
		use("0") // so that 1 is the one that goes
		use("new")
		assert.Equal(t, 17, s.total())
		use("0")
		use("2")
		assert.Equal(t, 17, s.total())
		use("1")
		assert.Equal(t, 18, s.total())
		assert.Equal(t, 2, s.fetched[address("1")])
	})
}

// A certificate that has verified messages is renewed whatever strangers have used
// up, once for all, and does not end with an impatient caller. A failure of it is
// remembered like any other, and the old one is not believed meanwhile.
func TestRenewal(t *testing.T) {
	good := certificate()
	synctest.Test(t, func(t *testing.T) {
		down := false
		s := &source{answer: func(_ context.Context, url string) ([]byte, error) {
			time.Sleep(time.Second)
			if down || url != address("held") {
				return nil, errors.New("404")
			}
			return []byte(good), nil
		}}
		c, held := s.certificates(), message(t, address("held"))
		require.NoError(t, c.Verify(t.Context(), held))
		time.Sleep(25 * time.Hour)
		forged := message(t, address("0"))
		for i := range 100 {
			forged.SigningCertURL = address(fmt.Sprint("x", i))
			brief, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			reason(t, sns.NoCertificate, c.Verify(brief, forged))
			cancel()
		}
		for range 20 {
			brief, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			require.ErrorIs(t, c.Verify(brief, held), context.DeadlineExceeded)
			cancel()
		}
		require.NoError(t, c.Verify(t.Context(), held))
		assert.Equal(t, 2, s.fetched[address("held")])

		time.Sleep(25 * time.Hour)
		down = true
		for range 20 {
			reason(t, sns.NoCertificate, c.Verify(t.Context(), held))
		}
		assert.Equal(t, 3, s.fetched[address("held")])
		down = false
		time.Sleep(time.Minute + time.Second)
		require.NoError(t, c.Verify(t.Context(), held))
	})
}

// endless is a body that has more than anybody wants.
type endless struct{ read int }

func (e *endless) Read(b []byte) (int, error) { e.read += len(b); return len(b), nil }
func (e *endless) Close() error               { return nil }

// transport is a function that answers requests.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A download reads no more than a certificate may have, sends no cookies and leaves
// no connection; an error of it does not have the address, which may hold a token.
func TestDownload(t *testing.T) {
	const address = "https://sns.us-east-1.amazonaws.com/?Token=hunter2"
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	u, err := url.Parse(address)
	require.NoError(t, err)
	jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: "1"}})
	body := new(endless)
	client := &http.Client{Jar: jar, Transport: transport(func(r *http.Request) (*http.Response, error) {
		assert.Empty(t, r.Cookies())
		assert.True(t, r.Close)
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: body, Request: r}, nil
	})}
	_, _, err = sns.Download(t.Context(), client, address)
	require.ErrorContains(t, err, "too large")
	assert.LessOrEqual(t, body.read, 16<<10+1)

	client.Transport = transport(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") })
	_, _, err = sns.Download(t.Context(), client, address)
	require.ErrorContains(t, err, "no route")
	assert.NotContains(t, err.Error(), "hunter2")
}

// A panic in the source reaches nobody, and those who wait are told.
func TestPanicInTheSource(t *testing.T) {
	s := &source{answer: func(context.Context, string) ([]byte, error) { panic("bug") }}
	err := s.certificates().Verify(t.Context(), message(t, address("0")))
	reason(t, sns.NoCertificate, err)
	assert.NotContains(t, err.Error(), "bug")
}

// Only a file that is one PEM certificate and nothing else counts.
func TestPEM(t *testing.T) {
	good := certificate()
	body := strings.TrimSuffix(strings.TrimPrefix(good, "-----BEGIN CERTIFICATE-----\n"), "-----END CERTIFICATE-----\n")
	for _, c := range []struct {
		name, data string
		good       bool
	}{
		{"as it is", good, true},
		{"Windows", strings.ReplaceAll(good, "\n", "\r\n"), true},
		{"white space around", "\n \t" + good + "\r\n\n", true},
		{"no line break at the end", strings.TrimSpace(good), true},
		{"twice", good + good, false},
		{"text before", "x\n" + good, false},
		{"text after", good + "x", false},
		{"in XML", "<a>\n" + good + "</a>", false},
		{"header", "-----BEGIN CERTIFICATE-----\nA: b\n\n" + body + "-----END CERTIFICATE-----\n", false},
		{"other label", strings.ReplaceAll(good, "CERTIFICATE", "PKCS7"), false},
		{"trusted certificate", strings.ReplaceAll(good, "CERTIFICATE", "TRUSTED CERTIFICATE"), false},
		{"no end", strings.TrimSuffix(good, "-----END CERTIFICATE-----\n"), false},
		{"block that is none, then one", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n" + good, false},
		{"one, then a block that is none", good + "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", false},
		{"no base64", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", false},
		{"no certificate inside", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", false},
		{"byte order mark", "\ufeff" + good, false},
		{"empty", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &source{answer: always(c.data)}
			err := s.certificates().Verify(t.Context(), message(t, address("0")))
			if c.good {
				require.NoError(t, err)
			} else {
				reason(t, sns.NoCertificate, err)
			}
		})
	}
}

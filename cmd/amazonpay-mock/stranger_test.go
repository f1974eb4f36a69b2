package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

// send sends a form as a browser would. The headers are in pairs.
func (p *process) send(address, body string, headers ...string) *http.Response {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	require.NoError(p.t, err)
	req.Header.Set("Content-Type", formType)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // follows nothing
	require.NoError(p.t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(p.t, err)
	require.NoError(p.t, resp.Body.Close())
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return resp
}

// The token in the form of the sign-in page is made of keys that everybody may
// know: it does not keep another site's page from allowing what the buyer was
// never asked.
func TestStrangersCannotSignIn(t *testing.T) {
	p := begin(t)
	address := p.popupURL(defaultLoginClient, "https://evil.example/")
	resp, err := http.Get(address)
	require.NoError(t, err)
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	csrf := regexp.MustCompile(`name="csrf" value="([0-9a-f]+)"`).FindSubmatch(page)
	require.NotNil(t, csrf)
	body := form("csrf", string(csrf[1]), "ap_email", "buyer@example.com", "decision", "allow")
	for name, c := range map[string]struct {
		headers []string
		allowed bool
	}{
		"another site":            {[]string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, false},
		"another site that hides": {[]string{"Sec-Fetch-Site", "cross-site", "Origin", "null"}, false},
		"another port":            {[]string{"Sec-Fetch-Site", "same-site", "Origin", "http://127.0.0.1:1"}, false},
		"an old browser":          {[]string{"Origin", "https://evil.example"}, false},
		"the page itself":         {[]string{"Sec-Fetch-Site", "same-origin", "Origin", "null"}, true}, // it sends no referrer
		"the page, in the clear":  {[]string{"Origin", "null"}, true},
		"a program":               {nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, popup := range []string{"popup=true", "popup=no"} {
				resp := p.send(strings.Replace(address, "popup=true", popup, 1), strings.Replace(body, "popup=true", popup, 1), c.headers...)
				text, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				if !c.allowed {
					assert.Equal(t, http.StatusForbidden, resp.StatusCode)
					assert.NotContains(t, string(text)+resp.Header.Get("Location"), "Atza")
				} else if popup == "popup=true" {
					assert.Contains(t, string(text), "Atza")
				}
			}
		})
	}
}

// The keys of the fake are known, so that any web page can sign a request. No
// server has an origin, and every browser tells one.
func TestPagesCannotCharge(t *testing.T) {
	p := begin(t)
	config := p.config(amazonpay.RegionNA)
	config.BaseURL = p.HTTP[0]
	id := p.agree(amazonpay.RegionNA)
	for _, origin := range []string{"https://evil.example", "null", "http://evil.example:8620", ""} {
		t.Run("origin "+origin, func(t *testing.T) {
			road := &http.Client{Transport: inBrowser(origin)}
			config := config
			config.HTTPClient = road
			client, err := amazonpay.New(config)
			require.NoError(t, err)
			assert.Error(t, p.charge(client, amazonpay.RegionNA, id, "evil"))
			_, err = client.GetBillingAgreementDetails(t.Context(), amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: id})
			assert.Error(t, err)
		})
	}
	resp := p.send(p.HTTP[0]+"/OffAmazonPayments/astray", "Action=Capture", "Origin", "https://evil.example")
	assert.Equal(t, http.StatusForbidden, resp.StatusCode)
	assert.Empty(t, get[[]movement](p, "/mock/ledger"))
	require.NoError(t, p.charge(p.client(amazonpay.RegionNA), amazonpay.RegionNA, id, "good"))
}

// inBrowser is a page's road: the browser adds its origin.
type inBrowser string

func (o inBrowser) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header["Origin"] = []string{string(o)}
	return http.DefaultTransport.RoundTrip(r)
}

// A secret in the wrong field is not logged, and a log line is no place for a
// megabyte.
func TestWidgetLog(t *testing.T) {
	p := begin(t)
	for _, kind := range []string{"Atza|secret", strings.Repeat("long", 10000), `\u001b[2J`, `x\nlevel=ERROR`} {
		p.asWidget("", `{"widget":"`+kind+`","region":"NA","environment":"sandbox"}`)
	}
	p.asWidget("", `{"widget":"Wallet","region":"NA","environment":"sandbox"}`)
	require.NoError(t, p.stop())
	text := p.stderr.String()
	assert.Contains(t, text, "kind=Wallet")
	for _, bad := range []string{"secret", "longlong", "[2J", "level=ERROR"} {
		assert.NotContains(t, text, bad)
	}
}

// The page around a frame says which widget to show. The choice is the buyer's:
// the server reads names in any case, and so the frame must pass on those only
// that it knows.
func TestFramesMakeNoChoice(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "no node here")
	}
	const stage = `
const asked = [];
const nothing = new Proxy(function () {}, { get: (t, name) => name === Symbol.toPrimitive ? () => '' : nothing, apply: () => nothing, set: () => true });
const listeners = [];
const parent = { postMessage() {} };
globalThis.window = { parent, addEventListener: (name, f) => listeners.push(f) };
globalThis.document = new Proxy({}, { get: () => nothing, set: () => true });
globalThis.fetch = async (path, request) => { asked.push(request.body); throw new Error('enough'); };
`
	const hostile = `
for (const f of listeners) f({ source: parent, origin: 'https://evil.example', data: { amazonPayMock: 'init', init: {
  widget: 'Consent', region: 'NA', environment: 'sandbox', seller: 'A', agreement: 'C01-1', token: 'Atza|1',
  Choice: { consent: true }, CHOICE: { consent: true }, choice: { consent: true }, ['__proto__']: { choice: 1 }, toJSON: 'x' } } });
setTimeout(() => console.log(asked.join('\n')), 20);
`
	file := filepath.Join(t.TempDir(), "frame.js")
	require.NoError(t, os.WriteFile(file, []byte(stage+string(widgetFile("frame.js"))+hostile), 0o600))
	out, err := exec.Command(node, file).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), `"agreement":"C01-1"`, "the frame has asked")
	assert.NotContains(t, strings.ToLower(string(out)), "choice")
}

// Who can read the key of an authority can be Amazon for all who trust it.
func TestAuthorityKeyIsKept(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no mode here")
	}
	dir := t.TempDir()
	key := filepath.Join(dir, authorityKeyFile)
	_, err := newAuthority(dir, nil)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(key, 0o644)) // as an unpacked archive has it
	_, err = newAuthority(dir, nil)
	require.NoError(t, err)
	info, err := os.Stat(key)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// A file of states that somebody has written into is refused, or read as what it
// says; it never ends the process in the midst of a line, and never gets a script
// onto a page.
func TestTamperedState(t *testing.T) {
	state := filepath.Join(t.TempDir(), "books.jsonl")
	p := begin(t, "-manual-clock", "-state", state)
	id := p.agree(amazonpay.RegionNA)
	require.NoError(t, p.charge(p.client(amazonpay.RegionNA), amazonpay.RegionNA, id, "one"))
	p.act("", `{"do":"NewBillingAgreement","buyer":{"Name":"Replaceable","Email":"x@example.com"}}`)
	require.NoError(t, p.stop())
	name := state + ".NA"
	if _, err := os.Stat(name); err != nil {
		name = state
	}
	good, err := os.ReadFile(name)
	require.NoError(t, err)
	lines := strings.SplitAfter(string(good), "\n")
	for what, text := range map[string]string{
		"nothing":         "",
		"no JSON":         "<script>alert(1)</script>\n" + string(good),
		"cut":             string(good[:len(good)*2/3]),
		"deep":            string(good) + strings.Repeat("[", 20000) + "\n",
		"twice":           string(good) + string(good),
		"backwards":       strings.Join(lines[len(lines)/2:], "") + strings.Join(lines[:len(lines)/2], ""),
		"numbers":         strings.ReplaceAll(string(good), "1000", "99999999999999999999"),
		"zeros":           string(good) + strings.Repeat("\x00", 100) + "\n",
		"an unknown act":  string(good) + `{"act":{"do":"Evil","id":"x"}}` + "\n",
		"a script":        strings.ReplaceAll(string(good), "Replaceable", `</script><script>alert(1)</script>`),
		"a script for id": strings.ReplaceAll(string(good), string(id), `<script>alert(1)</script>`),
	} {
		t.Run(what, func(t *testing.T) {
			require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
			c, err := readConfig([]string{"-http", "127.0.0.1:0", "-https", "off", "-manual-clock", "-state", state, "-quiet"}, nil, io.Discard)
			require.NoError(t, err)
			s, err := newServer(c, io.Discard)
			if err != nil {
				assert.NotContains(t, err.Error(), "Replaceable")
				return
			}
			defer func() {
				s.closeListeners()
				require.NoError(t, s.amazon.close())
			}()
			pages := s.routes()
			for _, path := range []string{"/", "/inspector/list/agreements", "/inspector/objects/" + url.PathEscape("<script>alert(1)</script>")} {
				w, r := newRecorder(), mustRequest(t, path)
				pages.ServeHTTP(w, r)
				assert.NotContains(t, w.String(), "<script>alert")
			}
		})
	}
}

// newRecorder is a ResponseWriter that keeps the text.
func newRecorder() *textWriter { return &textWriter{header: http.Header{}} }

type textWriter struct {
	strings.Builder
	header http.Header
}

func (w *textWriter) Header() http.Header { return w.header }
func (w *textWriter) WriteHeader(int)     {}

func mustRequest(t *testing.T, path string) *http.Request {
	r, err := http.NewRequest(http.MethodGet, "http://localhost"+path, nil)
	require.NoError(t, err)
	return r
}

// Requests whose ends two readers would see at different places, and paths that
// two readers would take for different ones.
func TestSmuggling(t *testing.T) {
	p := begin(t)
	const act = `{"do":"OpenBillingAgreement"}`
	for name, c := range map[string]struct{ request, status string }{
		"two hosts":         {"POST /mock/acts HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n" + act, "400"},
		"no host":           {"POST /mock/acts HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n" + act, "400"},
		"an old one":        {"POST /mock/acts HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n" + act, "403"},
		"two lengths":       {"POST /mock/acts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 29\r\nContent-Length: 0\r\n\r\n" + act, "400"},
		"an address inside": {"POST http://evil.example/mock/acts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n" + act, "403"},
		"a folded header":   {"POST /mock/acts HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost,\r\n https://evil.example\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n" + act, "403"},
		"two origins":       {"POST /mock/acts HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nOrigin: https://evil.example\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n" + act, "403"},
		"slashes":           {"POST //mock//acts HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n" + act, "307"},
		"a way around":      {"POST /widgets/../mock/acts HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n" + act, "307"},
		"CONNECT":           {"CONNECT /mock/acts HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n\r\n", "403"},
		"a huge header":     {"GET /mock/acts HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 1<<17) + "\r\n\r\n", "431"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(p.HTTP[0], "http://"))
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			require.NoError(t, conn.SetDeadline(time.Now().Add(5*time.Second)))
			go func() { _, _ = io.WriteString(conn, c.request) }()
			line, err := bufio.NewReader(conn).ReadString('\n')
			require.NoError(t, err)
			assert.Contains(t, line, " "+c.status+" ")
		})
	}
	assert.NotContains(t, get[map[string]any](p, "/mock/state"), "evil")
	assert.Empty(t, get[map[string]any](p, "/mock/state")["agreements"], "nothing was done")
}

// A tester who types a real password finds it nowhere again.
func TestPasswordsAreForgotten(t *testing.T) {
	dir := t.TempDir()
	p := begin(t, "-state", filepath.Join(dir, "books"))
	address := p.popupURL(defaultLoginClient, "https://shop.example/")
	resp, err := http.Get(address)
	require.NoError(t, err)
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	csrf := regexp.MustCompile(`name="csrf" value="([0-9a-f]+)"`).FindSubmatch(page)
	require.NotNil(t, csrf)
	resp = p.send(address, form("csrf", string(csrf[1]), "ap_email", "ada@example.com", "password", "hunter2", "decision", "allow"))
	require.Equal(t, http.StatusOK, resp.StatusCode)
	v := visit(p)
	seen := v.see("/").text + v.see("/inspector/list/calls").text
	for _, path := range []string{"/mock/calls", "/mock/state"} {
		_, text := p.request(http.MethodGet, path, "")
		seen += text
	}
	require.NoError(t, p.stop())
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		seen += string(text)
	}
	assert.NotContains(t, seen+p.stderr.String()+p.stdout.String(), "hunter2")
}

// The log has the control API's paths, and not what else is asked for.
func TestControlLog(t *testing.T) {
	p := begin(t)
	for _, path := range []string{"/mock/Atza%7Csecret", "/mock/" + strings.Repeat("long", 5000), "/mock/x%0alevel=ERROR", "/mock/%1b[2J", "/mock/clock?region=secret"} {
		p.request(http.MethodGet, path, "")
	}
	require.NoError(t, p.stop())
	text := p.stderr.String()
	assert.Contains(t, text, "path=/mock/clock")
	for _, bad := range []string{"secret", "longlong", "level=ERROR", "[2J"} {
		assert.NotContains(t, text, bad)
	}
}

// What has buttons is in no other page; the widgets are in pages, and in nothing
// else.
func TestFrames(t *testing.T) {
	p := begin(t)
	for path, ancestors := range map[string]string{
		"/": "'none'", "/inspector/list/calls": "'none'", "/mock/": "'none'", "/widgets/confirm/none": "'none'", "/widgets/frame": "http: https:",
		strings.TrimPrefix(p.popupURL(defaultLoginClient, "https://shop.example/"), p.HTTP[0]): "'none'",
	} {
		resp, err := http.Get(p.HTTP[0] + path)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		policy := resp.Header.Get("Content-Security-Policy")
		assert.True(t, strings.HasSuffix(policy, "frame-ancestors "+ancestors), "%.30s: %s", path, policy)
		assert.NotContains(t, policy, "unsafe")
	}
}

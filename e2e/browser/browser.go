// Package browser drives a headless Chromium in tests: one browser for all tests
// of a package, a tab for each test, and a test fails that leaves an error on the
// console or breaks the page's Content-Security-Policy.
package browser

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Screenshots is the environment variable that names the folder of the pictures
// that [Tab.Screenshot] takes. Without it none are taken.
const Screenshots = "E2E_SCREENSHOTS"

// Patience is how long a tab waits for what should be there.
const Patience = 30 * time.Second

// chromium is a running browser.
type chromium struct {
	road   context.Context
	hangUp func()
}

// shared is the browser of all tests that want no other.
var (
	start   sync.Once
	shared  *chromium
	problem error
)

// Run runs the tests of a package and ends the browser, if one was started. It is
// called by TestMain, and returns the exit code.
func Run(m *testing.M) int {
	defer func() {
		if shared != nil {
			shared.hangUp()
		}
	}()
	return m.Run()
}

// Path is where Chromium is, "" if it is nowhere: the variable CHROMIUM says so,
// or it has one of its usual names.
func Path() string {
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome", "/usr/bin/chromium"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	return ""
}

// launch starts a browser, with a profile of its own, which is removed at the
// end.
func launch(more ...chromedp.ExecAllocatorOption) (*chromium, error) {
	options := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(Path()), chromedp.NoSandbox, chromedp.Headless, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true),
		// Nothing but this machine can be reached.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
	}, more...)
	allocator, _ := chromedp.NewExecAllocator(context.Background(), options...)
	road, _ := chromedp.NewContext(allocator)
	return &chromium{road, func() { _ = chromedp.Cancel(road) }}, chromedp.Do(road) // it is gone either way
}

// Screen is what a page is shown on.
type Screen struct {
	Width, Height int64 // in CSS pixels; 0 is 1280 and 900
	Dark          bool  // the user prefers dark pages
	NoScript      bool  // scripts are off

	// Host is a name that leads to the address At, whatever its certificate, in a
	// browser of the test's own.
	Host, At string
}

func (s Screen) size() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: s.Width, Height: s.Height, DeviceScaleFactor: 1, Mobile: s.Width < 500})
		return err
	})
}

// Tab is a tab of the browser. Its methods end the test if they fail.
type Tab struct {
	t      testing.TB
	ctx    context.Context
	road   context.Context // to the browser
	screen Screen
	others map[target.ID]*Tab // frames and windows that have been looked at

	mu       sync.Mutex
	problems []string
	expected []string
	policies map[string]string
}

// Open opens a tab, without cookies or memory of others. It skips the test where
// there is no Chromium.
func Open(t testing.TB, screen Screen) *Tab {
	t.Helper()
	if Path() == "" {
		t.Skip("there is no Chromium here: install the Debian package chromium (apt-get install chromium), or let the variable CHROMIUM name it")
	}
	start.Do(func() { shared, problem = launch() })
	browser, err := shared, problem
	if screen.Host != "" {
		browser, err = launch(chromedp.Flag("host-resolver-rules", "MAP "+screen.Host+" "+screen.At), chromedp.Flag("ignore-certificate-errors", true))
		t.Cleanup(browser.hangUp)
	}
	require.NoError(t, err, "Chromium does not start")
	ctx, closeTab := chromedp.NewContext(browser.road, chromedp.WithNewBrowserContext())
	if screen.Width == 0 {
		screen.Width, screen.Height = 1280, 900
	}
	tab := &Tab{t: t, ctx: ctx, road: browser.road, screen: screen}
	require.NoError(t, chromedp.Listen(ctx, tab.listen))
	tab.begin(closeTab)
	return tab
}

// begin gives the tab its screen, and sees to its end.
func (tab *Tab) begin(closeTab func()) {
	tab.t.Helper()
	screen, scheme := tab.screen, "light"
	if screen.Dark {
		scheme = "dark"
	}
	tab.t.Cleanup(func() {
		closeTab()
		assert.Empty(tab.t, tab.Problems(), "the console is empty and no policy is broken")
	})
	tab.Do(screen.size(), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		if err == nil {
			_, err = cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: screen.NoScript})
		}
		return err
	}))
}

// listen collects what must not be.
func (tab *Tab) listen(event any) {
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if level := e.Entry.Level.String(); level == "error" || level == "warning" {
			tab.add(e.Entry.Text + " " + e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		if kind := e.Type.String(); kind == "error" || kind == "warning" || kind == "assert" {
			var text []string
			for _, arg := range e.Args {
				text = append(text, string(arg.Value), arg.Description)
			}
			tab.add(strings.Join(text, " "))
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		tab.add(text)
	case *page.EventJavascriptDialogOpening:
		tab.add("a dialog opened: " + e.Message)
	case *network.EventResponseReceived:
		tab.keepPolicy(e)
	}
}

func (tab *Tab) add(text string) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.problems = append(tab.problems, text)
}

// Expect lets errors on the console pass that contain the text, such as "422".
func (tab *Tab) Expect(text string) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.expected = append(tab.expected, text)
}

// Problems are errors on the console, exceptions and violations of the
// Content-Security-Policy so far, but those that are expected.
func (tab *Tab) Problems() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	var left []string
problems:
	for _, problem := range tab.problems {
		for _, text := range tab.expected {
			if strings.Contains(problem, text) {
				continue problems
			}
		}
		left = append(left, problem)
	}
	return left
}

// Do runs actions of chromedp.
func (tab *Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	done := make(chan error, 1)
	go func() { done <- chromedp.Do(tab.ctx, actions...) }() // a context with a deadline would end the tab
	select {
	case err := <-done:
		require.NoError(tab.t, err)
	case <-time.After(Patience):
		require.FailNow(tab.t, "the page does not do it", "problems so far: %q", tab.Problems())
	}
}

// Visit opens an address.
func (tab *Tab) Visit(url string) {
	tab.t.Helper()
	tab.Do(chromedp.Navigate(url))
}

// Click clicks the first element that a CSS selector finds, when it is there.
func (tab *Tab) Click(selector string) {
	tab.t.Helper()
	tab.Do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Fill puts a value in the place of what a field has.
func (tab *Tab) Fill(selector, value string) {
	tab.t.Helper()
	tab.Do(chromedp.SetValue(chromedp.CSS(selector), value))
}

// Press presses keys on whatever has the focus. [kb.Tab] and others are keys.
func (tab *Tab) Press(keys ...string) {
	tab.t.Helper()
	for _, key := range keys {
		tab.Do(chromedp.KeyEvent(key))
	}
}

// PressBack is Shift with Tab.
func (tab *Tab) PressBack() {
	tab.t.Helper()
	tab.Do(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift)))
}

// Eval is the value of an expression in the page.
func Eval[T any](tab *Tab, expression string) (value T) {
	tab.t.Helper()
	tab.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) (err error) {
		value, err = chromedp.Run(ctx, chromedp.Evaluate[T](expression))
		return err
	}))
	return value
}

// Eventually waits until an expression in the page is true.
func (tab *Tab) Eventually(expression string) {
	tab.t.Helper()
	deadline := time.Now().Add(Patience)
	for {
		var ok bool
		var err error
		done := make(chan struct{})
		go func() {
			ok, err = chromedp.Run(tab.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(Patience):
			require.FailNow(tab.t, "the page does not answer")
		}
		if err == nil && ok { // an error is a page that is just changing
			return
		}
		if time.Now().After(deadline) {
			require.FailNow(tab.t, "it does not come true", "%s\n%v\n%s", expression, err, Eval[string](tab, "document.body.innerText.slice(0, 1500)"))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Sees waits until an element that the selector finds has the text in it.
func (tab *Tab) Sees(selector, text string) {
	tab.t.Helper()
	tab.Eventually("[...document.querySelectorAll(" + quote(selector) + ")].some(e => e.textContent.includes(" + quote(text) + "))")
}

// FitsWidth fails if the page has to be scrolled sideways.
func (tab *Tab) FitsWidth() {
	tab.t.Helper()
	wide := Eval[[]string](tab, `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".unseen, thead")).map(e => e.tagName + "#" + e.id + "." + e.className + " " + e.textContent.slice(0, 40)).slice(0, 5)`)
	assert.LessOrEqual(tab.t, Eval[int](tab, "document.documentElement.scrollWidth"), Eval[int](tab, "innerWidth"), "no sideways scrolling: %q", wide)
}

// Screenshot takes a picture of the whole page, if the variable [Screenshots]
// names a folder.
func (tab *Tab) Screenshot(name string) {
	tab.t.Helper()
	folder := os.Getenv(Screenshots)
	if folder == "" {
		return
	}
	// Frames of other sites are painted where the screen shows them only.
	high := tab.screen
	high.Height = max(high.Height, Eval[int64](tab, "document.documentElement.scrollHeight"))
	tab.Do(high.size())
	var picture []byte
	tab.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) (err error) {
		picture, err = chromedp.Run(ctx, chromedp.FullScreenshot(100))
		return err
	}))
	tab.Do(tab.screen.size())
	require.NoError(tab.t, os.MkdirAll(folder, 0o755))
	require.NoError(tab.t, os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644))
}

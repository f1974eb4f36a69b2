package widgets_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/e2e/browser"
)

// tab is the browser with the shop's page.
type tab struct {
	t   *testing.T
	ctx context.Context

	others map[target.ID]context.Context // windows and frames that have been looked at
}

var (
	launch sync.Once
	shared context.Context // browser of all tests that need no flags
	hangUp = func() {}
)

// start starts a browser.
func start(flags ...chromedp.ExecAllocatorOption) (context.Context, func()) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser.Path()), chromedp.NoSandbox, chromedp.Flag("site-per-process", true))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), append(options, flags...)...)
	ctx, end := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		panic("the browser does not start: " + err.Error())
	}
	return ctx, func() { end(); cancel() }
}

// openTab is a tab without a past; width is that of the window. With flags it has
// a browser of its own.
func openTab(t *testing.T, width int, flags ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	launch.Do(func() { shared, hangUp = start() })
	in := shared
	if len(flags) > 0 {
		own, end := start(flags...)
		t.Cleanup(end)
		in = own
	}
	ctx, end := chromedp.NewContext(in, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), 900)))
	b := &tab{t, ctx, make(map[target.ID]context.Context)}
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		for _, e := range value[[]string](b, "window.events || []") {
			require.NotRegexp(t, "^(csp|exception) ", e)
		}
	})
	return b
}

func (b *tab) open(address string) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.Navigate(address)))
}

// patience is how long a test waits for what should happen.
const patience = 30 * time.Second

// within runs an action that must end.
func within[T any](ctx context.Context, action chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, action)
}

func (b *tab) click(selector string) {
	b.t.Helper()
	for _, action := range []chromedp.Action[chromedp.Void]{chromedp.WaitEnabled(selector), chromedp.Click(selector)} {
		_, err := within(b.ctx, action)
		require.NoError(b.t, err, "%s, events %q", selector, value[[]string](b, "window.events || []"))
	}
}

// value evaluates an expression in the shop's page.
func value[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := within(b.ctx, chromedp.Evaluate[T](expression))
	require.NoError(b.t, err)
	return v
}

// eventually waits until the expression is true in the shop's page, which may be
// on its way to another.
func (b *tab) eventually(expression string) {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if yes, err := within(b.ctx, chromedp.Evaluate[bool](expression)); err == nil && yes {
			return
		}
	}
	require.Failf(b.t, "did not become true", "%s\nevents %q", expression, value[[]string](b, "window.events || []"))
}

// happened waits for an event of the page.
func (b *tab) happened(event string) {
	b.t.Helper()
	b.eventually(fmt.Sprintf("(window.events || []).includes(%q)", event))
}

// result waits for what the shop says.
func (b *tab) result(text string) {
	b.t.Helper()
	b.eventually(fmt.Sprintf("(document.getElementById('result') || {}).textContent.includes(%q)", text))
}

// find waits for another window or frame.
func (b *tab) find(fits func(context.Context, *target.Info) bool) context.Context {
	b.t.Helper()
	own := chromedp.FromContext(b.ctx).Target.TargetID
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		infos, err := chromedp.Targets(b.ctx)
		require.NoError(b.t, err)
		for _, info := range infos {
			if info.TargetID == own || info.Type != "iframe" && info.Type != "page" {
				continue
			}
			if b.others[info.TargetID] == nil { // leaving it would close the window
				ctx, _ := chromedp.NewContext(b.ctx, chromedp.WithTargetID(info.TargetID))
				_ = chromedp.Do(ctx) // the first lasts as long as the rest; a window may be gone already
				b.others[info.TargetID] = ctx
			}
			if ctx := b.others[info.TargetID]; fits(ctx, info) {
				return ctx
			}
		}
	}
	require.FailNow(b.t, "no such window or frame")
	return nil
}

// popup is the sign-in window.
func (b *tab) popup() context.Context {
	b.t.Helper()
	return b.find(func(_ context.Context, info *target.Info) bool { return strings.Contains(info.URL, "/ap/oa?") })
}

// decide signs in, or cancels. A window that closes itself takes its answer
// with it.
func (b *tab) decide(ctx context.Context, decision string) {
	b.t.Helper()
	_, err := within(ctx, chromedp.WaitVisible(`#ap_email`))
	require.NoError(b.t, err)
	_, _ = within(ctx, chromedp.Evaluate[bool](`setTimeout(() => document.querySelector('button[value=`+decision+`]').click(), 0) > 0`))
}

// frame is that of a widget, which is another site's.
func (b *tab) frame(title string) context.Context {
	b.t.Helper()
	return b.find(func(ctx context.Context, info *target.Info) bool {
		if info.Type != "iframe" || !strings.HasSuffix(info.URL, "/widgets/frame") {
			return false
		}
		found, err := within(ctx, chromedp.Evaluate[string]("document.title"))
		return err == nil && strings.Contains(found, title)
	})
}

// inFrame waits until the expression is true in a widget.
func (b *tab) inFrame(title, expression string) {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if yes, err := within(b.frame(title), chromedp.Evaluate[bool](expression)); err == nil && yes {
			return
		}
	}
	require.Failf(b.t, "did not become true", "%s in %s", expression, title)
}

// pick clicks on what is in a widget, when it is there.
func (b *tab) pick(title, selector string) {
	b.t.Helper()
	b.inFrame(title, fmt.Sprintf("(() => { const e = document.querySelector(%q); if (!e || e.disabled) return false; e.click(); return true; })()", selector))
}

func (b *tab) key(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		_, err := within(b.ctx, chromedp.KeyEvent(k))
		require.NoError(b.t, err)
	}
}

// shoot keeps a picture where a person has asked for one.
func (b *tab) shoot(name string) {
	b.t.Helper()
	dir := os.Getenv(browser.Screenshots)
	if dir == "" {
		return
	}
	picture, err := within(b.ctx, chromedp.FullScreenshot(100))
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644))
}

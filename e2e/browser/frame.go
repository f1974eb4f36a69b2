package browser

import (
	"context"
	"strings"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// Another opens one more tab with the cookies of this one.
func (tab *Tab) Another() *Tab {
	tab.t.Helper()
	// Not a child of the tab itself, which may be closed first.
	ctx, closeTab := chromedp.NewContext(tab.road, chromedp.WithExistingBrowserContext(chromedp.FromContext(tab.ctx).BrowserContextID))
	other := &Tab{t: tab.t, ctx: ctx, road: tab.road, screen: tab.screen}
	require.NoError(tab.t, chromedp.Listen(ctx, other.listen))
	other.begin(closeTab)
	return other
}

// Frame waits for the frame in the tab that comes from another site and whose
// title has the text in it. What it leaves on the console counts as the tab's.
// Its frame is gone when the tab shows another page: ask for it anew then.
func (tab *Tab) Frame(title string) *Tab {
	tab.t.Helper()
	return tab.find("frame "+title, func(page target.ID, info *target.Info) bool {
		return info.Type == "iframe" && string(info.ParentFrameID) == string(page) && tab.attach(info.TargetID).has(title)
	})
}

// Window waits for the window that the tab has opened, and whose address has the
// text in it. It may close itself, and then takes its answers with it: see
// [Tab.Try].
func (tab *Tab) Window(part string) *Tab {
	tab.t.Helper()
	return tab.find("window "+part, func(page target.ID, info *target.Info) bool {
		return info.Type == "page" && info.OpenerID == page && strings.Contains(info.URL, part)
	})
}

func (tab *Tab) find(what string, fits func(page target.ID, info *target.Info) bool) *Tab {
	tab.t.Helper()
	page := chromedp.FromContext(tab.ctx).Target.TargetID
	for end := time.Now().Add(Patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		infos, err := chromedp.Targets(tab.ctx)
		require.NoError(tab.t, err)
		for _, info := range infos {
			if fits(page, info) {
				return tab.attach(info.TargetID)
			}
		}
	}
	require.FailNow(tab.t, "it is not there", "%s, problems so far: %q", what, tab.Problems())
	return nil
}

// attach looks at a frame or a window; leaving it is left to the end of the tab.
func (tab *Tab) attach(id target.ID) *Tab {
	if other := tab.others[id]; other != nil {
		return other
	}
	ctx, _ := chromedp.NewContext(tab.ctx, chromedp.WithTargetID(id), chromedp.WithDetachOnCancel())
	other := &Tab{t: tab.t, ctx: ctx}
	_ = chromedp.Listen(ctx, tab.listen)
	_ = chromedp.Do(ctx) // it may be gone already
	if tab.others == nil {
		tab.others = make(map[target.ID]*Tab)
	}
	tab.others[id] = other
	return other
}

// has reports whether a frame is there, with the text in its title.
func (tab *Tab) has(title string) bool {
	ctx, cancel := context.WithTimeout(tab.ctx, time.Second)
	defer cancel()
	found, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.title"))
	return err == nil && strings.Contains(found, title)
}

// Pick clicks on what the selector finds in a frame, as soon as it can be
// clicked on. Title is as in [Tab.Frame].
func (tab *Tab) Pick(title, selector string) {
	tab.t.Helper()
	tab.InFrame(title, "(e => e && !e.disabled && (e.click(), true))(document.querySelector("+quote(selector)+"))")
}

// InFrame waits until an expression is true in a frame, which may be replaced
// meanwhile. Title is as in [Tab.Frame].
func (tab *Tab) InFrame(title, expression string) {
	tab.t.Helper()
	for end := time.Now().Add(Patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(tab.Frame(title).ctx, time.Second)
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		cancel()
		if err == nil && ok {
			return
		}
	}
	require.FailNow(tab.t, "it does not come true", "%s in %s, problems so far: %q", expression, title, tab.Problems())
}

// keepPolicy remembers the Content-Security-Policy of a document.
func (tab *Tab) keepPolicy(e *network.EventResponseReceived) {
	if e.Type != network.ResourceTypeDocument || e.Response == nil || e.Response.Status/100 == 3 {
		return
	}
	policy := ""
	for name, value := range e.Response.Headers {
		if strings.EqualFold(name, "Content-Security-Policy") {
			policy, _ = value.(string)
		}
	}
	address, _, _ := strings.Cut(e.Response.URL, "?")
	tab.mu.Lock()
	defer tab.mu.Unlock()
	if tab.policies == nil {
		tab.policies = make(map[string]string)
	}
	tab.policies[address] = policy
}

// Policies are the Content-Security-Policies of all pages so far, by address
// without the query; "" is a page without one.
func (tab *Tab) Policies() map[string]string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	policies := make(map[string]string, len(tab.policies))
	for address, policy := range tab.policies {
		policies[address] = policy
	}
	return policies
}

// Try evaluates an expression. Unlike [Eval] it may run in a goroutine of its
// own.
func (tab *Tab) Try(expression string) error {
	_, err := chromedp.Run(tab.ctx, chromedp.Evaluate[bool](expression))
	return err
}

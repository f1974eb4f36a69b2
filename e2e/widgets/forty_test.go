package widgets_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// openForty starts examples/widgets beside a mock, and opens its basket.
func openForty(t *testing.T, region string) *tab {
	t.Helper()
	m := startMock(t, "-region", region)
	cmd := exec.Command(filepath.Join(programs, "widgets"))
	cmd.Env = append(os.Environ(), "ADDRESS=localhost:0", "AMAZONPAY_MOCK="+m.HTTP[0], "AMAZONPAY_REGION="+region)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	b := openTab(t, 1280)
	b.Expect("favicon.ico")
	b.Visit(strings.TrimSpace(strings.TrimPrefix(line, "The shop is open: ")))
	b.Eventually("document.querySelector('#amazonpay-pay button')")
	return b
}

// TestForty is the program of forty lines, with a buyer at it.
func TestForty(t *testing.T) {
	subscribe := func(b *tab) {
		b.t.Helper()
		b.click("#amazonpay-pay button")
		b.decide("allow")
		b.Eventually("location.pathname === '/subscribe' && location.search === '' && document.querySelector('#amazonpay-consent iframe')")
		b.InFrame("payment methods", "document.querySelector('input:checked')")
		b.Pick("consent", "#consent:not(:checked)")
		b.click("#amazonpay-confirm")
	}
	t.Run("United States", func(t *testing.T) {
		b := openForty(t, "NA")
		subscribe(b)
		b.Sees("#thanks", "Paid")
	})
	t.Run("United Kingdom", func(t *testing.T) {
		b := openForty(t, "UK")
		subscribe(b)
		b.Eventually("location.pathname.startsWith('/widgets/confirm/') && document.querySelector('button')")
		b.click("button[value=Failure]")
		b.Eventually("location.pathname === '/subscribe' && document.querySelector('#amazonpay-consent iframe')")
		b.InFrame("payment methods", "document.querySelector('input:checked')")
		b.Pick("consent", "#consent:not(:checked)")
		b.click("#amazonpay-confirm")
		b.Eventually("location.pathname.startsWith('/widgets/confirm/') && document.querySelector('button')")
		b.click("button[value=Success]")
		b.Sees("#thanks", "Paid")
	})
	t.Run("denied", func(t *testing.T) {
		b := openForty(t, "UK")
		b.Expect("500 (Internal Server Error)")
		b.click("#amazonpay-pay button")
		b.decide("deny")
		b.Sees("#sorry", "That did not work.")
		b.Click("#sorry a")
		b.Eventually("location.pathname === '/basket' && document.querySelector('#amazonpay-pay button')")
	})
}

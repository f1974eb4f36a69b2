// Package shop_test buys tea in the shop of examples/checkout, with a browser, at
// a mock of Amazon.
package shop_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/e2e/browser"
)

func TestMain(m *testing.M) {
	code := browser.Run(m)
	if programs != "" {
		_ = os.RemoveAll(programs)
	}
	os.Exit(code)
}

var (
	once     sync.Once
	programs string // the folder with the mock and the shop, once they are built
	problem  error
)

func build() {
	if programs, problem = os.MkdirTemp("", "amazonpay-e2e-"); problem != nil {
		return
	}
	for name, module := range map[string]string{"amazonpay-mock": "../../cmd/amazonpay-mock", "checkout": "../../examples/checkout"} {
		cmd := exec.Command("go", "build", "-C", module, "-o", filepath.Join(programs, name), ".")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if problem = cmd.Run(); problem != nil {
			_, _ = io.Copy(os.Stderr, &out)
			return
		}
	}
}

// shop is a shop with an Amazon of its own: two processes.
type shop struct {
	t    *testing.T
	url  string
	mock string // its address
}

const buyer = "susan@example.com"

func openShop(t *testing.T, region string) *shop {
	t.Helper()
	if browser.Path() == "" {
		browser.Open(t, browser.Screen{}) // skips, and says why
	}
	once.Do(build)
	require.NoError(t, problem, "the programs can be built")
	s := &shop{t: t}
	s.startMock(region)
	s.start(region)
	return s
}

func (s *shop) startMock(region string) {
	s.t.Helper()
	ready := filepath.Join(s.t.TempDir(), "ready.json")
	cmd := exec.Command(filepath.Join(programs, "amazonpay-mock"), "-http", "127.0.0.1:0", "-https", "off", "-quiet", "-region", region, "-ready-file", ready)
	cmd.Stderr = os.Stderr
	require.NoError(s.t, cmd.Start())
	s.ends(cmd)
	var is struct{ HTTP []string }
	require.Eventually(s.t, func() bool {
		text, err := os.ReadFile(ready)
		return err == nil && json.Unmarshal(text, &is) == nil && len(is.HTTP) == 1
	}, 2*browser.Patience, 5*time.Millisecond)
	s.mock = is.HTTP[0]
}

// start starts the shop, and waits for the line that says where it is.
func (s *shop) start(region string) {
	s.t.Helper()
	cmd := exec.Command(filepath.Join(programs, "checkout"), "-addr", "localhost:0", "-open=false", "-region", region, "-mock", s.mock)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "AMAZONPAY_") { // those of a sandbox, say
			cmd.Env = append(cmd.Env, variable)
		}
	}
	log := new(bytes.Buffer)
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	require.NoError(s.t, err)
	require.NoError(s.t, cmd.Start())
	s.t.Cleanup(func() { // after the end of the process
		for _, secret := range []string{"Atza", buyer, "Susan", "Ditka", "not-a-secret-key"} {
			assert.NotContains(s.t, log.String(), secret, "the log tells nothing about buyers and keys")
		}
		if s.t.Failed() {
			s.t.Log(log.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	s.ends(cmd)
	require.NoError(s.t, err)
	s.url = strings.TrimSpace(strings.TrimPrefix(line, "The shop is open: "))
	require.Regexp(s.t, `^http://localhost:\d+$`, s.url)
}

// ends lets a process finish what it has begun.
func (s *shop) ends(cmd *exec.Cmd) {
	s.t.Cleanup(func() {
		require.NoError(s.t, cmd.Process.Signal(syscall.SIGTERM))
		kill := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		require.NoError(s.t, cmd.Wait(), "it ends in peace")
	})
}

// ask reads from the mock's control API.
func (s *shop) ask(path string, into any) {
	s.t.Helper()
	resp, err := http.Get(s.mock + "/mock/" + path)
	require.NoError(s.t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(s.t, http.StatusOK, resp.StatusCode, path)
	require.NoError(s.t, json.NewDecoder(resp.Body).Decode(into))
}

// steer posts to it.
func (s *shop) steer(path, body string) {
	s.t.Helper()
	resp, err := http.Post(s.mock+"/mock/"+path, "application/json", strings.NewReader(body))
	require.NoError(s.t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(s.t, http.StatusOK, resp.StatusCode, path+body)
}

// charged asks which money moved, such as "Captured 24.00 USD".
func (s *shop) charged(want ...string) {
	s.t.Helper()
	var ledger []struct {
		Kind   string
		Amount any
	}
	s.ask("ledger", &ledger)
	moved := []string{}
	for _, m := range ledger {
		text, _ := json.Marshal(m.Amount)
		moved = append(moved, m.Kind+" "+strings.Join(regexp.MustCompile(`[\d.]+|[A-Z]{3}`).FindAllString(string(text), -1), " "))
	}
	assert.Equal(s.t, append([]string{}, want...), moved, "the mock's ledger")
}

// states are those of all agreements at Amazon, in the order of making.
func (s *shop) states() (states []string) {
	s.t.Helper()
	var books struct{ Agreements []struct{ State string } }
	s.ask("state", &books)
	for _, a := range books.Agreements {
		states = append(states, a.State)
	}
	return states
}

// Command checkout is a small shop that sells a subscription: Login with Amazon,
// address, payment method, consent, confirmation, the charges of every month, and
// an account where the buyer repairs a declined payment and cancels.
//
//	go run -C examples/checkout .
//
// It brings its own Amazon: the mock server of this repository. With keys in the
// environment it runs against Amazon's sandbox. The README beside this file
// tells what to look at.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	switch err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "checkout:", err)
		os.Exit(1)
	}
}

// flags are what the command line says.
type flags struct {
	addr, region, url, mock string
	open                    bool
}

func parseFlags(args []string, getenv func(string) string, out io.Writer) (f flags, err error) {
	region := getenv("AMAZONPAY_REGION")
	if region == "" {
		region = string(amazonpay.RegionUK)
	}
	set := flag.NewFlagSet("checkout", flag.ContinueOnError)
	set.SetOutput(out)
	set.StringVar(&f.addr, "addr", "localhost:8700", "listen on `ADDRESS`")
	set.StringVar(&f.region, "region", region, "NA, UK, EU or JP; UK and EU have the confirmation by the buyer's bank")
	set.StringVar(&f.url, "url", "", "`URL` of the shop as browsers and Amazon see it, if it is behind a tunnel or a proxy")
	set.StringVar(&f.mock, "mock", "", "`URL` of an amazonpay-mock that runs already")
	set.BoolVar(&f.open, "open", true, "open the shop in the browser")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if set.NArg() > 0 {
		return f, errors.New("there are arguments behind the flags")
	}
	_, err = amazonpay.ParseRegion(f.region)
	return f, err
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	f, err := parseFlags(args, getenv, stderr)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", f.addr)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	if f.url == "" {
		f.url = "http://" + net.JoinHostPort("localhost", fmt.Sprint(listener.Addr().(*net.TCPAddr).Port))
	}
	c, where, stop, err := account(ctx, f, getenv, stderr)
	if err != nil {
		return err
	}
	defer stop()
	c.URL, c.Now, c.Key = f.url, time.Now, make([]byte, 32)
	_, _ = rand.Read(c.Key) // never fails
	c.Logger = slog.New(slog.NewTextHandler(stderr, nil))
	s, err := newShop(c)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "The shop is open: %s\nAmazon Pay is %s\n\nEnd with Ctrl-C.\n", f.url, where)
	if f.open {
		openBrowser(f.url)
	}
	return s.listen(ctx, listener)
}

// listen serves until the context ends, and does meanwhile what no buyer waits
// for.
func (s *shop) listen(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 20 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	var background sync.WaitGroup
	background.Go(func() { s.everyNow(ctx) })
	closed := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		// What has begun is finished: a charge above all.
		patient, cancel := context.WithTimeout(context.Background(), patience+5*time.Second)
		defer cancel()
		closed <- server.Shutdown(patient)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	err := <-closed
	background.Wait()
	return err
}

// everyNow keeps up until the context ends.
func (s *shop) everyNow(ctx context.Context) {
	ticker := time.NewTicker(15 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.keepUp(ctx)
		}
	}
}

// account is the seller's: the sandbox, if the environment holds its keys,
// otherwise a mock.
func account(ctx context.Context, f flags, getenv func(string) string, stderr io.Writer) (config, string, func(), error) {
	nothing := func() {}
	names := []string{"SELLER_ID", "ACCESS_KEY", "SECRET_KEY", "LOGIN_CLIENT_ID"}
	values, absent := make(map[string]string), []string{}
	for _, name := range names {
		if values[name] = getenv("AMAZONPAY_" + name); values[name] == "" {
			absent = append(absent, "AMAZONPAY_"+name)
		}
	}
	switch len(absent) {
	case 0:
		if f.mock != "" {
			return config{}, "", nothing, errors.New("-mock goes without the AMAZONPAY_ variables")
		}
		return config{Demo: true, Amazon: amazonpay.Config{
			SellerID: values["SELLER_ID"], AccessKey: values["ACCESS_KEY"], SecretKey: amazonpay.NewSecretKey(values["SECRET_KEY"]),
			Region: amazonpay.Region(f.region), Environment: amazonpay.Sandbox, LoginClientID: values["LOGIN_CLIENT_ID"],
			ApplicationName: "amazonpay-go example shop",
		}}, "Amazon's sandbox", nothing, nil
	case len(names):
	default:
		return config{}, "", nothing, fmt.Errorf("the sandbox needs %v as well", absent)
	}
	base, stop := f.mock, nothing
	if base == "" {
		m, err := startMock(ctx, f.region, f.url+"/amazonpay/notifications", stderr)
		if err != nil {
			return config{}, "", nothing, err
		}
		base, stop = m.url, m.stop
	}
	c, err := mockAccount(ctx, base, f.region)
	if err != nil {
		stop()
		return config{}, "", nothing, err
	}
	return c, "a mock: " + base, stop, nil
}

// openBrowser does its best.
func openBrowser(address string) {
	if _, err := url.Parse(address); err != nil {
		return
	}
	command := map[string][]string{"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"}}[runtime.GOOS]
	if command == nil {
		command = []string{"xdg-open"}
	}
	_ = exec.Command(command[0], append(command[1:], address)...).Start()
}

// Command amazonpay-mock is the fake Amazon Pay of package amazonpaytest as a
// server, for clients in any language and for browsers. Without flags it
// listens on this machine only, and says how a client is pointed at it:
//
//	go run ./cmd/amazonpay-mock
//
// The README beside this file tells the rest: how to let the SDKs of other
// languages in, how to trust its certificates, how to steer it while it runs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the next ends the process at once. Who signals a
	// process and its group sends two that are meant as one.
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second/2, stop) })
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "amazonpay-mock:", err)
	}
	os.Exit(exitCode(err))
}

// usageError is a mistake in the flags or in the environment.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// exitCode is 2 for a mistake in the command line, as of other commands.
func exitCode(err error) int {
	if _, usage := errors.AsType[usageError](err); usage {
		return 2
	}
	if err != nil {
		return 1
	}
	return 0
}

// run serves until the context ends. The arguments are those behind the
// program's name, the environment is in the form of [os.Environ].
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	c, err := readConfig(args, environ, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return usageError{fmt.Errorf("%w\nsee amazonpay-mock -h", err)}
	}
	s, err := newServer(c, stderr)
	if err != nil {
		return err
	}
	return s.serve(ctx, stdout)
}

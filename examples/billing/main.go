// Command billing is a billing service for recurring payments: a ledger of what
// subscribers owe, workers that charge them, dunning, notifications and a
// reconciler, on the job queue River. Without arguments it bills 300 subscribers
// on an embedded fake Amazon Pay, on a bad day, and compares its ledger with the
// fake's books:
//
//	go run -C examples/billing .
//
// It exits with status 1 if they differ by a cent. The README beside this file
// has more commands, docs/billing.md tells how to run it for real.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	o, err := readOptions(os.Args[1:], os.Getenv, os.Stderr)
	if err == nil {
		err = run(ctx, o, os.Stdout)
	}
	switch {
	case err == nil || errors.Is(err, errHelp):
	default:
		fmt.Fprintln(os.Stderr, "billing:", err)
		os.Exit(1)
	}
}

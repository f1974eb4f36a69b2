// Command subscription tells the life of one subscription: the buyer's consent,
// twelve monthly charges, a declined card and its repair, a charge whose answer
// is lost, a partial refund, the end. It runs on an embedded fake Amazon Pay:
//
//	go run ./examples/subscription
//
// The same story runs against Amazon's sandbox if the environment holds all of
//
//	AMAZONPAY_SELLER_ID             your merchant id
//	AMAZONPAY_ACCESS_KEY            MWS access key id
//	AMAZONPAY_SECRET_KEY            MWS secret access key
//	AMAZONPAY_REGION                NA, UK, EU or JP
//	AMAZONPAY_BILLING_AGREEMENT_ID  a Draft agreement (C…) that a sandbox buyer
//	                                has made and consented to in the widgets
//
// where months do not pass between the charges. It exits with status 1 if the
// totals that it kept differ from Amazon's books.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "subscription:", err)
		os.Exit(1)
	}
}

// run tells the story in the place that the environment names.
func run(ctx context.Context, out io.Writer, getenv func(string) string) error {
	where, err := newPlace(getenv)
	if err != nil {
		return err
	}
	s := &story{place: where, out: out, today: where.now()}
	return s.tell(ctx)
}

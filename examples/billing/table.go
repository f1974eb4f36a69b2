package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// traffic is what a run cost.
type traffic struct {
	requests, throttled int64
	took, floor         time.Duration // zero floor: no quota
}

// table prints how a run ended.
func (r *report) table(out io.Writer, cost traffic) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name string, value any, note string) { fmt.Fprintf(w, "  %s\t%v\t%s\n", name, value, note) }
	row("obligations", r.Obligations, "")
	row("paid", r.Paid, pricesOf(r.Taken))
	row("  recovered by dunning", r.Recovered, "not by the first attempt")
	if r.Chargebacks > 0 || r.Refunded != nil || r.TakenBack != nil {
		row("  refunded", pricesOf(r.Refunded), "by the shop")
		row("  taken back", pricesOf(r.TakenBack), fmt.Sprintf("lost chargebacks and claims; %d chargebacks were heard of", r.Chargebacks))
	}
	row("wait for the buyer", r.Waiting, "another payment method is needed")
	for _, reason := range slices.Sorted(maps.Keys(r.Failed)) {
		row("given up", r.Failed[reason], reason)
	}
	row("pending", r.Open[pending], "")
	row("unknown", r.Open[unknown]+r.Open[sending], "")
	row("not sent yet", r.Open[intent], "")
	for _, reason := range slices.Sorted(maps.Keys(r.Held)) {
		row("  held back", r.Held[reason], reason)
	}
	fmt.Fprintln(w, "\t\t")
	row("attempts", r.Attempts, "each with its own reference id")
	for _, reason := range slices.Sorted(maps.Keys(r.Declines)) {
		row("  declined", r.Declines[reason], reason)
	}
	row("sent", r.Requests, "attempts, with those that were repeated")
	if cost.requests > 0 && r.Attempts > 0 {
		row("requests", cost.requests, fmt.Sprintf("%.2f per attempt: charges, repeats and readings", float64(cost.requests)/float64(r.Attempts)))
		row("  throttled", cost.throttled, "")
	}
	if cost.floor > 0 {
		row("quota's floor", cost.floor.Round(10*time.Millisecond), "for that many attempts; the run waits for the days of dunning, too")
	}
	row("time", cost.took.Round(10*time.Millisecond), "")
	_ = w.Flush()
}

func pricesOf(sums []amazonpay.Price) string {
	texts := make([]string, len(sums))
	for i, sum := range sums {
		texts[i] = sum.String()
	}
	return strings.Join(texts, ", ")
}

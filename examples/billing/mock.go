package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// mock is the control API of an amazonpay-mock: its buyers and its books.
type mock struct {
	base string
}

func (m mock) ask(ctx context.Context, method, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(m.base, "/")+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	if err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: is it an amazonpay-mock?", method, path, response.Status)
	}
	return json.Unmarshal(read, answer)
}

// subscribers sign up at the mock.
func (m mock) subscribers(ctx context.Context, n int, declines float64, seed uint64, now time.Time) iter.Seq2[subscription, error] {
	return func(yield func(subscription, error) bool) {
		dice := rand.New(rand.NewPCG(seed, 3))
		for i := range n {
			card := amazonpaytest.GoodCard
			if dice.Float64() < declines {
				card = draw(dice).method
			}
			var made struct {
				ID amazonpay.BillingAgreementID `json:"id"`
			}
			err := m.ask(ctx, http.MethodPost, "/mock/acts", map[string]any{"do": "OpenBillingAgreement", "payment": card}, &made)
			sub := subscription{name: fmt.Sprintf("subscriber-%06d", i+1), agreement: made.ID, amount: amazonpay.MustPrice("9.99", amazonpay.CurrencyUSD), anchor: now.Day(), due: now}
			if !yield(sub, err) || err != nil {
				return
			}
		}
	}
}

// books reads the mock's ledger, page by page.
func (m mock) books(ctx context.Context) iter.Seq2[movement, error] {
	return func(yield func(movement, error) bool) {
		const limit = 1000
		for offset := 0; ; offset += limit {
			var lines []struct {
				Amount    amazonpay.Price       `json:"amount"`
				Reference amazonpay.ReferenceID `json:"reference"`
				Refund    amazonpay.RefundID    `json:"refund"`
			}
			if err := m.ask(ctx, http.MethodGet, fmt.Sprintf("/mock/ledger?limit=%d&offset=%d", limit, offset), nil, &lines); err != nil {
				yield(movement{}, err)
				return
			}
			for _, l := range lines {
				if !yield(movement{l.Reference, l.Refund, l.Amount}, nil) {
					return
				}
			}
			if len(lines) < limit {
				return
			}
		}
	}
}

// turn lets the mock's days pass with the calendar, until the context ends. A
// mock that was away for a while is put ahead by all of it. One process of a
// fleet does it.
func (m mock) turn(ctx context.Context, c calendar, log *slog.Logger) {
	const every = 500 * time.Millisecond
	const most = 10 * 365 * 24 * time.Hour // at once: the mock takes 20 years
	away := false
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
		now := time.Now()
		ahead := min(most, now.Sub(last)*time.Duration(c.speed))
		var answer any
		err := m.ask(ctx, http.MethodPost, "/mock/clock", map[string]string{"advance": ahead.String()}, &answer)
		if err == nil {
			last = now
		} else if !away && ctx.Err() == nil {
			log.WarnContext(ctx, "the mock's clock stands still", "error", err)
		}
		away = err != nil
	}
}

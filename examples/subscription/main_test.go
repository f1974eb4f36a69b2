package main

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestStory(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(context.Background(), &out, environment(nil)))
	text := out.String()
	assert.Equal(t, 14, strings.Count(text, "  Paid  "), "charges")
	assert.Equal(t, 1, strings.Count(text, "Declined/InvalidPaymentMethod"))
	assert.Contains(t, text, "the outcome of C01-")
	assert.Contains(t, text, "ours     278.60 USD    5.00 USD\n   books    278.60 USD    5.00 USD\n")
}

func TestStoryNoticesDifferentBooks(t *testing.T) {
	where, err := newFake()
	require.NoError(t, err)
	var out strings.Builder
	s := &story{place: where, out: &out, today: where.now()}
	require.NoError(t, s.tell(context.Background()))
	s.captured, err = s.captured.Add(s.price)
	require.NoError(t, err)
	assert.ErrorContains(t, s.compare(context.Background()), "differ")
}

func TestPlace(t *testing.T) {
	_, err := newPlace(environment(map[string]string{"AMAZONPAY_SELLER_ID": "S", "AMAZONPAY_REGION": "NA"}))
	assert.EqualError(t, err, "the sandbox needs AMAZONPAY_ACCESS_KEY, AMAZONPAY_SECRET_KEY, AMAZONPAY_BILLING_AGREEMENT_ID as well")

	all := map[string]string{
		"AMAZONPAY_SELLER_ID": "S", "AMAZONPAY_ACCESS_KEY": "A", "AMAZONPAY_SECRET_KEY": "K",
		"AMAZONPAY_REGION": "DE", "AMAZONPAY_BILLING_AGREEMENT_ID": "C02-1234567-1234567",
	}
	where, err := newPlace(environment(all))
	require.NoError(t, err)
	assert.Equal(t, "Amazon's sandbox", where.name())
	assert.EqualValues(t, "EU", where.client().Region())

	all["AMAZONPAY_REGION"] = "Mars"
	_, err = newPlace(environment(all))
	assert.ErrorContains(t, err, "Region")
}

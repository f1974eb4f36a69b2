package amazonpay_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

// pages answers the list operations: the page named by the token holds some
// orders and the token of the next. The first one's token is "".
func pages(orders ...int) func(form url.Values) (int, string) {
	return func(form url.Values) (int, string) {
		action, page := form.Get("Action"), 0
		if action == "ListOrderReferenceByNextToken" {
			if _, err := fmt.Sscanf(form.Get("NextPageToken"), "page+/%d==", &page); err != nil {
				return http.StatusBadRequest, err.Error()
			}
		}
		var b strings.Builder
		for i := range orders[page] {
			fmt.Fprintf(&b, "<OrderReference><AmazonOrderReferenceId>S02-%d-%d</AmazonOrderReferenceId></OrderReference>", page, i)
		}
		next := ""
		if page+1 < len(orders) {
			next = fmt.Sprintf("<NextPageToken>page+/%d==</NextPageToken>", page+1)
		}
		return http.StatusOK, fmt.Sprintf("<%[1]sResponse><%[1]sResult><OrderReferenceList>%s</OrderReferenceList>%s</%[1]sResult></%[1]sResponse>", action, b.String(), next)
	}
}

const (
	listFirst = "ListOrderReference"
	listNext  = "ListOrderReferenceByNextToken"
)

var listRequest = amazonpay.ListOrderReferenceRequest{QueryID: "order-2024-0042"}

func TestOrderReferences(t *testing.T) {
	for _, test := range []struct {
		name     string
		orders   []int
		want     []amazonpay.OrderReferenceID
		requests []string
	}{
		{"nothing", []int{0}, nil, []string{listFirst}},
		{"one page", []int{2}, []amazonpay.OrderReferenceID{"S02-0-0", "S02-0-1"}, []string{listFirst}},
		{"three pages", []int{2, 1, 1}, []amazonpay.OrderReferenceID{"S02-0-0", "S02-0-1", "S02-1-0", "S02-2-0"}, []string{listFirst, listNext, listNext}},
		{"empty pages with a token", []int{0, 0, 1, 0}, []amazonpay.OrderReferenceID{"S02-2-0"}, []string{listFirst, listNext, listNext, listNext}},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := &exchange{answer: pages(test.orders...)}
			walk := x.client(t).OrderReferences(t.Context(), listRequest)
			assert.Empty(t, x.actions(), "nothing is sent before the walk")
			for range 2 { // a walk can be repeated, from the start
				x.sent = nil
				var orders []*amazonpay.OrderReference
				for order, err := range walk {
					require.NoError(t, err)
					orders = append(orders, order)
				}
				var got []amazonpay.OrderReferenceID
				for _, o := range orders { // they stay as they were when the walk went on
					got = append(got, o.AmazonOrderReferenceID)
				}
				assert.Equal(t, test.want, got)
				assert.Equal(t, test.requests, x.actions())
				for _, s := range x.sent {
					first := s.form.Get("Action") == listFirst
					assert.Equal(t, first, s.form.Has("QueryId"))
					assert.Equal(t, first, s.form.Has("PaymentDomain"))
					assert.NotEqual(t, first, s.form.Has("NextPageToken"))
				}
			}
		})
	}
}

func TestOrderReferencesBreak(t *testing.T) {
	for stop, want := range map[int][]string{
		1: {listFirst}, 2: {listFirst}, // also behind the last one of a page
		3: {listFirst, listNext},
	} {
		x := &exchange{answer: pages(2, 2, 2)}
		seen := 0
		for _, err := range x.client(t).OrderReferences(t.Context(), listRequest) {
			require.NoError(t, err)
			if seen++; seen == stop {
				break
			}
		}
		assert.Equal(t, stop, seen)
		assert.Equal(t, want, x.actions(), "no further request")
	}
}

func TestOrderReferencesError(t *testing.T) {
	for _, failing := range []string{listFirst, listNext} {
		t.Run(failing, func(t *testing.T) {
			good := pages(1, 1)
			x := &exchange{answer: func(form url.Values) (int, string) {
				if form.Get("Action") == failing {
					return http.StatusBadRequest, "<ErrorResponse><Error><Code>InvalidParameterValue</Code></Error></ErrorResponse>"
				}
				return good(form)
			}}
			orders, errs := 0, 0
			for order, err := range x.client(t).OrderReferences(t.Context(), listRequest) {
				if err != nil {
					errs++
					assert.Nil(t, order)
					assert.ErrorIs(t, err, amazonpay.ErrInvalidParameterValue)
					assertAction(t, failing, err)
					continue // the walk ends by itself
				}
				orders++
			}
			assert.Equal(t, 1, errs)
			assert.Equal(t, map[string]int{listFirst: 0, listNext: 1}[failing], orders)
			for _, err := range x.client(t).OrderReferences(t.Context(), listRequest) {
				if err != nil {
					break // leaving on the error is no fault
				}
			}
		})
	}
	t.Run("invalid", func(t *testing.T) {
		x := &exchange{answer: pages(1)}
		walked := false
		for order, err := range x.client(t).OrderReferences(t.Context(), amazonpay.ListOrderReferenceRequest{}) {
			walked = true
			assert.Nil(t, order)
			assert.Equal(t, []string{"QueryID is required"}, faultsOf(t, err))
		}
		assert.True(t, walked)
		assert.Empty(t, x.actions())
	})
}

func TestOrderReferencesContext(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		x := &exchange{answer: pages(1)}
		steps := 0
		for order, err := range x.client(t).OrderReferences(ctx, listRequest) {
			steps++
			assert.Nil(t, order)
			assert.ErrorIs(t, err, context.Canceled)
		}
		assert.Equal(t, 1, steps)
		assert.Empty(t, x.actions())
	})
	t.Run("between pages", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		x := &exchange{answer: pages(2, 2)}
		orders, errs := 0, 0
		for _, err := range x.client(t).OrderReferences(ctx, listRequest) {
			if err != nil {
				errs++
				assert.ErrorIs(t, err, context.Canceled)
				continue
			}
			orders++
			cancel() // what has been read already still comes
		}
		assert.Equal(t, 2, orders)
		assert.Equal(t, 1, errs)
		assert.Equal(t, []string{listFirst}, x.actions())
	})
}

// A page token has no length that this side knows, and comes back as it came.
func TestPageTokenIsUntouched(t *testing.T) {
	token := strings.Repeat("aZ09+/", 4000) + "=="
	x := &exchange{answer: func(form url.Values) (int, string) {
		next := ""
		if form.Get("Action") == listFirst {
			next = "<NextPageToken>\n  " + token + "\n</NextPageToken>"
		}
		return http.StatusOK, fmt.Sprintf("<%[1]sResponse><%[1]sResult><OrderReferenceList/>%s</%[1]sResult></%[1]sResponse>", form.Get("Action"), next)
	}}
	for _, err := range x.client(t).OrderReferences(t.Context(), listRequest) {
		require.NoError(t, err)
	}
	require.Len(t, x.sent, 2)
	assert.Equal(t, token, x.sent[1].form.Get("NextPageToken"))
}

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

// tree answers the four operations that PaymentDetails uses, from a table of
// ids and the ids below them. What is not in the table is unknown to Amazon.
func tree(below map[string]string) func(form url.Values) (int, string) {
	return func(form url.Values) (int, string) {
		action := form.Get("Action")
		kind := strings.TrimSuffix(strings.TrimPrefix(action, "Get"), "Details")
		id := form.Get("Amazon" + kind + "Id")
		ids, ok := below[id]
		if !ok {
			return http.StatusNotFound, "<ErrorResponse><Error><Code>InvalidTransactionId</Code></Error></ErrorResponse>"
		}
		var list strings.Builder
		for _, child := range strings.Fields(ids) {
			fmt.Fprintf(&list, "<member>%s</member>", child)
		}
		return http.StatusOK, fmt.Sprintf("<%[1]sResponse><%[1]sResult><%[2]sDetails><Amazon%[2]sId>%[3]s</Amazon%[2]sId><IdList>%[4]s</IdList></%[2]sDetails></%[1]sResult></%[1]sResponse>",
			action, kind, id, list.String())
	}
}

// outline is a tree of payments as text: S[A1[C1[R1 R2]] A2].
func outline(d *amazonpay.PaymentDetails) string {
	if d == nil {
		return ""
	}
	var authorizations []string
	for _, a := range d.Authorizations {
		var captures []string
		for _, c := range a.Captures {
			var refunds []string
			for _, r := range c.Refunds {
				refunds = append(refunds, string(r.AmazonRefundID))
			}
			captures = append(captures, fmt.Sprint(c.Capture.AmazonCaptureID, refunds))
		}
		authorizations = append(authorizations, fmt.Sprint(a.Authorization.AmazonAuthorizationID, captures))
	}
	return fmt.Sprint(d.OrderReference.AmazonOrderReferenceID, authorizations)
}

func TestPaymentDetails(t *testing.T) {
	for _, test := range []struct {
		name  string
		below map[string]string
		want  string
		sent  string // the ids asked for, in order
	}{
		{"nothing paid", map[string]string{"S": ""}, "S[]", "S"},
		{"one charge", map[string]string{"S": "A", "A": "C", "C": ""}, "S[A[C[]]]", "S A C"},
		{"a whole tree", map[string]string{"S": "A1 A2 A3", "A1": "C1", "A2": "", "A3": "C3", "C1": "R1 R2", "C3": "R3", "R1": "", "R2": "", "R3": ""},
			"S[A1[C1[R1 R2]] A2[] A3[C3[R3]]]", "S A1 C1 R1 R2 A2 A3 C3 R3"},
		{"repeated ids", map[string]string{"S": "A1 A2 A1 A1", "A1": "C1 C1", "A2": "", "C1": "R1 R2 R1", "R1": "", "R2": ""},
			"S[A1[C1[R1 R2]] A2[]]", "S A1 C1 R1 R2 A2"},
		{"Amazon's order", map[string]string{"S": "A2 A1", "A1": "", "A2": ""}, "S[A2[] A1[]]", "S A2 A1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := &exchange{answer: tree(test.below)}
			got, err := x.client(t).PaymentDetails(t.Context(), "S")
			require.NoError(t, err)
			assert.Equal(t, test.want, outline(got))
			var sent []string
			for _, s := range x.sent {
				for name := range s.form {
					if strings.HasPrefix(name, "Amazon") {
						sent = append(sent, s.form.Get(name))
					}
				}
				kind := map[byte]string{'S': "OrderReference", 'A': "Authorization", 'C': "Capture", 'R': "Refund"}[sent[len(sent)-1][0]]
				assert.Equal(t, "Get"+kind+"Details", s.form.Get("Action"))
			}
			assert.Equal(t, test.sent, strings.Join(sent, " "), "each object once")
		})
	}
}

func TestPaymentDetailsErrors(t *testing.T) {
	whole := map[string]string{"S": "A1 A2", "A1": "C1", "A2": "", "C1": "R1", "R1": ""}
	for missing, want := range map[string]struct {
		action   string
		requests int
	}{
		"S": {"GetOrderReferenceDetails", 1}, "A1": {"GetAuthorizationDetails", 2}, "C1": {"GetCaptureDetails", 3},
		"R1": {"GetRefundDetails", 4}, "A2": {"GetAuthorizationDetails", 5},
	} {
		t.Run(missing, func(t *testing.T) {
			below := map[string]string{}
			for id, ids := range whole {
				if id != missing {
					below[id] = ids
				}
			}
			x := &exchange{answer: tree(below)}
			got, err := x.client(t).PaymentDetails(t.Context(), "S")
			assert.Nil(t, got)
			assert.ErrorIs(t, err, amazonpay.ErrInvalidTransactionID)
			assertAction(t, want.action, err)
			assert.Len(t, x.sent, want.requests, "the first error ends it")
		})
	}
	t.Run("no id", func(t *testing.T) {
		x := &exchange{answer: tree(whole)}
		got, err := x.client(t).PaymentDetails(t.Context(), "")
		assert.Nil(t, got)
		assert.Equal(t, []string{"orderReferenceID is required"}, faultsOf(t, err))
		assert.ErrorContains(t, err, "amazonpay: PaymentDetails: ")
		assert.Empty(t, x.sent)
	})
	t.Run("context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		answer := tree(whole)
		x := &exchange{answer: func(form url.Values) (int, string) {
			if form.Get("Action") == "GetAuthorizationDetails" {
				cancel()
			}
			return answer(form)
		}}
		got, err := x.client(t).PaymentDetails(ctx, "S")
		assert.Nil(t, got)
		assert.ErrorIs(t, err, context.Canceled)
		assert.LessOrEqual(t, len(x.sent), 2)
	})
}

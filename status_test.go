package amazonpay_test

import (
	"fmt"
	"go/ast"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

// constants are the values of a type's constants, as the source declares them.
func constants(t *testing.T, typeName string) (values []string) {
	for _, f := range sources(t, ".") {
		ast.Inspect(f.tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			value := spec.Values[0]
			name, _ := spec.Type.(*ast.Ident)
			if call, ok := value.(*ast.CallExpr); ok && len(call.Args) == 1 {
				name, _ = call.Fun.(*ast.Ident)
				value = call.Args[0]
			}
			if lit, ok := value.(*ast.BasicLit); ok && name != nil && name.Name == typeName {
				s, err := strconv.Unquote(lit.Value)
				require.NoError(t, err)
				values = append(values, s)
			}
			return true
		})
	}
	require.NotEmpty(t, values)
	return values
}

func TestTerminal(t *testing.T) {
	want := map[string]bool{
		"Draft": false, "Open": false, "Suspended": false, "Pending": false,
		"Canceled": true, "Closed": true, "Declined": true, "Completed": true,
	}
	states := constants(t, "State")
	require.Len(t, states, len(want))
	for _, s := range states {
		assert.Contains(t, want, s)
		assert.Equal(t, want[s], amazonpay.State(s).Terminal(), s)
	}
	for _, s := range []amazonpay.State{"", "Settled", "closed", "CLOSED", "Cancelled", " Closed"} {
		assert.False(t, s.Terminal(), "%q", s)
	}
}

// A merchant ships on Paid: only what is certainly paid may be.
func TestOutcome(t *testing.T) {
	states := append(constants(t, "State"), "", "Settled", "closed", "Closed ")
	reasons := append(constants(t, "Reason"), "", "SomethingNew", "maxcapturesprocessed", "MaxCapturesProcessed ")
	for name, captured := range map[string]amazonpay.Price{
		"no amount":       {},
		"nothing":         amazonpay.MustPrice("0", "EUR"),
		"a part":          amazonpay.MustPrice("0.01", "EUR"),
		"less than zero?": amazonpay.MustPrice("-1", "EUR"),
	} {
		for _, state := range states {
			for _, reason := range reasons {
				for _, soft := range []bool{false, true} {
					want := amazonpay.OutcomePending
					switch state {
					case "Open":
						want = amazonpay.OutcomeOpen
					case "Declined":
						want = amazonpay.OutcomeDeclined
					case "Closed":
						want = amazonpay.OutcomeClosed
						if reason == "MaxCapturesProcessed" || name == "a part" {
							want = amazonpay.OutcomePaid
						}
					}
					a := amazonpay.Authorization{
						AuthorizationAmount: amazonpay.MustPrice("24.90", "EUR"), CapturedAmount: captured, SoftDecline: soft, CaptureNow: soft,
						AuthorizationStatus: amazonpay.Status{State: amazonpay.State(state), ReasonCode: amazonpay.Reason(reason)},
					}
					what := fmt.Sprintf("%q/%q, captured %s", state, reason, name)
					assert.Equal(t, want, a.Outcome(), what)
					charge := amazonpay.BillingAgreementAuthorization{Authorization: a}
					assert.Equal(t, want, charge.Outcome(), what)
				}
			}
		}
	}
	assert.Equal(t, amazonpay.OutcomePending, new(amazonpay.Authorization).Outcome(), "nothing known")
}

// The recorded answer to CaptureNow, read through the client.
func TestOutcomeOfCaptureNow(t *testing.T) {
	x := &exchange{answer: goldenAnswers}
	a, err := x.client(t).Authorize(t.Context(), operationCases()["Authorize"].request.(amazonpay.AuthorizeRequest))
	require.NoError(t, err)
	assert.Equal(t, "0.00 EUR", a.CapturedAmount.String())
	assert.Equal(t, amazonpay.OutcomePaid, a.Outcome())
}

// The spellings are Amazon's, which the constants' names repeat.
func TestConstantsAreSpelledAsTheirNames(t *testing.T) {
	checked := 0
	for _, f := range sources(t, ".") {
		ast.Inspect(f.tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			kind, _ := spec.Type.(*ast.Ident)
			lit, isText := spec.Values[0].(*ast.BasicLit)
			if kind == nil || !isText {
				return true
			}
			switch kind.Name {
			case "State", "Reason", "ConstraintID", "Outcome":
				checked++
				name := strings.TrimPrefix(spec.Names[0].Name, strings.TrimSuffix(kind.Name, "ID"))
				assert.Equal(t, strconv.Quote(name), lit.Value)
			}
			return true
		})
	}
	assert.Greater(t, checked, 40)
}

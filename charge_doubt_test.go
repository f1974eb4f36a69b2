package amazonpay_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// What Amazon may answer, though the fake never does: the answers of these tests
// are made by hand.

func resultOf(action, inner string) (int, string) {
	return 200, fmt.Sprintf("<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></%[1]sResponse>", action, inner)
}

func refusalOf(status int, code string) (int, string) {
	return status, "<ErrorResponse><Error><Type>Sender</Type><Code>" + code + "</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>"
}

// authorizationXML is an authorization of 5 euros; extra goes into it.
func authorizationXML(state, reason, extra string) string {
	return "<AuthorizationDetails><AmazonAuthorizationId>S02-1234567-1234567-A000001</AmazonAuthorizationId>" +
		"<AuthorizationAmount><Amount>5.00</Amount><CurrencyCode>EUR</CurrencyCode></AuthorizationAmount>" +
		"<CapturedAmount><Amount>0</Amount><CurrencyCode>EUR</CurrencyCode></CapturedAmount>" +
		"<AuthorizationStatus><State>" + state + "</State><ReasonCode>" + reason + "</ReasonCode></AuthorizationStatus>" + extra + "</AuthorizationDetails>"
}

func captureXML(state, reason string) string {
	return "<CaptureDetails><AmazonCaptureId>S02-1234567-1234567-C000001</AmazonCaptureId><CaptureStatus><State>" + state +
		"</State><ReasonCode>" + reason + "</ReasonCode></CaptureStatus></CaptureDetails>"
}

const (
	itsCapture = "<IdList><member>S02-1234567-1234567-C000001</member></IdList>"
	itsID      = "<AuthorizationReferenceId>r</AuthorizationReferenceId>"
	atOnce     = "<CaptureNow>true</CaptureNow>"
)

var fiveEuros = amazonpay.ChargeRequest{AmazonBillingAgreementID: "C02-1234567-1234567", ReferenceID: "r", Amount: amazonpay.MustPrice("5.00", "EUR")}

// TestChargeReadsTheCaptureOfAnyClosed: Amazon may close an authorization with a
// reason that this version does not know. If it has a capture, that decides.
func TestChargeReadsTheCaptureOfAnyClosed(t *testing.T) {
	for _, reason := range []string{"", "Settled", "SellerClosed", "AmazonClosed"} {
		for state, want := range map[string]amazonpay.Outcome{
			"Completed": amazonpay.OutcomePaid, "Pending": amazonpay.OutcomePending, "Declined": amazonpay.OutcomeDeclined,
		} {
			t.Run(reason+" "+state, func(t *testing.T) {
				x := &exchange{answer: func(form url.Values) (int, string) {
					if a := form.Get("Action"); a == "GetCaptureDetails" {
						return resultOf(a, captureXML(state, ""))
					}
					return resultOf(form.Get("Action"), authorizationXML("Closed", reason, itsID+atOnce+itsCapture))
				}}
				charge, err := x.client(t).Charge(t.Context(), fiveEuros)
				require.NoError(t, err)
				assert.Equal(t, want, charge.Outcome)
				assert.Equal(t, []amazonpay.CaptureID{"S02-1234567-1234567-C000001"}, charge.CaptureIDs)
			})
		}
	}
}

// TestChargeWaitsForTheCaptureOfCaptureNow: an authorization may be Open before
// its capture is listed. A second capture could be declined while the first one
// takes the money.
func TestChargeWaitsForTheCaptureOfCaptureNow(t *testing.T) {
	listed := ""
	x := &exchange{answer: func(form url.Values) (int, string) {
		if a := form.Get("Action"); a == "GetCaptureDetails" {
			return resultOf(a, captureXML("Completed", ""))
		}
		return resultOf(form.Get("Action"), authorizationXML("Open", "", itsID+atOnce+listed))
	}}
	client := x.client(t)
	charge, err := client.Charge(t.Context(), fiveEuros)
	require.NoError(t, err)
	assert.Equal(t, amazonpay.OutcomePending, charge.Outcome)
	assert.Equal(t, amazonpay.RetrySameID, charge.Advice.Retry)
	assert.NotContains(t, x.actions(), "Capture")

	listed = itsCapture
	charge, err = client.Charge(t.Context(), fiveEuros)
	require.NoError(t, err)
	assert.Equal(t, amazonpay.OutcomePaid, charge.Outcome)
}

// TestChargeOfSparseAnswers: what an answer leaves out is read, or known.
func TestChargeOfSparseAnswers(t *testing.T) {
	t.Run("no capture", func(t *testing.T) {
		x := &exchange{answer: func(form url.Values) (int, string) {
			ids := ""
			if form.Get("Action") == "GetAuthorizationDetails" {
				ids = itsCapture
			}
			return resultOf(form.Get("Action"), authorizationXML("Closed", "MaxCapturesProcessed", itsID+atOnce+ids))
		}}
		charge, err := x.client(t).Charge(t.Context(), fiveEuros)
		require.NoError(t, err)
		assert.Equal(t, amazonpay.OutcomePaid, charge.Outcome)
		assert.Equal(t, []amazonpay.CaptureID{"S02-1234567-1234567-C000001"}, charge.CaptureIDs)
	})
	t.Run("no reference id", func(t *testing.T) {
		captured := map[string]bool{}
		for _, id := range []amazonpay.ReferenceID{"one", "two"} {
			x := &exchange{answer: func(form url.Values) (int, string) {
				if form.Get("Action") == "Capture" {
					captured[form.Get("CaptureReferenceId")] = true
					return resultOf("Capture", captureXML("Completed", ""))
				}
				return resultOf(form.Get("Action"), authorizationXML("Open", "", ""))
			}}
			request := fiveEuros
			request.ReferenceID = id
			charge, err := x.client(t).Charge(t.Context(), request)
			require.NoError(t, err)
			assert.Equal(t, id, charge.ReferenceID)
		}
		assert.Len(t, captured, 2, "each charge's capture has an id of its own")
	})
}

// TestChargeTellsOfStopShipment: whoever ships must hear of it, and an undecided
// charge is asked for again.
func TestChargeTellsOfStopShipment(t *testing.T) {
	answer := authorizationXML("Pending", "StopShipmentAtypicalAuth", itsID)
	x := &exchange{answer: func(form url.Values) (int, string) {
		if a := form.Get("Action"); a == "GetCaptureDetails" {
			return resultOf(a, captureXML("Completed", "StopShipmentAtypicalAuth"))
		}
		return resultOf(form.Get("Action"), answer)
	}}
	client := x.client(t)
	charge, err := client.Charge(t.Context(), fiveEuros)
	require.NoError(t, err)
	assert.Equal(t, amazonpay.OutcomePending, charge.Outcome)
	assert.Contains(t, charge.Advice.Text, "stop the shipment")
	_, again := amazonpay.DefaultDunning().Next(1, charge.Advice, time.Now())
	assert.True(t, again, "the money may still be taken")

	answer = authorizationXML("Open", "", itsID+atOnce+itsCapture)
	charge, err = client.Charge(t.Context(), fiveEuros)
	require.NoError(t, err)
	assert.Equal(t, amazonpay.OutcomePaid, charge.Outcome)
	assert.Equal(t, amazonpay.ReasonStopShipmentAtypicalAuth, charge.Reason)
	assert.Contains(t, charge.Advice.Text, "stop the shipment")
}

// TestChargeGoesPastNoChallenge: an order whose buyer has not passed the bank's
// challenge is not confirmed again without it.
func TestChargeGoesPastNoChallenge(t *testing.T) {
	for _, end := range []amazonpaytest.AuthenticationStatus{amazonpaytest.AuthenticationFailure, amazonpaytest.AuthenticationAbandoned} {
		t.Run(string(end), func(t *testing.T) {
			fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true, Region: amazonpay.RegionEU})
			order, client, total := fake.NewOrderReference(), fake.Client(), amazonpay.MustPrice("5.00", "EUR")
			_, err := client.SetOrderReferenceDetails(t.Context(), amazonpay.SetOrderReferenceDetailsRequest{
				AmazonOrderReferenceID: order.ID(), OrderReferenceAttributes: amazonpay.OrderReferenceAttributes{OrderTotal: total}})
			require.NoError(t, err)
			require.NoError(t, client.ConfirmOrderReference(t.Context(), amazonpay.ConfirmOrderReferenceRequest{
				AmazonOrderReferenceID: order.ID(), SuccessURL: "https://shop.example/ok", FailureURL: "https://shop.example/no"}))
			order.Authenticate(end)
			sent := sentBy(fake, func() {
				_, err = client.Charge(t.Context(), amazonpay.ChargeRequest{AmazonOrderReferenceID: order.ID(), ReferenceID: "r", Amount: total})
			})
			require.ErrorIs(t, err, amazonpay.ErrInvalidOrderReferenceStatus)
			assert.True(t, amazonpay.AdviceFor(err).Buyer)
			assert.NotContains(t, actionsOf(sent), "ConfirmOrderReference")
			assert.True(t, fake.TotalCaptured("EUR").IsZero() || fake.TotalCaptured("EUR").Sign() == 0)
		})
	}
}

// forgetful is an Amazon whose list does not show what has just been made, and
// which looks at the state before the reference id.
type forgetful struct {
	fake *amazonpaytest.Fake
	code string
}

func (x *forgetful) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	status, text := 0, ""
	switch form.Get("Action") {
	case "ListOrderReference":
		status, text = resultOf("ListOrderReference", "<OrderReferenceList/>")
	case "AuthorizeOnBillingAgreement":
		status, text = refusalOf(400, x.code)
	}
	if status != 0 {
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(text)), Request: r, Header: http.Header{}}, nil
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	return x.fake.RoundTrip(r)
}

// TestChargeMaybeSent: after a crash a refusal is no answer until the list of
// orders can be trusted to show what was made.
func TestChargeMaybeSent(t *testing.T) {
	for _, code := range []amazonpay.ErrorCode{amazonpay.ErrInvalidBillingAgreementStatus, amazonpay.ErrPeriodicAmountExceeded,
		amazonpay.ErrTransactionCountExceeded, amazonpay.ErrDuplicateRequest} {
		t.Run(string(code), func(t *testing.T) {
			fake, request := chargeCase{method: amazonpaytest.GoodCard}.begin(t)
			func() { // a worker charges, and dies before it hears of it
				defer func() { _ = recover() }()
				_, _ = clientOver(t, fake, &mortal{fake: fake, nth: 1, after: 0}).Charge(t.Context(), request)
			}()
			require.Positive(t, fake.TotalCaptured("USD").Sign())

			request.MaybeSent = true
			_, err := clientOver(t, fake, &forgetful{fake, string(code)}).Charge(t.Context(), request)
			var unknown *amazonpay.OutcomeUnknownError
			require.ErrorAs(t, err, &unknown)
			assert.Equal(t, request.ReferenceID, unknown.ReferenceID)
			assert.ErrorIs(t, err, code)
			assert.Equal(t, amazonpay.RetrySameID, amazonpay.AdviceFor(err).Retry)

			request.MaybeSent = false
			_, err = clientOver(t, fake, &forgetful{fake, string(code)}).Charge(t.Context(), request)
			assert.NotErrorAs(t, err, &unknown)
			assert.ErrorIs(t, err, code)
			assert.NotEqual(t, amazonpay.RetryNewID, amazonpay.AdviceFor(err).Retry)
		})
	}
}

// TestChargeKnowsTheEnd: a refusal for the state of an agreement or order tells
// whether it is over, or the buyer can mend it.
func TestChargeKnowsTheEnd(t *testing.T) {
	t.Run("closed agreement", func(t *testing.T) {
		fake, request := chargeCase{method: amazonpaytest.GoodCard}.begin(t)
		require.NoError(t, fake.Client().CloseBillingAgreement(t.Context(), amazonpay.CloseBillingAgreementRequest{AmazonBillingAgreementID: request.AmazonBillingAgreementID}))
		_, err := fake.Client().Charge(t.Context(), request)
		require.ErrorIs(t, err, amazonpay.ErrInvalidBillingAgreementStatus)
		advice := amazonpay.AdviceFor(err)
		assert.True(t, advice.Over)
		assert.Equal(t, amazonpay.StateClosed, advice.State)
		_, again := amazonpay.DefaultDunning().Next(1, advice, time.Now())
		assert.False(t, again)
	})
	t.Run("suspended agreement", func(t *testing.T) {
		fake, request := chargeCase{method: amazonpaytest.BadCard}.begin(t)
		_, err := fake.Client().Charge(t.Context(), request)
		require.NoError(t, err)
		request.ReferenceID = "another"
		_, err = fake.Client().Charge(t.Context(), request)
		require.ErrorIs(t, err, amazonpay.ErrInvalidBillingAgreementStatus)
		advice := amazonpay.AdviceFor(err)
		assert.False(t, advice.Over)
		assert.True(t, advice.Buyer)
		assert.Equal(t, amazonpay.StateSuspended, advice.State)
	})
	t.Run("canceled order", func(t *testing.T) {
		fake := amazonpaytest.New(amazonpaytest.Settings{})
		order := fake.OpenOrderReference(usd("5.00")).AmazonCancel()
		_, err := fake.Client().Charge(t.Context(), amazonpay.ChargeRequest{AmazonOrderReferenceID: order.ID(), ReferenceID: "r", Amount: usd("5.00")})
		require.ErrorIs(t, err, amazonpay.ErrInvalidOrderReferenceStatus)
		assert.True(t, amazonpay.AdviceFor(err).Over)
		assert.Equal(t, amazonpay.StateCanceled, amazonpay.AdviceFor(err).State)
	})
}

// TestChargeLooksPastForeignOrders: a list that goes in a circle ends, and an
// order in it that Amazon does not know is passed over.
func TestChargeLooksPastForeignOrders(t *testing.T) {
	t.Run("circle", func(t *testing.T) {
		next := map[string]string{"": "A", "A": "B", "B": "A"}
		x := &exchange{answer: func(form url.Values) (int, string) {
			switch a := form.Get("Action"); a {
			case "ListOrderReference", "ListOrderReferenceByNextToken":
				return resultOf(a, "<OrderReferenceList/><NextPageToken>"+next[form.Get("NextPageToken")]+"</NextPageToken>")
			}
			return refusalOf(400, "DuplicateRequest")
		}}
		_, err := x.client(t).Charge(t.Context(), fiveEuros)
		var unknown *amazonpay.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.Len(t, x.actions(), 4)
	})
	t.Run("unknown order", func(t *testing.T) {
		x := &exchange{answer: func(form url.Values) (int, string) {
			switch a := form.Get("Action"); a {
			case "ListOrderReference":
				return resultOf(a, "<OrderReferenceList><OrderReference><AmazonOrderReferenceId>S02-9</AmazonOrderReferenceId></OrderReference>"+
					"<OrderReference><AmazonOrderReferenceId>S02-1</AmazonOrderReferenceId></OrderReference></OrderReferenceList>")
			case "GetOrderReferenceDetails":
				if form.Get("AmazonOrderReferenceId") == "S02-9" {
					return refusalOf(404, "InvalidOrderReferenceId")
				}
				return resultOf(a, "<OrderReferenceDetails><AmazonOrderReferenceId>S02-1</AmazonOrderReferenceId>"+
					"<OrderReferenceStatus><State>Closed</State></OrderReferenceStatus><IdList><member>S02-1-A1</member></IdList></OrderReferenceDetails>")
			case "GetAuthorizationDetails":
				return resultOf(a, authorizationXML("Closed", "MaxCapturesProcessed", itsID+atOnce+itsCapture))
			}
			return refusalOf(400, "DuplicateRequest")
		}}
		charge, err := x.client(t).Charge(t.Context(), fiveEuros)
		require.NoError(t, err)
		assert.Equal(t, amazonpay.OutcomePaid, charge.Outcome)
	})
}

// TestChargeWhatIsListedCounts: an order that is listed, and cannot be read yet,
// may be that of the charge.
func TestChargeWhatIsListedCounts(t *testing.T) {
	for _, code := range []string{"InvalidBillingAgreementStatus", "PeriodicAmountExceeded", "DuplicateRequest"} {
		for _, unread := range []string{"GetOrderReferenceDetails", "GetAuthorizationDetails"} {
			t.Run(code+" "+unread, func(t *testing.T) {
				x := &exchange{answer: func(form url.Values) (int, string) {
					a := form.Get("Action")
					switch {
					case a == unread:
						return refusalOf(404, map[string]string{"GetOrderReferenceDetails": "InvalidOrderReferenceId", "GetAuthorizationDetails": "InvalidTransactionId"}[a])
					case a == "ListOrderReference":
						return resultOf(a, "<OrderReferenceList><OrderReference><AmazonOrderReferenceId>S02-1</AmazonOrderReferenceId></OrderReference></OrderReferenceList>")
					case a == "GetOrderReferenceDetails":
						return resultOf(a, "<OrderReferenceDetails><AmazonOrderReferenceId>S02-1</AmazonOrderReferenceId>"+
							"<OrderReferenceStatus><State>Closed</State></OrderReferenceStatus><IdList><member>S02-1-A1</member></IdList></OrderReferenceDetails>")
					}
					return refusalOf(400, code)
				}}
				_, err := x.client(t).Charge(t.Context(), fiveEuros)
				var unknown *amazonpay.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				assert.Equal(t, amazonpay.RetrySameID, amazonpay.AdviceFor(err).Retry)
			})
		}
	}
}

// TestChargeRefusedThoughOpen: what was refused for its state, and is Open when it
// is read, is charged again: nobody will act any more.
func TestChargeRefusedThoughOpen(t *testing.T) {
	fake, request := chargeCase{method: amazonpaytest.GoodCard}.begin(t)
	_, err := clientOver(t, fake, &forgetful{fake, "InvalidBillingAgreementStatus"}).Charge(t.Context(), request)
	require.ErrorIs(t, err, amazonpay.ErrInvalidBillingAgreementStatus)
	_, again := amazonpay.DefaultDunning().Next(1, amazonpay.AdviceFor(err), time.Now())
	assert.True(t, again)
}

// TestChargePaidStaysPaid: a reading that is behind does not undo an answer.
func TestChargePaidStaysPaid(t *testing.T) {
	x := &exchange{answer: func(form url.Values) (int, string) {
		if a := form.Get("Action"); a == "GetAuthorizationDetails" {
			return resultOf(a, authorizationXML("Open", "", itsID+atOnce))
		}
		return resultOf(form.Get("Action"), authorizationXML("Closed", "MaxCapturesProcessed", itsID+atOnce))
	}}
	charge, err := x.client(t).Charge(t.Context(), fiveEuros)
	require.NoError(t, err)
	assert.Equal(t, amazonpay.OutcomePaid, charge.Outcome)
}

// TestChargeCapturesWhatWasNeverCaptured: after a day Amazon's own capture is not
// on its way any more.
func TestChargeCapturesWhatWasNeverCaptured(t *testing.T) {
	for age, want := range map[time.Duration]amazonpay.Outcome{time.Hour: amazonpay.OutcomePending, 25 * time.Hour: amazonpay.OutcomePaid} {
		x := &exchange{answer: func(form url.Values) (int, string) {
			if a := form.Get("Action"); a == "Capture" {
				return resultOf(a, captureXML("Completed", ""))
			}
			made := "<CreationTimestamp>" + time.Now().Add(-age).UTC().Format(time.RFC3339) + "</CreationTimestamp>"
			return resultOf(form.Get("Action"), authorizationXML("Open", "", itsID+atOnce+made))
		}}
		charge, err := x.client(t).Charge(t.Context(), fiveEuros)
		require.NoError(t, err)
		assert.Equal(t, want, charge.Outcome, "%v", age)
	}
}

// stranger answers in place of Amazon, after Amazon has done the work.
type stranger struct {
	fake   *amazonpaytest.Fake
	status int
}

func (x stranger) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := x.fake.RoundTrip(r); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: x.status, Body: io.NopCloser(strings.NewReader("<html>A page</html>")), Request: r, Header: http.Header{}}, nil
}

// TestChargeBelievesAmazonOnly: a page of a proxy's does not say that nothing
// was charged.
func TestChargeBelievesAmazonOnly(t *testing.T) {
	for _, status := range []int{302, 307, 400, 403, 404, 407, 408, 413, 421, 425, 429, 451, 499} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			fake, request := chargeCase{method: amazonpaytest.GoodCard}.begin(t)
			_, err := clientOver(t, fake, stranger{fake, status}).Charge(t.Context(), request)
			var unknown *amazonpay.OutcomeUnknownError
			require.ErrorAs(t, err, &unknown)
			assert.Equal(t, usd("19.90"), fake.TotalCaptured("USD"))
			assert.Equal(t, 1, strings.Count(err.Error(), "amazonpay:"), "%v", err)
			assert.Equal(t, amazonpay.RetrySameID, amazonpay.AdviceFor(err).Retry)
		})
	}
}

// TestAdviceOnAnUnknownOrder: what has no reference id is not repeated.
func TestAdviceOnAnUnknownOrder(t *testing.T) {
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.AnswerLost, Action: "CreateOrderReferenceForId"})
	_, err := fake.Client().CreateOrderReferenceForId(t.Context(), amazonpay.CreateOrderReferenceForIdRequest{ID: fake.OpenBillingAgreement().ID()})
	var unknown *amazonpay.OutcomeUnknownError
	require.ErrorAs(t, err, &unknown)
	advice := amazonpay.AdviceFor(err)
	assert.Equal(t, amazonpay.RetryNot, advice.Retry)
	assert.True(t, advice.Seller)
}

// TestOneThrottledCallHoldsUpNobody: Amazon may throttle one call for a reason of
// its own, for ever.
func TestOneThrottledCallHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, last := time.Now(), time.Duration(0)
		var mu sync.Mutex
		client := stageClient(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			p := readStagePost(r, r.URL.Host)
			answer := goodScene
			if p.form.Get("AuthorizationReferenceId") == "poison" {
				answer = throttledScene
			} else {
				mu.Lock()
				last = max(last, time.Since(start))
				mu.Unlock()
			}
			response, err := answer(r, p.form.Get("Action"))
			response.Request = r
			return response, err
		}), func(c *amazonpay.Config) { c.Limiter, c.Environment = nil, amazonpay.Production })
		var wg sync.WaitGroup
		wg.Go(func() {
			poison := nightCharge(0)
			poison.AuthorizationReferenceID = "poison"
			_, _ = client.AuthorizeOnBillingAgreement(t.Context(), poison)
		})
		synctest.Wait()
		for i := range 100 {
			wg.Go(func() {
				_, err := client.AuthorizeOnBillingAgreement(t.Context(), nightCharge(i))
				assert.NoError(t, err)
			})
		}
		wg.Wait()
		assert.Less(t, last, 3*time.Minute, "a hundred others")
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestSweepReadsTheMoment: Amazon's answers about agreements have no time, and
// tell all the same that the buyer has acted.
func TestSweepReadsTheMoment(t *testing.T) {
	state := "Open"
	x := &exchange{answer: func(form url.Values) (int, string) {
		return resultOf(form.Get("Action"), "<BillingAgreementDetails><AmazonBillingAgreementId>C02-1</AmazonBillingAgreementId>"+
			"<BillingAgreementStatus><State>"+state+"</State></BillingAgreementStatus></BillingAgreementDetails>")
	}}
	client := x.client(t)
	told := time.Now().Add(-time.Hour)
	watched := amazonpay.Watched{Since: told, Object: &amazonpay.BillingAgreement{AmazonBillingAgreementID: "C02-1",
		BillingAgreementStatus: amazonpay.Status{State: amazonpay.StateSuspended, LastUpdateTimestamp: told}}}
	sweep := func() (found amazonpay.Sighting) {
		watched.Read = time.Time{}
		for s := range client.Sweep(t.Context(), watched) {
			found = s
		}
		require.NoError(t, found.Err)
		watched = found.Watched
		return found
	}
	found := sweep()
	assert.True(t, found.Changed, "it is Open again")
	opened := found.Object.(*amazonpay.BillingAgreement)
	assert.Equal(t, amazonpay.StateOpen, opened.BillingAgreementStatus.State)

	assert.False(t, sweep().Changed, "nothing new")
	late := &amazonpay.Notification{Object: &amazonpay.BillingAgreement{BillingAgreementStatus: amazonpay.Status{State: amazonpay.StateSuspended, LastUpdateTimestamp: told}}}
	assert.False(t, late.NewerThan(opened.BillingAgreementStatus), "a late notification does not undo it")

	state = "Suspended"
	assert.True(t, sweep().Changed, "suspended once more")
}

// TestSweepNeedsSince: without it nothing is given up.
func TestSweepNeedsSince(t *testing.T) {
	client := amazonpaytest.New(amazonpaytest.Settings{}).Client()
	n := 0
	for s := range client.Sweep(t.Context(),
		amazonpay.Watched{Object: &amazonpay.Authorization{AmazonAuthorizationID: "S01-1234567-1234567-A000001"}}, amazonpay.Watched{Object: (*amazonpay.Capture)(nil)}) {
		if n++; n == 1 {
			assert.False(t, s.Done)
			assert.EqualError(t, s.Err, "amazonpay: Sweep: Since is required")
		}
	}
	assert.Equal(t, 2, n)
}

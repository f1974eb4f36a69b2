package amazonpaytest_test

// One suite for the fake and for Amazon's sandbox: scenarios that use nothing
// but calls of the API and simulation strings. Against the fake it runs always:
//
//	go test -run TestScenarios ./amazonpaytest
//
// Against Amazon it runs if all of these are set, and is skipped otherwise:
//
//	AMAZONPAY_SELLER_ID             merchant id
//	AMAZONPAY_ACCESS_KEY            MWS access key
//	AMAZONPAY_SECRET_KEY            MWS secret key
//	AMAZONPAY_REGION                NA, UK, EU or JP
//	AMAZONPAY_BILLING_AGREEMENT_ID  C0…: made by a test buyer in a browser, with
//	                                consent, and less than three hours ago if it
//	                                was not confirmed
//
//	go test -run TestScenarios/sandbox -timeout 60m -v ./amazonpaytest
//
// That takes about half an hour, for the sandbox decides in its own time, and
// some 25 of the region's currency units (2,500 yen) of the month's limit. The
// agreement stays open, so that the suite can be run again; reference ids
// contain the time, so that they do not meet those of another run. The client
// waits for the sandbox's quotas by itself.
//
// Where no document says which of two answers comes, a scenario takes both.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// scene is where a scenario is played.
type scene struct {
	*testing.T
	client    *amazonpay.Client
	agreement amazonpay.BillingAgreementID
	currency  amazonpay.Currency
	run       string // makes reference ids unique
	pause     func() // lets a while pass
	pauses    int    // how many to wait at most
}

func (s *scene) ctx() context.Context { return s.Context() }

func (s *scene) price(units int64) amazonpay.Price {
	p, err := amazonpay.NewPrice(units*100, s.currency) // 100 cents, or 100 yen
	require.NoError(s, err)
	return p
}

func (s *scene) ref(name string) amazonpay.ReferenceID {
	return amazonpay.ReferenceID(s.run + "-" + name)
}

// until waits for what happens in the other side's time.
func (s *scene) until(what string, reached func() bool) {
	s.Helper()
	for range s.pauses {
		if reached() {
			return
		}
		s.pause()
	}
	require.True(s, reached(), "waited in vain for %s", what)
}

func (s *scene) state() amazonpay.State {
	a, err := s.client.GetBillingAgreementDetails(s.ctx(), amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: s.agreement})
	require.NoError(s, err)
	return a.BillingAgreementStatus.State
}

// open waits until the agreement can be charged, whatever was before.
func (s *scene) open() {
	s.until("the agreement to be Open", func() bool { return s.state() == amazonpay.StateOpen })
}

func (s *scene) charge(name, simulation string, change func(*amazonpay.AuthorizeOnBillingAgreementRequest)) *amazonpay.BillingAgreementAuthorization {
	req := amazonpay.AuthorizeOnBillingAgreementRequest{AmazonBillingAgreementID: s.agreement, AuthorizationReferenceID: s.ref(name),
		AuthorizationAmount: s.price(1), SellerAuthorizationNote: simulations[simulation].note, TransactionTimeout: new(0)}
	if change != nil {
		change(&req)
	}
	a, err := s.client.AuthorizeOnBillingAgreement(s.ctx(), req)
	require.NoError(s, err)
	require.NotEmpty(s, a.AmazonOrderReferenceID)
	return a
}

func (s *scene) authorization(id amazonpay.AuthorizationID) amazonpay.Status {
	a, err := s.client.GetAuthorizationDetails(s.ctx(), amazonpay.GetAuthorizationDetailsRequest{AmazonAuthorizationID: id})
	require.NoError(s, err)
	return a.AuthorizationStatus
}

func (s *scene) capture(id amazonpay.AuthorizationID, name, simulation string, amount amazonpay.Price) *amazonpay.Capture {
	c, err := s.client.Capture(s.ctx(), amazonpay.CaptureRequest{AmazonAuthorizationID: id, CaptureReferenceID: s.ref(name), CaptureAmount: amount,
		SellerCaptureNote: simulations[simulation].note})
	require.NoError(s, err)
	return c
}

func (s *scene) refused(err error, codes ...amazonpay.ErrorCode) {
	s.Helper()
	e, ok := errors.AsType[*amazonpay.Error](err)
	require.True(s, ok, "%v is no refusal", err)
	require.Contains(s, codes, e.Code)
}

// scenarios are played in this order, on one agreement.
var scenarios = []struct {
	name string
	play func(*scene)
}{
	{"the agreement is confirmed", func(s *scene) {
		if s.state() == amazonpay.StateDraft {
			_, err := s.client.SetBillingAgreementDetails(s.ctx(), amazonpay.SetBillingAgreementDetailsRequest{AmazonBillingAgreementID: s.agreement,
				BillingAgreementAttributes: amazonpay.BillingAgreementAttributes{SellerNote: "A magazine, monthly"}})
			require.NoError(s, err)
			require.NoError(s, s.client.ConfirmBillingAgreement(s.ctx(), amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: s.agreement}))
		}
		s.open()
		a, err := s.client.GetBillingAgreementDetails(s.ctx(), amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: s.agreement})
		require.NoError(s, err)
		require.Equal(s, "Sandbox", a.ReleaseEnvironment)
		require.Equal(s, 1, a.BillingAgreementLimits.TimePeriodStartDate.UTC().Day())
		require.GreaterOrEqual(s, a.BillingAgreementLimits.CurrentRemainingBalance.Minor(), s.price(25).Minor(), "too little is left of the month")
		_, err = s.client.SetBillingAgreementDetails(s.ctx(), amazonpay.SetBillingAgreementDetailsRequest{AmazonBillingAgreementID: s.agreement,
			BillingAgreementAttributes: amazonpay.BillingAgreementAttributes{SellerNote: "Another magazine"}})
		s.refused(err, amazonpay.ErrBillingAgreementNotModifiable)
	}},
	{"it is valid", func(s *scene) {
		v, err := s.client.ValidateBillingAgreement(s.ctx(), amazonpay.ValidateBillingAgreementRequest{AmazonBillingAgreementID: s.agreement})
		require.NoError(s, err)
		require.Equal(s, "Success", v.ValidationResult)
	}},
	{"a charge with CaptureNow", func(s *scene) {
		now := func(r *amazonpay.AuthorizeOnBillingAgreementRequest) { r.CaptureNow = true }
		a := s.charge("now", "", now)
		require.Equal(s, amazonpay.OutcomePaid, a.Outcome())
		require.Len(s, a.IDList, 1)
		c, err := s.client.GetCaptureDetails(s.ctx(), amazonpay.GetCaptureDetailsRequest{AmazonCaptureID: a.IDList[0]})
		require.NoError(s, err)
		require.Equal(s, amazonpay.StateCompleted, c.CaptureStatus.State)
		require.Equal(s, s.ref("now"), c.CaptureReferenceID)
		again := s.charge("now", "", now)
		require.Equal(s, a.AmazonAuthorizationID, again.AmazonAuthorizationID, "a repetition is the same charge")
		_, err = s.client.AuthorizeOnBillingAgreement(s.ctx(), amazonpay.AuthorizeOnBillingAgreementRequest{AmazonBillingAgreementID: s.agreement,
			AuthorizationReferenceID: s.ref("now"), AuthorizationAmount: s.price(2), TransactionTimeout: new(0), CaptureNow: true})
		s.refused(err, amazonpay.ErrDuplicateRequest, amazonpay.ErrDuplicateReferenceID)
	}},
	{"a refund", func(s *scene) {
		a := s.charge("refunded", "", func(r *amazonpay.AuthorizeOnBillingAgreementRequest) { r.CaptureNow = true })
		r, err := s.client.Refund(s.ctx(), amazonpay.RefundRequest{AmazonCaptureID: a.IDList[0], RefundReferenceID: s.ref("refund"), RefundAmount: s.price(1)})
		require.NoError(s, err)
		require.Equal(s, amazonpay.StatePending, r.RefundStatus.State)
		s.until("the refund", func() bool { return s.refund(r.AmazonRefundID).State == amazonpay.StateCompleted })
	}},
	{"a refund is rejected", func(s *scene) {
		a := s.charge("unrefunded", "", func(r *amazonpay.AuthorizeOnBillingAgreementRequest) { r.CaptureNow = true })
		r, err := s.client.Refund(s.ctx(), amazonpay.RefundRequest{AmazonCaptureID: a.IDList[0], RefundReferenceID: s.ref("no-refund"), RefundAmount: s.price(1),
			SellerRefundNote: simulations["rejected"].note})
		require.NoError(s, err)
		s.until("the rejection", func() bool { return s.refund(r.AmazonRefundID).State == amazonpay.StateDeclined })
		require.Equal(s, amazonpay.ReasonAmazonRejected, s.refund(r.AmazonRefundID).ReasonCode)
	}},
	{"authorized now and captured in part", func(s *scene) {
		a := s.charge("part", "", func(r *amazonpay.AuthorizeOnBillingAgreementRequest) { r.AuthorizationAmount = s.price(2) })
		require.Equal(s, amazonpay.OutcomeOpen, a.Outcome())
		c := s.capture(a.AmazonAuthorizationID, "part-c", "", s.price(1))
		require.Equal(s, amazonpay.StateCompleted, c.CaptureStatus.State)
		require.Equal(s, amazonpay.ReasonMaxCapturesProcessed, s.authorization(a.AmazonAuthorizationID).ReasonCode)
		_, err := s.client.Capture(s.ctx(), amazonpay.CaptureRequest{AmazonAuthorizationID: a.AmazonAuthorizationID, CaptureReferenceID: s.ref("part-d"), CaptureAmount: s.price(1)})
		s.refused(err, amazonpay.ErrInvalidAuthorizationStatus, amazonpay.ErrTransactionCountExceeded)
	}},
	{"an authorization is given up", func(s *scene) {
		a := s.charge("given-up", "", nil)
		require.NoError(s, s.client.CloseAuthorization(s.ctx(), amazonpay.CloseAuthorizationRequest{AmazonAuthorizationID: a.AmazonAuthorizationID}))
		require.Equal(s, amazonpay.ReasonSellerClosed, s.authorization(a.AmazonAuthorizationID).ReasonCode)
	}},
	{"captures as simulated", func(s *scene) {
		for _, simulation := range []string{"pending", "rejected", "closed"} {
			a := s.charge("c-"+simulation, "", nil)
			c := s.capture(a.AmazonAuthorizationID, "c-"+simulation+"-c", simulation, s.price(1))
			require.True(s, strings.HasPrefix(simulations[simulation].end, string(c.CaptureStatus.State)), "%s: %+v", simulation, c.CaptureStatus)
		}
	}},
	{"authorizations as simulated", func(s *scene) {
		for _, simulation := range []string{"rejected", "timedout", "closed"} {
			a := s.charge("a-"+simulation, simulation, nil)
			status := a.AuthorizationStatus
			require.Equal(s, simulations[simulation].end, string(status.State)+"/"+string(status.ReasonCode))
			require.Equal(s, amazonpay.StateOpen, s.state(), "the agreement stays open")
		}
		a := s.charge("a-expired", "expired", nil)
		s.until("the authorization to expire", func() bool {
			return s.authorization(a.AmazonAuthorizationID).ReasonCode == amazonpay.ReasonExpiredUnused
		})
	}},
	{"a simulation out of place", func(s *scene) {
		_, err := s.client.AuthorizeOnBillingAgreement(s.ctx(), amazonpay.AuthorizeOnBillingAgreementRequest{AmazonBillingAgreementID: s.agreement,
			AuthorizationReferenceID: s.ref("out"), AuthorizationAmount: s.price(1), TransactionTimeout: new(0), SellerAuthorizationNote: simulations["pending"].note})
		s.refused(err, amazonpay.ErrInvalidSandboxSimulationSpecified)
	}},
	{"decided later", func(s *scene) {
		a := s.charge("later", "", func(r *amazonpay.AuthorizeOnBillingAgreementRequest) { r.TransactionTimeout = nil })
		require.Equal(s, amazonpay.StatePending, a.AuthorizationStatus.State)
		s.until("the decision", func() bool { return s.authorization(a.AmazonAuthorizationID).State == amazonpay.StateOpen })
	}},
	{"an order reference on the agreement", func(s *scene) {
		o, err := s.client.CreateOrderReferenceForId(s.ctx(), amazonpay.CreateOrderReferenceForIdRequest{ID: s.agreement,
			OrderReferenceAttributes: amazonpay.OrderReferenceAttributes{OrderTotal: s.price(2)}})
		require.NoError(s, err)
		id := o.AmazonOrderReferenceID
		require.Equal(s, string(s.agreement), o.ParentDetails.ID)
		require.NoError(s, s.client.ConfirmOrderReference(s.ctx(), amazonpay.ConfirmOrderReferenceRequest{AmazonOrderReferenceID: id}))
		a, err := s.client.Authorize(s.ctx(), amazonpay.AuthorizeRequest{AmazonOrderReferenceID: id, AuthorizationReferenceID: s.ref("order"),
			AuthorizationAmount: s.price(1), TransactionTimeout: new(0)})
		require.NoError(s, err)
		require.Equal(s, amazonpay.OutcomeOpen, a.Outcome())
		require.NoError(s, s.client.CancelOrderReference(s.ctx(), amazonpay.CancelOrderReferenceRequest{AmazonOrderReferenceID: id}))
		require.Equal(s, amazonpay.ReasonOrderReferenceCanceled, s.authorization(a.AmazonAuthorizationID).ReasonCode)
		_, err = s.client.SetOrderReferenceDetails(s.ctx(), amazonpay.SetOrderReferenceDetailsRequest{AmazonOrderReferenceID: id,
			OrderReferenceAttributes: amazonpay.OrderReferenceAttributes{OrderTotal: s.price(3)}})
		s.refused(err, amazonpay.ErrOrderReferenceNotModifiable, amazonpay.ErrInvalidOrderReferenceStatus)
	}},
	{"a decline suspends, a new method repairs", func(s *scene) {
		for _, simulation := range []string{"soft", "hard"} {
			s.open()
			a := s.charge("d-"+simulation, simulation, func(r *amazonpay.AuthorizeOnBillingAgreementRequest) { r.TransactionTimeout = new(5) })
			s.until("the decline", func() bool { return s.authorization(a.AmazonAuthorizationID).State == amazonpay.StateDeclined })
			require.Equal(s, amazonpay.ReasonInvalidPaymentMethod, s.authorization(a.AmazonAuthorizationID).ReasonCode)
			if s.state() == amazonpay.StateSuspended {
				_, err := s.client.AuthorizeOnBillingAgreement(s.ctx(), amazonpay.AuthorizeOnBillingAgreementRequest{AmazonBillingAgreementID: s.agreement,
					AuthorizationReferenceID: s.ref("s-" + simulation), AuthorizationAmount: s.price(1), TransactionTimeout: new(0)})
				s.refused(err, amazonpay.ErrInvalidBillingAgreementStatus)
			}
			s.open() // after five minutes
		}
	}},
}

func (s *scene) refund(id amazonpay.RefundID) amazonpay.Status {
	r, err := s.client.GetRefundDetails(s.ctx(), amazonpay.GetRefundDetailsRequest{AmazonRefundID: id})
	require.NoError(s, err)
	return r.RefundStatus
}

// One suite for the fake and for Amazon's sandbox.
func TestScenarios(t *testing.T) {
	play := func(t *testing.T, s scene) {
		for _, scenario := range scenarios {
			t.Run(scenario.name, func(t *testing.T) {
				here := s
				here.T = t
				scenario.play(&here)
			})
		}
	}
	ledger := map[amazonpay.Region]amazonpay.Currency{amazonpay.RegionNA: "USD", amazonpay.RegionUK: "GBP", amazonpay.RegionEU: "EUR", amazonpay.RegionJP: "JPY"}
	run := "t" + strconv.FormatInt(time.Now().UnixMilli(), 36)
	for _, region := range regions {
		t.Run(fmt.Sprint("fake ", region), func(t *testing.T) {
			fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true, Region: region})
			agreement := fake.NewBillingAgreement().Consent()
			play(t, scene{client: fake.Client(), agreement: agreement.ID(), currency: ledger[region], run: run,
				pause: func() { fake.Advance(time.Minute) }, pauses: 100})
		})
	}
	t.Run("sandbox", func(t *testing.T) {
		names := []string{"AMAZONPAY_SELLER_ID", "AMAZONPAY_ACCESS_KEY", "AMAZONPAY_SECRET_KEY", "AMAZONPAY_REGION", "AMAZONPAY_BILLING_AGREEMENT_ID"}
		if slices.ContainsFunc(names, func(name string) bool { return os.Getenv(name) == "" }) {
			t.Skipf("Amazon's sandbox is not asked: set %s", strings.Join(names, ", "))
		}
		agreement := amazonpay.BillingAgreementID(os.Getenv("AMAZONPAY_BILLING_AGREEMENT_ID"))
		require.True(t, strings.HasPrefix(string(agreement), "C"), "AMAZONPAY_BILLING_AGREEMENT_ID is not one of the sandbox, which begin with C")
		region := amazonpay.Region(os.Getenv("AMAZONPAY_REGION"))
		require.Contains(t, ledger, region, "AMAZONPAY_REGION")
		client, err := amazonpay.New(amazonpay.Config{SellerID: os.Getenv("AMAZONPAY_SELLER_ID"), AccessKey: os.Getenv("AMAZONPAY_ACCESS_KEY"),
			SecretKey: amazonpay.NewSecretKey(os.Getenv("AMAZONPAY_SECRET_KEY")), Region: region, Environment: amazonpay.Sandbox})
		require.NoError(t, err)
		play(t, scene{client: client, agreement: agreement, currency: ledger[region], run: run, pause: func() { time.Sleep(20 * time.Second) }, pauses: 60})
	})
}

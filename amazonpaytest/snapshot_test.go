package amazonpaytest_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

func TestSnapshot(t *testing.T) {
	s := newStage(t, amazonpaytest.Settings{Providers: []string{"PROVIDER"}})
	s.listen()
	agreement := s.fake.NewBillingAgreementWith(amazonpaytest.Checkout{Buyer: amazonpay.Buyer{Name: "Susan", Email: "susan@example.com"}})
	const attributes = "BillingAgreementAttributes."
	s.do("SetBillingAgreementDetails", "AmazonBillingAgreementId", string(agreement.ID()), attributes+"SellerNote", "thank you",
		attributes+"SellerBillingAgreementAttributes.SellerBillingAgreementId", "sub-42", attributes+"SellerBillingAgreementAttributes.StoreName", "Shop").ok()
	empty := s.fake.Snapshot()
	require.Equal(t, []string{"BuyerConsentNotSet"}, empty.Agreements[0].Constraints)
	require.Equal(t, []amazonpaytest.DueRecord{{At: s.fake.Now().Add(3 * time.Hour), What: "draft is canceled: Stale", ID: string(agreement.ID())}}, empty.Due)
	agreement.Consent()
	s.do("ConfirmBillingAgreement", "AmazonBillingAgreementId", string(agreement.ID())).ok()
	charged := s.charge(agreement, "r1", "100", "CaptureNow", "true", "SellerAuthorizationNote", "January").ok()
	auth, capture := charged.get("AmazonAuthorizationId"), charged.get("IdList/member")
	refund := s.refund(capture, "b1", "10", "SellerRefundNote", "sorry").ok().get("AmazonRefundId")
	dispute := s.fake.Chargeback(amazonpay.CaptureID(capture), amazonpay.MustPrice("20", "USD"), "")
	s.fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.Slow, Times: -1})

	got := s.fake.Snapshot()
	require.Equal(t, s.fake.Now(), got.Now)
	require.Len(t, got.Agreements, 1)
	a := got.Agreements[0]
	require.Equal(t, amazonpaytest.Record{ID: string(agreement.ID()), SellerID: testSeller, State: "Open", Created: got.Now, Updated: got.Now, Note: "thank you"}, a.Record)
	require.True(t, a.Consent)
	require.Equal(t, amazonpaytest.GoodCard, a.Payment)
	require.Equal(t, "900.00 USD", a.Remaining.String())
	require.Equal(t, "sub-42 Shop 1", fmt.Sprint(a.SellerOwnID, " ", a.Store, " ", a.Orders))
	require.Len(t, got.Orders, 1)
	order := got.Orders[0]
	require.Equal(t, a.ID, order.AgreementID)
	require.Equal(t, "100.00 USD", order.Total.String())
	require.Equal(t, 1, order.Authorizations)
	require.Equal(t, amazonpay.ReasonSellerClosed, order.Reason)
	require.Empty(t, order.Constraints)
	x := got.Authorizations[0]
	require.Equal(t, []any{auth, order.ID, a.ID, "r1", "January", "100.00 USD", "100.00 USD"},
		[]any{x.ID, x.ParentID, x.AgreementID, x.ReferenceID, x.Note, x.Amount.String(), x.Used.String()})
	c := got.Captures[0]
	require.Equal(t, []any{capture, auth, a.ID, "r1", "100.00 USD", amazonpay.StateCompleted}, []any{c.ID, c.ParentID, c.AgreementID, c.ReferenceID, c.Amount.String(), c.State})
	b := got.Refunds[0]
	require.Equal(t, []any{refund, capture, a.ID, "b1", "sorry", "SellerInitiated", amazonpay.StatePending}, []any{b.ID, b.ParentID, b.AgreementID, b.ReferenceID, b.Note, b.Type, b.State})
	require.Equal(t, []amazonpaytest.DisputeRecord{{ID: dispute.ID(), CaptureID: capture, Amount: amazonpay.MustPrice("20", "USD"),
		Reason: "Generic Service Chargeback", State: "RECEIVED", Created: got.Now}}, got.Disputes)
	require.Equal(t, []amazonpaytest.DueRecord{{At: got.Now.Add(time.Hour), What: "refund is completed or declined", ID: refund}}, got.Due)
	require.Equal(t, s.fake.Faults(), got.Faults)
	require.Len(t, got.Notifications, len(s.fake.Notifications()))
	require.Equal(t, 0, got.Notifications[0].Number)
	require.Equal(t, string(agreement.ID()), got.Notifications[0].ObjectID)
	require.Equal(t, got.Now, got.Notifications[0].Due)
	require.Equal(t, []amazonpaytest.Total{{Captured: amazonpay.MustPrice("100", "USD"), Refunded: amazonpay.MustPrice("0", "USD"),
		ChargedBack: amazonpay.MustPrice("0", "USD"), Claimed: amazonpay.MustPrice("0", "USD")}}, got.Totals)
	require.Equal(t, map[string]int{"agreements": 1, "orders": 1, "authorizations": 1, "captures": 1, "refunds": 1, "disputes": 1, "due": 1,
		"notifications": len(got.Notifications)}, got.Counts)

	dispute.Lose()
	s.fake.Advance(time.Hour)
	require.Equal(t, []amazonpaytest.Total{{Captured: amazonpay.MustPrice("100", "USD"), Refunded: amazonpay.MustPrice("10", "USD"),
		ChargedBack: amazonpay.MustPrice("20", "USD"), Claimed: amazonpay.MustPrice("0", "USD")}}, s.fake.Snapshot().Totals)
}

// Names and addresses are shown only to who asks for them.
func TestSnapshotOfBuyers(t *testing.T) {
	s := newStage(t, amazonpaytest.Settings{})
	checkout := amazonpaytest.Checkout{Buyer: amazonpay.Buyer{Name: "Susan Secret", Email: "secret@example.com"}, Address: amazonpay.Address{Name: "Susan Secret", City: "Secretville"}}
	s.fake.NewBillingAgreementWith(checkout)
	s.fake.NewOrderReferenceWith(checkout)
	plain, err := json.Marshal(s.fake.Snapshot())
	require.NoError(t, err)
	require.NotContains(t, string(plain), "ecret")
	shown := s.fake.SnapshotOf(amazonpaytest.View{Buyers: true})
	require.Equal(t, "Susan Secret", shown.Agreements[0].Buyer.Name)
	require.Equal(t, "Secretville", shown.Orders[0].Address.City)
}

// JSON has lists where there is nothing, and what was written can be read.
func TestSnapshotJSON(t *testing.T) {
	s := newStage(t, amazonpaytest.Settings{})
	text, err := json.Marshal(s.fake.Snapshot())
	require.NoError(t, err)
	for _, list := range []string{"agreements", "orders", "authorizations", "captures", "refunds", "disputes", "due", "notifications", "totals", "faults"} {
		require.Contains(t, string(text), `"`+list+`":[]`)
	}
	s.captured("c1")
	s.pending()
	before := s.fake.Snapshot()
	text, err = json.Marshal(before)
	require.NoError(t, err)
	var after amazonpaytest.Snapshot
	require.NoError(t, json.Unmarshal(text, &after))
	require.Equal(t, before, after)
}

func TestSnapshotViews(t *testing.T) {
	s := newStage(t, amazonpaytest.Settings{})
	var ids []string
	for range 5 {
		ids = append(ids, string(s.fake.NewBillingAgreement().ID()))
	}
	agreements := func(v amazonpaytest.View) []string {
		shown := []string{}
		snapshot := s.fake.SnapshotOf(v)
		for _, a := range snapshot.Agreements {
			shown = append(shown, a.ID)
		}
		if v.ID == "" {
			require.Equal(t, 5, snapshot.Counts["agreements"])
		}
		return shown
	}
	for name, c := range map[string]struct {
		view amazonpaytest.View
		want []string
	}{
		"all":             {amazonpaytest.View{}, ids},
		"the latest":      {amazonpaytest.View{Limit: 2}, ids[3:]},
		"those before":    {amazonpaytest.View{Limit: 2, Offset: 2}, ids[1:3]},
		"the first":       {amazonpaytest.View{Limit: 2, Offset: 4}, ids[:1]},
		"beyond":          {amazonpaytest.View{Limit: 2, Offset: 9}, nil},
		"all but one":     {amazonpaytest.View{Offset: 1}, ids[:4]},
		"negative":        {amazonpaytest.View{Limit: -1, Offset: -1}, ids},
		"one":             {amazonpaytest.View{ID: ids[2]}, ids[2:3]},
		"one of no books": {amazonpaytest.View{ID: "x"}, nil},
	} {
		t.Run(name, func(t *testing.T) { require.ElementsMatch(t, c.want, agreements(c.view)) })
	}
	require.Len(t, s.fake.SnapshotOf(amazonpaytest.View{Limit: 3}).Due, 3)
	require.Equal(t, 5, s.fake.SnapshotOf(amazonpaytest.View{Limit: 3}).Counts["due"])
}

// Whichever member of a family is named, all are shown, and nobody else.
func TestSnapshotOfFamily(t *testing.T) {
	s := newStage(t, amazonpaytest.Settings{Providers: []string{"PROVIDER"}})
	s.listen()
	s.captured("other")
	agreement := s.subscription(amazonpaytest.Checkout{})
	charged := s.charge(agreement, "r1", "100", "CaptureNow", "true", "ProviderCreditList.member.1.ProviderId", "PROVIDER",
		"ProviderCreditList.member.1.CreditAmount.Amount", "5", "ProviderCreditList.member.1.CreditAmount.CurrencyCode", "USD").ok()
	capture := charged.get("IdList/member")
	credit := s.do("GetCaptureDetails", "AmazonCaptureId", capture).ok().get("ProviderCreditId")
	reversal := s.do("ReverseProviderCredit", "AmazonProviderCreditId", credit, "CreditReversalReferenceId", "q", "CreditReversalAmount.Amount", "1",
		"CreditReversalAmount.CurrencyCode", "USD").ok().get("AmazonProviderCreditReversalId")
	refund := s.refund(capture, "b1", "10").ok().get("AmazonRefundId")
	dispute := s.fake.Chargeback(amazonpay.CaptureID(capture), amazonpay.Price{}, "").ID()
	var first string
	for _, id := range []string{string(agreement.ID()), charged.get("AmazonOrderReferenceId"), charged.get("AmazonAuthorizationId"), capture, refund, dispute, credit, reversal} {
		require.NotEmpty(t, id)
		got := s.fake.SnapshotOf(amazonpaytest.View{ID: id})
		require.Equal(t, []int{1, 1, 1, 1, 1, 1, 1}, []int{len(got.Agreements), len(got.Orders), len(got.Authorizations), len(got.Captures), len(got.Refunds), len(got.Disputes), len(got.Due)}, id)
		require.Equal(t, string(agreement.ID()), got.Agreements[0].ID)
		require.NotEmpty(t, got.Notifications)
		text, err := json.Marshal(got)
		require.NoError(t, err)
		require.NotContains(t, string(text), "othera")
		if first == "" {
			first = string(text)
		}
		require.Equal(t, first, string(text))
	}
	single := s.fake.SnapshotOf(amazonpaytest.View{ID: string(s.fake.Ledger()[0].CaptureID)})
	require.Empty(t, single.Agreements)
	require.Len(t, single.Orders, 1)
	require.Len(t, single.Captures, 1)
}

func BenchmarkSnapshot(b *testing.B) {
	s := newStage(b, amazonpaytest.Settings{KeepCalls: 100})
	for i := range 10_000 {
		s.charge(s.fake.OpenBillingAgreement(), fmt.Sprint("r", i), "1", "CaptureNow", "true")
	}
	for name, view := range map[string]amazonpaytest.View{"all": {}, "page": {Limit: 100}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s.fake.SnapshotOf(view)
			}
		})
	}
}

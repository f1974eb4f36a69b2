package amazonpaytest_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// fullDisk is a journal that takes so many entries more.
type fullDisk struct {
	tape
	room int
}

var errFull = errors.New("no space left on device")

func (d *fullDisk) Write(p []byte) (int, error) {
	if d.room == 0 {
		return 0, errFull
	}
	d.room--
	return d.tape.Write(p)
}

// What can no longer be written is not answered as if it were kept: a client
// learns that it does not know, and its repeat after a restart is done once.
func TestLostJournal(t *testing.T) {
	disk := &fullDisk{room: -1}
	s := restoredShop(t, amazonpaytest.Settings{}, disk)
	agreement := s.subscription(amazonpaytest.Checkout{})
	s.charge(agreement, "kept", "10", "CaptureNow", "true").ok()
	told := 0
	s.fake.Notify(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { told++ }))
	s.fake.Deliver()
	told = 0
	disk.room = 0
	for range 3 { // the first one is the one that cannot be written
		s.charge(agreement, "lost", "10", "CaptureNow", "true").refused(500, "InternalServerError")
	}
	s.charge(agreement, "kept", "10", "CaptureNow", "true").refused(500, "InternalServerError")
	s.do("GetBillingAgreementDetails", "AmazonBillingAgreementId", string(agreement.ID())).ok()
	s.fake.Deliver()
	require.Zero(t, told)
	for _, act := range []amazonpaytest.Act{{Do: "OpenBillingAgreement"}, {Do: "Advance", Duration: "1h"}, {Do: "Deliver"}} {
		_, err := s.fake.Act(act)
		require.ErrorIs(t, err, errFull, act.Do)
	}
	require.Panics(t, func() { s.fake.OpenBillingAgreement() })
	require.ErrorIs(t, s.fake.JournalError(), errFull)

	s = restoredShop(t, amazonpaytest.Settings{}, rewound(disk.written))
	require.Len(t, s.fake.Ledger(), 1)
	agreement = s.fake.BillingAgreement(agreement.ID())
	s.charge(agreement, "kept", "10", "CaptureNow", "true").ok()
	s.charge(agreement, "lost", "10", "CaptureNow", "true").ok()
	require.Len(t, s.fake.Ledger(), 2)
}

// Nor are codes exchanged, acts done or widgets used whose end would be forgotten.
func TestLostJournalElsewhere(t *testing.T) {
	disk := &fullDisk{room: -1}
	s := restoredShop(t, amazonpaytest.Settings{}, disk)
	client := s.fake.LoginClient()
	back, err := s.fake.SignIn(amazonpay.Buyer{}).Authorize("https://www.amazon.com/ap/oa?response_type=code&scope=profile&redirect_uri=https%3A%2F%2Fshop.example%2F&client_id="+client.ID, true)
	require.NoError(t, err)
	agreement := s.subscription(amazonpaytest.Checkout{})
	widget := amazonpaytest.Widget{Kind: amazonpaytest.WalletWidget, SellerID: testSeller, AccessToken: agreement.AccessToken(), Environment: amazonpay.Sandbox}
	disk.room = 0
	resp, err := (&http.Client{Transport: s.fake}).PostForm("https://api.amazon.com/auth/o2/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {"https://shop.example/"},
		"client_id": {client.ID}, "client_secret": {client.Secret}})
	require.NoError(t, err)
	require.Equal(t, 500, resp.StatusCode)
	var text bytes.Buffer
	_, err = text.ReadFrom(resp.Body)
	require.NoError(t, err)
	require.Contains(t, text.String(), `"error":"ServerError"`)
	require.NotContains(t, text.String(), "Atz")
	_, err = s.fake.OpenWidget(widget)
	var refused *amazonpaytest.WidgetError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "UnknownError", refused.Code)
}

// An act that cannot be written is refused, and nobody is told of it.
func TestLostAct(t *testing.T) {
	disk := &fullDisk{room: -1}
	s := restoredShop(t, amazonpaytest.Settings{}, disk)
	agreement := s.subscription(amazonpaytest.Checkout{})
	s.fake.Deliver()
	sent := len(s.fake.Notifications())
	disk.room = 0
	_, err := s.fake.Act(amazonpaytest.Act{Do: "Cancel", ID: string(agreement.ID())})
	require.ErrorIs(t, err, errFull)
	require.Len(t, s.fake.Notifications(), sent)
}

// The two environments of a seller do not take each other's codes and tokens, and
// a shop that knows notifications by their ids gets them from both.
func TestEnvironmentsApart(t *testing.T) {
	var made [2]string
	var sent [2]amazonpaytest.Notification
	var fakes [2]*amazonpaytest.Fake
	for i, e := range []amazonpay.Environment{amazonpay.Sandbox, amazonpay.Production} {
		fakes[i] = amazonpaytest.New(amazonpaytest.Settings{Environment: e, Manual: true})
		fakes[i].Notify(http.NotFoundHandler())
		made[i] = fakes[i].OpenBillingAgreement().AccessToken()
		sent[i] = fakes[i].Notifications()[0]
	}
	require.NotEqual(t, made[0], made[1])
	require.NotEqual(t, sent[0].MessageID, sent[1].MessageID)
	reference := func(n amazonpaytest.Notification) string {
		_, after, _ := strings.Cut(n.Text, `"NotificationReferenceId":"`)
		return after[:36]
	}
	require.NotEqual(t, reference(sent[0]), reference(sent[1]))
	for i, fake := range fakes {
		require.True(t, fake.Issued(made[i]))
		require.False(t, fake.Issued(made[1-i]))
		require.False(t, fake.Issued(""))
	}
}

// The settings in force are complete, and a copy.
func TestSettingsInForce(t *testing.T) {
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true, Delegated: map[string]string{"OTHER": "token"}})
	fake.SetQuota(3)
	s := fake.Settings()
	require.Equal(t, "AFAKESELLER01", s.SellerID)
	require.Equal(t, time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC), s.Start)
	require.Equal(t, 3.0, s.Quota)
	s.Delegated["OTHER"], s.LoginClients[0].ID = "changed", "changed"
	require.Equal(t, "token", fake.Settings().Delegated["OTHER"])
	require.NotEqual(t, "changed", fake.LoginClient().ID)
}

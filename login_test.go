package amazonpay_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
	"github.com/amazonpay-go/amazonpay/lwa"
)

const returnURL = "https://shop.example/return"

// signIn takes a buyer through the consent page and exchanges the code.
func signIn(t *testing.T, fake *amazonpaytest.Fake, application amazonpaytest.LoginClient) (*lwa.Client, string, string) {
	t.Helper()
	client, err := lwa.New(lwa.Config{
		ClientID: application.ID, ClientSecret: lwa.NewSecretKey(application.Secret),
		Region: lwa.RegionNA, Environment: lwa.Sandbox, RedirectURL: returnURL,
		Scopes:     []lwa.Scope{lwa.ScopeProfile, lwa.ScopeShippingAddress},
		HTTPClient: &http.Client{Transport: fake},
	})
	require.NoError(t, err)
	key := lwa.NewSecretKey("thirty-two bytes of a merchant's own randomness")
	state, err := lwa.IssueState(key, "", time.Now())
	require.NoError(t, err)
	address, err := client.ConsentURL(state)
	require.NoError(t, err)

	back, err := fake.SignIn(amazonpay.Buyer{}).Authorize(address, true)
	require.NoError(t, err)
	grant, err := lwa.ParseGrant(back.RawQuery, time.Now())
	require.NoError(t, err)
	checked, err := lwa.CheckState(key, grant.State, state.Cookie, time.Now())
	require.NoError(t, err)
	token, err := client.Exchange(t.Context(), grant.Code, checked)
	require.NoError(t, err)
	return client, token.AccessToken, token.RefreshToken
}

func profileClient(t *testing.T, fake *amazonpaytest.Fake) *amazonpay.Client {
	t.Helper()
	config := fake.Config()
	config.LoginClientID = fake.LoginClient().ID
	client, err := amazonpay.New(config)
	require.NoError(t, err)
	return client
}

// TestSignIn goes from consent to the full address of an agreement that is not
// confirmed yet.
func TestSignIn(t *testing.T) {
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := profileClient(t, fake)
	login, access, refresh := signIn(t, fake, fake.LoginClient())

	buyer, err := client.GetUserProfile(t.Context(), access)
	require.NoError(t, err)
	assert.NotEmpty(t, buyer.UserID)
	assert.NotEmpty(t, buyer.Name)
	assert.NotEmpty(t, buyer.Email)

	refreshed, err := login.Refresh(t.Context(), refresh)
	require.NoError(t, err)
	assert.NotEqual(t, access, refreshed.AccessToken)

	agreement := fake.NewBillingAgreement()
	read := func(token string) amazonpay.Address {
		details, err := client.GetBillingAgreementDetails(t.Context(), amazonpay.GetBillingAgreementDetailsRequest{
			AmazonBillingAgreementID: agreement.ID(), AddressConsentToken: token,
		})
		require.NoError(t, err)
		assert.Equal(t, amazonpay.StateDraft, details.BillingAgreementStatus.State)
		return details.Destination.PhysicalDestination
	}
	assert.Empty(t, read("").AddressLine1, "without a token")
	assert.NotEmpty(t, read(refreshed.AccessToken).AddressLine1, "with a token")
}

func TestGetUserProfileRefuses(t *testing.T) {
	other := amazonpaytest.LoginClient{ID: "amzn1.application-oa2-client.other", Secret: "not-a-secret"}
	own := amazonpaytest.LoginClient{ID: "amzn1.application-oa2-client.own", Secret: "not-a-secret-either"}
	fake := amazonpaytest.New(amazonpaytest.Settings{LoginClients: []amazonpaytest.LoginClient{own, other}})
	client := profileClient(t, fake)

	_, foreign, _ := signIn(t, fake, other)
	profile, err := client.GetUserProfile(t.Context(), foreign)
	assert.Nil(t, profile)
	assert.ErrorIs(t, err, lwa.ErrOtherClient)
	assert.NotContains(t, err.Error(), foreign)

	_, access, _ := signIn(t, fake, own)
	fake.Advance(2 * time.Hour)
	_, err = client.GetUserProfile(t.Context(), access)
	assert.Error(t, err, "an expired token")
	assert.NotContains(t, err.Error(), access)

	_, err = client.GetUserProfile(t.Context(), "")
	assert.ErrorAs(t, err, new(*lwa.InvalidError))

	_, err = fake.Client().GetUserProfile(t.Context(), access)
	assert.EqualError(t, err, "amazonpay: GetUserProfile: Config.LoginClientID is required")
}

func TestLoginClientIDIsChecked(t *testing.T) {
	config := amazonpaytest.New(amazonpaytest.Settings{}).Config()
	config.LoginClientID = "with a space"
	_, err := amazonpay.New(config)
	require.ErrorAs(t, err, new(*amazonpay.InvalidError))
	assert.ErrorContains(t, err, "LoginClientID")
}

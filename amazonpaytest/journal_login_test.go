package amazonpaytest_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// A code that was handed out before the process was killed is exchanged after
// it, once, and the tokens live on.
func TestRestoredLogin(t *testing.T) {
	log := &tape{}
	settings := amazonpaytest.Settings{Manual: true}
	fake, err := amazonpaytest.Restore(settings, log)
	require.NoError(t, err)
	client := fake.LoginClient()
	page := "https://www.amazon.com/ap/oa?" + url.Values{"client_id": {client.ID}, "redirect_uri": {"https://shop.example/back"},
		"response_type": {"code"}, "scope": {"profile"}}.Encode()
	send := func(method, address string, form url.Values) *http.Response {
		req, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := fake.RoundTrip(req)
		require.NoError(t, err)
		return resp
	}
	before := log.writes
	html, err := io.ReadAll(send(http.MethodGet, page, nil).Body)
	require.NoError(t, err)
	require.Equal(t, before, log.writes, "to look at the page changes nothing")
	csrf := csrfField.FindSubmatch(html)
	require.NotNil(t, csrf)
	answered := send(http.MethodPost, page, url.Values{"csrf": {string(csrf[1])}, "ap_email": {"susan@example.com"}, "decision": {"allow"}})
	require.Equal(t, http.StatusFound, answered.StatusCode)
	back, err := answered.Location()
	require.NoError(t, err)

	restart := func() {
		log = rewound(log.written)
		fake, err = amazonpaytest.Restore(settings, log)
		require.NoError(t, err)
	}
	restart()
	exchange := url.Values{"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {"https://shop.example/back"},
		"client_id": {client.ID}, "client_secret": {client.Secret}}
	fresh, err := io.ReadAll(send(http.MethodPost, "https://api.amazon.com/auth/o2/token", exchange).Body)
	require.NoError(t, err)
	token := regexp.MustCompile(`"access_token":"([^"]+)"`).FindSubmatch(fresh)
	require.NotNil(t, token)
	require.NotContains(t, string(log.written), client.Secret)

	restart()
	require.Equal(t, http.StatusBadRequest, send(http.MethodPost, "https://api.amazon.com/auth/o2/token", exchange).StatusCode, "the code is used up")
	require.Equal(t, http.StatusOK, profileStatus(t, fake, string(token[1])))
}

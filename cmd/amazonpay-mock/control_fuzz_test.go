package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever is sent to the control API, the answer is JSON and no failure of the
// server's.
func FuzzControl(f *testing.F) {
	c, err := readConfig([]string{"-manual-clock", "-quiet"}, nil, io.Discard)
	require.NoError(f, err)
	s := &server{config: c, log: newLogger(c, io.Discard)}
	s.authority, err = newAuthority("", nil)
	require.NoError(f, err)
	s.amazon, err = newAmazon(c, s.log)
	require.NoError(f, err)
	id := s.amazon.home.now().NewBillingAgreement().Consent().ID()
	handler := s.routes()

	for _, seed := range [][2]string{
		{"acts", `{"do":"OpenBillingAgreement","payment":"BadCard","buyer":{"Name":"A"}}`},
		{"acts", `{"do":"OpenOrderReference","amount":"1.00 USD","digital":true}`},
		{"acts", `{"do":"UpdatePaymentMethod","id":"` + string(id) + `","payment":"GoodCard"}`},
		{"acts", `{"do":"Send","message":{"NotificationType":"PaymentCapture","Sample":true}}`},
		{"acts", `{"do":"SetDelivery","duration":"1h","lossRate":0.5,"signature":"2"}`},
		{"acts", `{"do":"Inject","kind":"Slow","duration":"P1DT1H","probability":0.1}`},
		{"acts", `{"do":"AuthorizeLogin","id":"x","url":"https://www.amazon.com/ap/oa?client_id=x","allow":true}`},
		{"acts?region=jp", `{"do":"Advance","duration":"1h"}`},
		{"faults", `{"kind":"ClockSkew","delay":"-20m","times":-1}`},
		{"clock", `{"to":"2026-02-01T00:00:00Z"}`},
		{"quota", `{"factor":1e300}`},
		{"reset", `{}`},
		{"state?limit=1&offset=2&id=x&buyers=1", `null`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, path, body string) {
		r, err := http.NewRequest(http.MethodPost, "http://localhost/mock/"+path, strings.NewReader(body))
		if err != nil {
			return // no client can send it
		}
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code/100 == 3 { // a path that is not clean
			return
		}
		require.Less(t, w.Code, 500, w.Body.String())
		require.True(t, json.Valid(w.Body.Bytes()) || w.Code == http.StatusNotFound, w.Body.String())
	})
}

package main

import (
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// widgetErrors are the codes that a page may be told, as documented.
var widgetErrors = []string{
	"AddressNotModifiable", "BuyerNotAssociated", "BuyerSessionExpired", "ITP", "InvalidAccountStatus",
	"InvalidBillingAgreementStatus", "InvalidOrderReferenceId", "InvalidParameterValue", "InvalidSellerId", "MissingParameter",
	"PaymentMethodNotModifiable", "ReleaseEnvironmentMismatch", "StaleOrderReference", "UnknownError",
}

// widgetKinds are the widgets that can be made to fail.
var widgetKinds = []amazonpaytest.WidgetKind{
	amazonpaytest.ButtonWidget, amazonpaytest.AddressBookWidget, amazonpaytest.WalletWidget,
	amazonpaytest.ConsentWidget, amazonpaytest.ConfirmationWidget,
}

// wantedError is an error that a test wants of the widgets.
type wantedError struct {
	Widget amazonpaytest.WidgetKind `json:"widget,omitempty"` // empty is any
	Code   string                   `json:"code"`
	Times  int                      `json:"times,omitempty"` // 0 is one, negative is all
}

// wantedErrors wait for a widget that they fit.
type wantedErrors struct {
	mu   sync.Mutex
	list []wantedError
}

// take finds the error of a widget that is shown or used now; empty is none.
func (l *wantedErrors) take(kind amazonpaytest.WidgetKind) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.list, func(e wantedError) bool { return e.Widget == "" || e.Widget == kind })
	if i < 0 {
		return ""
	}
	code := l.list[i].Code
	if l.list[i].Times > 0 {
		if l.list[i].Times--; l.list[i].Times == 0 {
			l.list = slices.Delete(l.list, i, i+1)
		}
	}
	return code
}

func (s *server) listWidgetErrors(*http.Request) (any, error) {
	s.wanted.mu.Lock()
	defer s.wanted.mu.Unlock()
	return map[string]any{"errors": latest(slices.Clone(s.wanted.list), 0, 0), "codes": widgetErrors, "widgets": widgetKinds}, nil
}

func (s *server) wantWidgetError(r *http.Request) (any, error) {
	body, err := readBody[wantedError](r)
	if err != nil {
		return nil, err
	}
	switch {
	case !slices.Contains(widgetErrors, body.Code):
		return nil, wrong("code", "is none that a widget has; there are %v", widgetErrors)
	case body.Widget != "" && !slices.Contains(widgetKinds, body.Widget):
		return nil, wrong("widget", "is no widget; there are %v", fmt.Sprint(widgetKinds))
	}
	if body.Times == 0 {
		body.Times = 1
	}
	s.wanted.mu.Lock()
	s.wanted.list = append(s.wanted.list, body)
	s.wanted.mu.Unlock()
	return s.listWidgetErrors(r)
}

func (s *server) healWidgets(r *http.Request) (any, error) {
	s.wanted.mu.Lock()
	s.wanted.list = nil
	s.wanted.mu.Unlock()
	return s.listWidgetErrors(r)
}

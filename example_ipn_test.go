package amazonpay_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/amazonpay-go/amazonpay"
)

// A shop's address for notifications: what Amazon did not send never reaches
// the function, and what it sends twice is done once.
func ExampleVerifier_Handler() {
	notifications, err := amazonpay.NewVerifier(amazonpay.VerifierConfig{
		SellerIDs:   []string{"A2EXAMPLESELL"},
		Environment: amazonpay.Production,
	}) // or client.Notifications()
	if err != nil {
		panic(err)
	}
	var inbox amazonpay.MemoryInbox // in production: one in the database

	http.Handle("/ipn", notifications.Handler(func(ctx context.Context, n *amazonpay.Notification) error {
		if n.IsSample {
			return nil
		}
		return inbox.Once(ctx, n.ID, func(ctx context.Context) error {
			switch object := n.Object.(type) {
			case *amazonpay.Capture:
				fmt.Println("capture", object.AmazonCaptureID, object.CaptureStatus.State)
			case *amazonpay.BillingAgreement:
				fmt.Println("agreement", object.AmazonBillingAgreementID, object.BillingAgreementStatus.State)
			}
			return nil // SNS is answered 200 only now; after an error it sends it again
		})
	}))

	forged := httptest.NewRequest(http.MethodPost, "/ipn", strings.NewReader(`{"Type": "Notification", "Message": "paid"}`))
	answer := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(answer, forged)
	fmt.Println(answer.Code)
	// Output: 400
}

// A notification may come late. It must not undo what is known already.
func ExampleNotification_NewerThan() {
	known := amazonpay.Status{State: amazonpay.StateCompleted}
	late := &amazonpay.Notification{Object: &amazonpay.Capture{
		CaptureStatus: amazonpay.Status{State: amazonpay.StatePending},
	}}
	fmt.Println(late.NewerThan(known))
	// Output: false
}

// What is delivered twice is done once.
func ExampleInbox() {
	var inbox amazonpay.Inbox = new(amazonpay.MemoryInbox)
	for range 2 { // Amazon delivers at least once
		err := inbox.Once(context.Background(), "7b2d7a1e-4f0a-5c3e-9d1c-2f6a8f1d0e11", func(context.Context) error {
			fmt.Println("shipped")
			return nil
		})
		fmt.Println(err)
	}
	// Output:
	// shipped
	// <nil>
	// <nil>
}

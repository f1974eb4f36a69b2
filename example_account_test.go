package amazonpay_test

import (
	"context"
	"fmt"
	"log"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// For the page that customer service looks at, at most every five minutes.
func ExampleClient_GetServiceStatus() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	fake.SetServiceStatus("YELLOW", "We are experiencing high latency.")

	status, err := client.GetServiceStatus(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(status.Status)
	for _, message := range status.Messages {
		fmt.Println(message.Locale, message.Text)
	}
	// Output:
	// YELLOW
	// en_US We are experiencing high latency.
}

func ExampleClient_GetMerchantAccountStatus() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()

	account, err := client.GetMerchantAccountStatus(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(account.AccountStatus)
	// Output:
	// ACTIVE
}

// The list replaces what was there: name every address that shall stay.
func ExampleClient_SetMerchantNotificationConfiguration() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()

	err := client.SetMerchantNotificationConfiguration(ctx, amazonpay.SetMerchantNotificationConfigurationRequest{
		NotificationConfigurationList: []amazonpay.NotificationConfiguration{{
			NotificationURL: "https://shop.example/amazonpay",
			EventTypes:      []amazonpay.EventType{amazonpay.EventTypeAll},
		}, {
			NotificationURL: "https://books.example/refunds",
			EventTypes:      []amazonpay.EventType{amazonpay.EventTypePaymentRefund, amazonpay.EventTypeChargebackDetailed},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("set")
	// Output:
	// set
}

func ExampleClient_GetMerchantNotificationConfiguration() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	client := fake.Client()
	list := []amazonpay.NotificationConfiguration{{
		NotificationURL: "https://shop.example/amazonpay",
		EventTypes:      []amazonpay.EventType{amazonpay.EventTypePaymentAuthorize, amazonpay.EventTypePaymentCapture},
	}}
	err := client.SetMerchantNotificationConfiguration(ctx, amazonpay.SetMerchantNotificationConfigurationRequest{NotificationConfigurationList: list})
	if err != nil {
		log.Fatal(err)
	}

	configuration, err := client.GetMerchantNotificationConfiguration(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range configuration.NotificationConfigurationList {
		fmt.Println(c.NotificationURL, c.EventTypes)
	}
	// Output:
	// https://shop.example/amazonpay [PAYMENT_AUTHORIZE PAYMENT_CAPTURE]
}

// A solution provider asks for a merchant who gave it a token.
func ExampleClient_OnBehalfOf() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{
		Delegated: map[string]string{"AMERCHANT00007": "amzn.mws.token-of-merchant-7"},
	})
	provider := fake.Client()

	merchant, err := provider.OnBehalfOf("AMERCHANT00007", "amzn.mws.token-of-merchant-7")
	if err != nil {
		log.Fatal(err)
	}
	account, err := merchant.GetMerchantAccountStatus(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(merchant.SellerID(), account.AccountStatus)
	// Output:
	// AMERCHANT00007 ACTIVE
}

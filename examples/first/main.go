// Command first makes a first charge, on a fake Amazon Pay:
//
//	go run ./examples/first
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

func main() {
	fake := amazonpaytest.New(amazonpaytest.Settings{}) // later: amazonpay.New, with your own keys
	client, agreement := fake.Client(), fake.OpenBillingAgreement()
	charge, err := client.Charge(context.Background(), amazonpay.ChargeRequest{
		AmazonBillingAgreementID: agreement.ID(),
		ReferenceID:              amazonpay.NewReferenceID("tea.example", "42", "2026-12", "try 1"),
		Amount:                   amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(charge.Outcome, charge.Amount) // Paid 19.90 USD
}

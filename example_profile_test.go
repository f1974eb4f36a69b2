package amazonpay_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
	"github.com/amazonpay-go/amazonpay/lwa"
)

// The button has given the buyer's access token to your page, and the page to
// your server. A token that was made for another site tells nothing.
func ExampleClient_GetUserProfile() {
	ctx := context.Background()
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	token := fake.NewBillingAgreement().AccessToken()

	for _, clientID := range []string{fake.LoginClient().ID, "amzn1.application-oa2-client.another"} {
		config := fake.Config()
		config.LoginClientID = clientID
		client, err := amazonpay.New(config)
		if err != nil {
			log.Fatal(err)
		}
		buyer, err := client.GetUserProfile(ctx, token)
		if errors.Is(err, lwa.ErrOtherClient) {
			fmt.Println("refuse it: somebody else's token")
			continue
		}
		if err != nil {
			log.Fatal(err) // let the buyer sign in again
		}
		fmt.Println(buyer.Name, buyer.Email)
	}
	// Output:
	// Susan Example buyer@example.com
	// refuse it: somebody else's token
}

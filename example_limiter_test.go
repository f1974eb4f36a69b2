package amazonpay_test

import (
	"fmt"
	"log"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// Before a billing run: how long will it take? Amazon takes one charge a second.
func ExampleClient_EstimateDuration() {
	client, err := amazonpay.New(amazonpay.Config{
		SellerID:    "ASELLER0000042",
		AccessKey:   "AKIAEXAMPLE",
		SecretKey:   amazonpay.NewSecretKey("a-made-up-secret"),
		Region:      amazonpay.RegionNA,
		Environment: amazonpay.Production,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.EstimateDuration("AuthorizeOnBillingAgreement", 10_000))
	// Output:
	// 2h46m31s
}

// Two clients with the same keys draw on the same quota, so they share a Limiter.
func ExampleNewLimiter() {
	config := amazonpay.Config{
		SellerID:    "ASELLER0000042",
		AccessKey:   "AKIAEXAMPLE",
		SecretKey:   amazonpay.NewSecretKey("a-made-up-secret"),
		Region:      amazonpay.RegionNA,
		Environment: amazonpay.Sandbox,
		Limiter:     amazonpay.NewLimiter(1),
	}
	jobs, err := amazonpay.New(config)
	if err != nil {
		log.Fatal(err)
	}
	config.Timeout = 10 * time.Second // somebody looks on
	website, err := amazonpay.New(config)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(jobs, website)
	// Output:
	// amazonpay.Client(ASELLER0000042, NA, sandbox) amazonpay.Client(ASELLER0000042, NA, sandbox)
}

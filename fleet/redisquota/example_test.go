package redisquota_test

import (
	"fmt"
	"log"
	"os"

	"github.com/redis/go-redis/v9"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/fleet/redisquota"
)

// On each of twenty machines.
func Example() {
	limiter, err := redisquota.New(redisquota.Config{
		Client:   redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDRESS")}),
		Fallback: amazonpay.NewLimiter(1.0 / 20), // while Redis is away each of 20 machines takes its share
		OnError:  func(err error) { log.Print(err) },
	})
	if err != nil {
		log.Fatal(err)
	}
	client, err := amazonpay.New(amazonpay.Config{
		SellerID:    "ASELLER0000042",
		AccessKey:   "AKIAEXAMPLE",
		SecretKey:   amazonpay.NewSecretKey("a-made-up-secret"),
		Region:      amazonpay.RegionEU,
		Environment: amazonpay.Production,
		Limiter:     limiter,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.EstimateDuration("AuthorizeOnBillingAgreement", 10_000), "for the whole fleet")
	// Output:
	// 2h46m31s for the whole fleet
}

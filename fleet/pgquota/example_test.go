package pgquota_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/fleet/pgquota"
)

// On each of twenty machines.
func Example() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	limiter, err := pgquota.New(pgquota.Config{
		DB:       pool,
		Schema:   "billing",                      // holds the table that limiter.CreateTable makes
		Fallback: amazonpay.NewLimiter(1.0 / 20), // while PostgreSQL is away
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

package main

import (
	"context"
	"fmt"

	"github.com/amazonpay-go/amazonpay"
)

// identity is whose ledger a database holds. It is written by the first process
// and never changed: the same subscribers at another seller, in another
// environment or under another shop's name would be charged once more.
type identity struct {
	service                           string // who takes the money
	seller, region, environment, shop string
}

// Who takes the money.
const (
	serviceAmazon = "Amazon Pay"
	serviceMock   = "an amazonpay-mock"
	serviceFake   = "an embedded fake"
)

// identityOf is the identity of the ledger of a client's seller.
func identityOf(service string, client *amazonpay.Client, shop string) identity {
	return identity{service, client.SellerID(), string(client.Region()), string(client.Environment()), shop}
}

// claim writes the identity into a new database, and refuses one of another.
func (i identity) claim(ctx context.Context, t tx) error {
	if _, err := t.exec(ctx, "INSERT INTO identity (id, service, seller, region, environment, shop) VALUES (1, $1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
		i.service, i.seller, i.region, i.environment, i.shop); err != nil {
		return err
	}
	var is identity
	if _, err := one(ctx, t, "SELECT service, seller, region, environment, shop FROM identity", nil,
		&is.service, &is.seller, &is.region, &is.environment, &is.shop); err != nil {
		return err
	}
	for _, field := range []struct{ name, is, wanted string }{
		{"service", is.service, i.service}, {"seller", is.seller, i.seller}, {"region", is.region, i.region},
		{"environment", is.environment, i.environment}, {"shop", is.shop, i.shop},
	} {
		if field.is != field.wanted {
			return fmt.Errorf("the %s of this database is %q, not %q: take another database", field.name, field.is, field.wanted)
		}
	}
	return nil
}

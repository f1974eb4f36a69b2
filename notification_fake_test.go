package amazonpay_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// The verifier of a client of the fake believes the fake, as it stands.
func TestClientOfTheFakeVerifies(t *testing.T) {
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	var seen []amazonpay.State
	fake.Notify(fake.Client().Notifications().Handler(func(_ context.Context, n *amazonpay.Notification) error {
		seen = append(seen, n.Status().State)
		return nil
	}))
	fake.OpenBillingAgreement().Cancel()
	fake.Deliver()
	for _, n := range fake.Notifications() {
		assert.Equal(t, 200, n.Status)
	}
	assert.Equal(t, []amazonpay.State{amazonpay.StateOpen, amazonpay.StateClosed}, seen)
}

package amazonpay_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// farAway is the road to a fake: some way there and back, varied by a third
// either way. It counts what passes.
type farAway struct {
	fake *amazonpaytest.Fake
	trip time.Duration // there and back

	mu        sync.Mutex
	dice      *rand.Rand
	requests  int
	throttled int
}

func newFarAway(fake *amazonpaytest.Fake, trip time.Duration) *farAway {
	return &farAway{fake: fake, trip: trip, dice: rand.New(rand.NewPCG(1, 2))}
}

func (x *farAway) travel(ctx context.Context) error {
	x.mu.Lock()
	wait := x.trip/2 + time.Duration((x.dice.Float64()-0.5)/1.5*float64(x.trip/2))
	x.mu.Unlock()
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (x *farAway) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := x.travel(r.Context()); err != nil {
		return nil, err
	}
	answer, err := x.fake.RoundTrip(r)
	x.mu.Lock()
	x.requests++
	if err == nil && answer.StatusCode == http.StatusServiceUnavailable {
		x.throttled++
	}
	x.mu.Unlock()
	if err := x.travel(r.Context()); err != nil {
		return nil, err
	}
	return answer, err
}

// client paces itself by a Limiter, and repeats as it does by default.
func (x *farAway) client(t testing.TB, limiter amazonpay.Limiter) *amazonpay.Client {
	t.Helper()
	config := x.fake.Config()
	config.HTTPClient, config.Limiter, config.Backoff = &http.Client{Transport: x}, limiter, nil
	client, err := amazonpay.New(config)
	require.NoError(t, err)
	return client
}

// bridge is a fake with Amazon's quotas, and what is charged on it.
type bridge struct {
	*farAway
	agreements map[string]amazonpay.BillingAgreementID // by seller
	charged    int
}

const childSeller, childToken = "A3CHILDSELLER", "amzn.mws.child"

func newBridge(t testing.TB, environment amazonpay.Environment, factor float64) *bridge {
	t.Helper()
	fake := amazonpaytest.New(amazonpaytest.Settings{Environment: environment, KeepCalls: 1,
		MonthlyLimit: usd("1000000.00"), Delegated: map[string]string{childSeller: childToken}})
	b := &bridge{farAway: newFarAway(fake, time.Duration(float64(300*time.Millisecond)/factor)), agreements: map[string]amazonpay.BillingAgreementID{}}
	child, err := fake.Client().OnBehalfOf(childSeller, childToken)
	require.NoError(t, err)
	for _, client := range []*amazonpay.Client{fake.Client(), child} {
		agreement := fake.NewBillingAgreementWith(amazonpaytest.Checkout{SellerID: client.SellerID()}).Consent()
		require.NoError(t, client.ConfirmBillingAgreement(t.Context(), amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: agreement.ID()}))
		b.agreements[client.SellerID()] = agreement.ID()
	}
	fake.SetQuota(factor)
	return b
}

// charge makes charges by workers, dealt out to the clients in turn, and tells
// how long it took.
func (b *bridge) charge(t testing.TB, charges, workers int, clients ...*amazonpay.Client) time.Duration {
	t.Helper()
	work, start := make(chan int), time.Now()
	var wg sync.WaitGroup
	for w := range workers {
		client := clients[w%len(clients)]
		wg.Go(func() {
			for i := range work {
				charge, err := client.Charge(t.Context(), amazonpay.ChargeRequest{AmazonBillingAgreementID: b.agreements[client.SellerID()],
					ReferenceID: amazonpay.NewReferenceID("tea.example", fmt.Sprint(i)), Amount: usd("1.00")})
				if assert.NoError(t, err) {
					assert.Equal(t, amazonpay.OutcomePaid, charge.Outcome)
				}
			}
		})
	}
	for i := range charges {
		work <- b.charged + i
	}
	close(work)
	wg.Wait()
	b.charged += charges
	return time.Since(start)
}

// assertOnce: every charge, and hardly a request more.
func (b *bridge) assertOnce(t testing.TB, perCharge float64) {
	t.Helper()
	t.Logf("%d charges, %d requests, %d throttled", b.charged, b.requests, b.throttled)
	assert.Len(t, b.fake.Ledger(), b.charged)
	assert.LessOrEqual(t, float64(b.requests), perCharge*float64(b.charged))
}

// The client's pace and the fake's quota were written from the same table, by
// different hands: what one sends, the other takes.
func TestPaceMeetsQuota(t *testing.T) {
	const exact = 1.005
	for name, run := range map[string]func(t *testing.T){
		"production": func(t *testing.T) {
			b := newBridge(t, amazonpay.Production, 1)
			took := b.charge(t, 10_000, 64, b.client(t, nil))
			b.assertOnce(t, exact)
			assert.LessOrEqual(t, took, 9992*time.Second)
		},
		"sandbox": func(t *testing.T) {
			b := newBridge(t, amazonpay.Sandbox, 1)
			took := b.charge(t, 500, 64, b.client(t, nil))
			b.assertOnce(t, exact)
			assert.LessOrEqual(t, took, 1000*time.Second)
		},
		"sixty times as fast": func(t *testing.T) {
			b := newBridge(t, amazonpay.Production, 60)
			took := b.charge(t, 1000, 64, b.client(t, amazonpay.NewLimiter(60)))
			b.assertOnce(t, exact)
			assert.LessOrEqual(t, took, 17*time.Second)
		},
		"two clients with one Limiter": func(t *testing.T) {
			b, limiter := newBridge(t, amazonpay.Production, 1), amazonpay.NewLimiter(1)
			took := b.charge(t, 1000, 64, b.client(t, limiter), b.client(t, limiter))
			b.assertOnce(t, exact)
			assert.LessOrEqual(t, took, 992*time.Second)
		},
		"two sellers": func(t *testing.T) {
			b := newBridge(t, amazonpay.Production, 1)
			parent := b.client(t, nil)
			child, err := parent.OnBehalfOf(childSeller, childToken)
			require.NoError(t, err)
			took := b.charge(t, 1000, 64, parent, child)
			b.assertOnce(t, exact)
			assert.LessOrEqual(t, took, 510*time.Second, "each has a quota of its own")
		},
		"another process takes half": takeHalf,
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, run) })
	}
}

// takeHalf is a night in which another process draws on the same quota.
func takeHalf(t *testing.T) {
	b := newBridge(t, amazonpay.Production, 1)
	config := b.fake.Config()
	config.Backoff = amazonpay.Spacing()
	other, err := amazonpay.New(config)
	require.NoError(t, err)
	ctx, end := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			_, err := other.AuthorizeOnBillingAgreement(ctx, amazonpay.AuthorizeOnBillingAgreementRequest{
				AmazonBillingAgreementID: "P01-0000000-0000000", AuthorizationReferenceID: "x", AuthorizationAmount: usd("1.00")})
			assert.Error(t, err)
			time.Sleep(time.Second + time.Duration(rand.Int64N(int64(2*time.Second))))
		}
	})
	took := b.charge(t, 500, 64, b.client(t, nil))
	end()
	wg.Wait()
	b.assertOnce(t, 2.2)
	assert.LessOrEqual(t, took, 1100*time.Second)
}

// required fills what a request needs with anything that may be sent.
func required(v reflect.Value) {
	for i := range v.NumField() {
		field, tag := v.Field(i), v.Type().Field(i).Tag.Get("pay")
		switch {
		case field.Type() == reflect.TypeFor[amazonpay.Price]():
			if strings.Contains(tag, "required") || v.Type().Field(i).Name == "OrderTotal" {
				field.Set(reflect.ValueOf(usd("1.00")))
			}
		case field.Kind() == reflect.Struct:
			required(field)
		case field.Type() == reflect.TypeFor[[]amazonpay.NotificationConfiguration]():
			field.Set(reflect.ValueOf([]amazonpay.NotificationConfiguration{{NotificationURL: "https://tea.example/", EventTypes: []amazonpay.EventType{"ALL"}}}))
		case field.Kind() == reflect.String && (strings.Contains(tag, "required") || v.Type().Field(i).Name == "SellerNote"):
			field.SetString("S01-1234567-1234567")
		}
	}
}

// TestPaceMeetsQuotaOfEveryAction: both sides know the same quota for each.
func TestPaceMeetsQuotaOfEveryAction(t *testing.T) {
	client := reflect.TypeFor[*amazonpay.Client]()
	actions := 0
	for i := range client.NumMethod() {
		method := client.Method(i)
		parameters := method.Type.NumIn()
		if parameters < 2 || method.Type.In(1) != reflect.TypeFor[context.Context]() || method.Name == "Charge" ||
			parameters == 3 && method.Type.In(2).Kind() != reflect.Struct || parameters > 3 || method.Type.IsVariadic() || method.Type.Out(0).Kind() == reflect.Func {
			continue
		}
		actions++
		for _, environment := range []amazonpay.Environment{amazonpay.Production, amazonpay.Sandbox} {
			t.Run(method.Name+" "+string(environment), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					fake := amazonpaytest.New(amazonpaytest.Settings{Environment: environment, Quota: 1})
					road := newFarAway(fake, 300*time.Millisecond)
					arguments := []reflect.Value{reflect.ValueOf(road.client(t, nil)), reflect.ValueOf(t.Context())}
					if parameters == 3 {
						request := reflect.New(method.Type.In(2)).Elem()
						required(request)
						arguments = append(arguments, request)
					}
					var wg sync.WaitGroup
					for range 50 {
						wg.Go(func() {
							out := method.Func.Call(arguments)
							err, _ := out[len(out)-1].Interface().(error)
							_, invalid := errors.AsType[*amazonpay.InvalidError](err)
							assert.False(t, invalid, "%v", err)
						})
					}
					wg.Wait()
					assert.GreaterOrEqual(t, road.requests, 50)
					assert.LessOrEqual(t, road.throttled, 1)
				})
			})
		}
	}
	assert.Equal(t, 29, actions)
}

// TestFallbackGoesFirst: the second authorization of a charge has waited its
// turn with the first. Behind all others it would come after the deadline, each
// time the charge is repeated, and nobody in a crowd would ever be done.
func TestFallbackGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBridge(t, amazonpay.Production, 1)
		slow := b.fake.NewBillingAgreementWith(amazonpaytest.Checkout{Payment: amazonpaytest.SlowBank}).Consent()
		client := b.client(t, nil)
		require.NoError(t, client.ConfirmBillingAgreement(t.Context(), amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: slow.ID()}))
		var done atomic.Int32
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 31*time.Second)
				defer cancel()
				charge, err := client.Charge(ctx, amazonpay.ChargeRequest{AmazonBillingAgreementID: slow.ID(),
					ReferenceID: amazonpay.NewReferenceID("tea.example", fmt.Sprint(i)), Amount: usd("1.00")})
				if err != nil {
					assert.ErrorIs(t, err, context.DeadlineExceeded)
					return
				}
				assert.Equal(t, amazonpay.OutcomePending, charge.Outcome)
				done.Add(1)
			})
		}
		wg.Wait()
		assert.Zero(t, b.throttled)
		assert.Greater(t, done.Load(), int32(15), "of 38 turns in that time each takes two")
	})
}

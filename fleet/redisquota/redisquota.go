// Package redisquota paces a fleet of machines that charge with the same Amazon
// Pay keys, by a quota that they share in Redis.
package redisquota

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/fleet/internal/share"
)

// Config is what [New] needs to know. Client is required.
type Config struct {
	// Client is a connection to Redis. All machines of the fleet must use the
	// same database of the same server or cluster.
	Client redis.UniversalClient

	// Prefix goes before the keys, which are "rate:" + Prefix + the bucket.
	// Empty means "amazonpay:". All machines must use the same.
	Prefix string

	// Factor is how many times faster than Amazon's quota to go, as in
	// [amazonpay.NewLimiter]. Zero means 1. All machines must use the same.
	Factor float64

	// Timeout bounds one question to Redis. Zero means one second.
	Timeout time.Duration

	// Fallback paces this machine while Redis is out of reach: give each of 20
	// machines an amazonpay.NewLimiter(1.0/20). Nil means that calls fail
	// meanwhile, with an error that says so; they are not sent.
	Fallback amazonpay.Limiter
}

// New makes a Limiter, to be used as the Limiter of an [amazonpay.Config].
// It asks Redis nothing yet.
//
// Slots go round the machines that have work, in the order in which they ask;
// within a machine a repeat goes first. A throttle answer to one machine empties
// the bucket for all. The clock is Redis's. If Redis forgets the keys, each
// bucket counts as full.
func New(config Config) (*Limiter, error) {
	switch {
	case config.Client == nil:
		return nil, errors.New("redisquota: Client is required")
	case !(config.Factor >= 0):
		return nil, errors.New("redisquota: Factor is negative")
	case config.Timeout < 0:
		return nil, errors.New("redisquota: Timeout is negative")
	case config.Timeout == 0:
		config.Timeout = share.DefaultTimeout
	}
	if config.Prefix == "" {
		config.Prefix = "amazonpay:"
	}
	return &Limiter{share.Limiter{
		Name: "redisquota", Store: store{redis_rate.NewLimiter(config.Client), config.Prefix},
		Factor: config.Factor, Timeout: config.Timeout, Fallback: config.Fallback,
	}}, nil
}

// Limiter is an [amazonpay.Limiter] on Redis. Make it with [New].
type Limiter struct{ shared share.Limiter }

// Wait returns nil when a request may be made. The error is the context's,
// also, at once, if the turn would come after its deadline; or it says that
// Redis is out of reach, unless there is a Fallback.
func (l *Limiter) Wait(ctx context.Context, b amazonpay.Bucket, attempt int) error {
	return l.shared.Wait(ctx, b, attempt)
}

// Throttled empties the bucket for all machines.
func (l *Limiter) Throttled(b amazonpay.Bucket) { l.shared.Throttled(b) }

// EstimateDuration is how long n requests take the whole fleet from a full
// bucket.
func (l *Limiter) EstimateDuration(b amazonpay.Bucket, n int) time.Duration {
	return l.shared.EstimateDuration(b, n)
}

// store does with redis_rate what it was not made for: to reserve a slot in the
// future. Its burst is only a parameter of each question, so a burst beyond the
// bucket's reaches into the future, and the answer's ResetAfter tells how far.
type store struct {
	rate   *redis_rate.Limiter
	prefix string
}

const (
	// A request is a thousand parts, so that a bucket can be emptied to a
	// thousandth.
	parts = 1000
	// So many processes may reserve at the same time.
	ahead = 100_000
)

func (s store) Reserve(ctx context.Context, key string, q share.Quota) (time.Duration, error) {
	limit := redis_rate.Limit{Rate: parts, Period: q.Interval, Burst: (q.Burst + ahead) * parts}
	answer, err := s.rate.AllowN(ctx, s.prefix+key, limit, parts)
	if err != nil {
		return 0, err
	}
	if answer.Allowed == 0 {
		return 0, fmt.Errorf("%d slots are reserved already", ahead)
	}
	return answer.ResetAfter - q.Full(), nil
}

func (s store) Empty(ctx context.Context, key string, q share.Quota) error {
	limit := redis_rate.Limit{Rate: parts, Period: q.Interval, Burst: q.Burst * parts}
	_, err := s.rate.AllowAtMost(ctx, s.prefix+key, limit, limit.Burst)
	return err
}

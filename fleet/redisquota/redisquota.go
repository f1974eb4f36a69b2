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

	// OnError is told each time that a question to Redis fails: that it is out
	// of reach, or a replica that cannot write. With a Fallback nothing else
	// tells. It is called by the call that asked, also by several at once, and
	// should return soon. Nil means that nobody is told.
	OnError func(error)
}

// New makes a Limiter, to be used as the Limiter of an [amazonpay.Config].
// It asks Redis nothing yet.
//
// Slots go round the machines that have work, in the order in which they ask;
// within a machine a repeat goes first. A throttle answer to one machine empties
// the bucket for all. The clock is Redis's. If Redis forgets the keys, each
// bucket counts as full.
func New(config Config) (*Limiter, error) {
	if config.Client == nil {
		return nil, errors.New("redisquota: Client is required")
	}
	if config.Prefix == "" {
		config.Prefix = "amazonpay:"
	}
	shared, err := share.New("redisquota", store{config.Client, redis_rate.NewLimiter(config.Client), config.Prefix}, share.Settings{
		Factor: config.Factor, Timeout: config.Timeout, Fallback: config.Fallback, OnError: config.OnError,
	})
	if err != nil {
		return nil, err
	}
	return &Limiter{shared}, nil
}

// Limiter is an [amazonpay.Limiter] on Redis. Make it with [New].
type Limiter struct{ shared *share.Limiter }

// Wait returns nil when a request may be made. The error is the context's; or,
// as soon as that is certain, that the turn would come after the context's
// deadline; or that Redis is out of reach, unless there is a Fallback.
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

// store keeps the quota by redis_rate, which cannot reserve a slot ahead of time.
// So it asks with a burst larger than the bucket's, with which the request is
// allowed, and reads from ResetAfter how far in the future its slot lies.
type store struct {
	client redis.UniversalClient
	rate   *redis_rate.Limiter
	prefix string
}

// parts of a request are what redis_rate counts, so that a bucket can be emptied
// to a thousandth.
const parts = 1000

func (s store) Reserve(ctx context.Context, key string, q share.Quota) (time.Duration, error) {
	limit := redis_rate.Limit{Rate: parts, Period: q.Interval, Burst: (q.Burst + share.Ahead) * parts}
	for range 2 {
		answer, err := s.rate.AllowN(ctx, s.prefix+key, limit, parts)
		if err != nil {
			return 0, err
		}
		if answer.Allowed > 0 {
			return answer.ResetAfter - q.Full(), nil
		}
		if err := s.forget(ctx, key, q); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("the value of %q is no quota", s.prefix+key)
}

// forgetting is bound to the time to live, so that of many processes only the
// first deletes the key.
var forgetting = redis.NewScript(`
if redis.call("PTTL", KEYS[1]) > tonumber(ARGV[1]) then
  redis.call("DEL", KEYS[1])
end
return 0`)

// forget empties a bucket whose time is further ahead than can be.
func (s store) forget(ctx context.Context, key string, q share.Quota) error {
	most := q.Longest() - q.Interval
	if err := forgetting.Run(ctx, s.client, []string{"rate:" + s.prefix + key}, most.Milliseconds()).Err(); err != nil {
		return err
	}
	return s.Empty(ctx, key, q)
}

func (s store) Empty(ctx context.Context, key string, q share.Quota) error {
	limit := redis_rate.Limit{Rate: parts, Period: q.Interval, Burst: q.Burst * parts}
	_, err := s.rate.AllowAtMost(ctx, s.prefix+key, limit, limit.Burst)
	return err
}

package redisquota_test

import (
	"context"
	"math"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/fleet/internal/sharetest"
	"github.com/amazonpay-go/amazonpay/fleet/redisquota"
)

const address = "127.0.0.1:6379"

// server is a machine's connection to Redis.
func server(t testing.TB) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: address})
	t.Cleanup(func() { _ = client.Close() })
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Skip("no Redis at " + address + ": " + err.Error())
	}
	return client
}

func limiter(t testing.TB, prefix string, factor float64) *redisquota.Limiter {
	t.Helper()
	l, err := redisquota.New(redisquota.Config{Client: server(t), Prefix: prefix, Factor: factor})
	require.NoError(t, err)
	return l
}

// own is a prefix of this test alone, whose keys are deleted in the end.
func own(t testing.TB) string {
	client, prefix := server(t), sharetest.Seller()+":"
	t.Cleanup(func() {
		keys, err := client.Keys(context.Background(), "rate:"+prefix+"*").Result()
		require.NoError(t, err)
		for _, key := range keys {
			require.NoError(t, client.Del(context.Background(), key).Err())
		}
	})
	return prefix
}

func TestFleet(t *testing.T) {
	sharetest.Fleet(t, 10, func() amazonpay.Limiter { return limiter(t, "", sharetest.Factor) })
}

func TestFleetAndEmptyBucket(t *testing.T) {
	sharetest.Fleet(t, 0, func() amazonpay.Limiter { return limiter(t, "", sharetest.Factor) })
}

func TestProcesses(t *testing.T) {
	server(t)
	sharetest.Processes(t, func() amazonpay.Limiter { return limiter(t, "", sharetest.Factor) })
}

func TestCancel(t *testing.T) {
	l := limiter(t, own(t), 1.0/3600)
	sharetest.Cancel(t, l, l.Store())
}

func TestStore(t *testing.T) {
	prefix := own(t)
	sharetest.Contract(t, limiter(t, prefix, 1).Store(), limiter(t, prefix, 1).Store(), "key")
}

// A key that holds something else is told, also with a fallback.
func TestForeignKey(t *testing.T) {
	prefix, client, bucket := own(t), server(t), sharetest.Bucket("A")
	key := "rate:" + prefix + bucket.String()
	require.NoError(t, client.LPush(t.Context(), key, "x").Err())
	err := limiter(t, prefix, 1).Wait(t.Context(), bucket, 1)
	assert.ErrorContains(t, err, "redisquota: the shared quota is out of reach")
	assert.ErrorContains(t, err, "WRONGTYPE")
	require.NoError(t, client.Set(t.Context(), key, 1e12, 0).Err())
	var told []error
	l, err := redisquota.New(redisquota.Config{
		Client: client, Prefix: prefix, Fallback: amazonpay.NewLimiter(1),
		OnError: func(err error) { told = append(told, err) },
	})
	require.NoError(t, err)
	assert.NoError(t, l.Wait(t.Context(), bucket, 1))
	require.NotEmpty(t, told, "the fallback hides it")
	assert.ErrorContains(t, told[0], "is no quota")
}

// Without Redis calls fail, or go by the fallback.
func TestOutOfReach(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = nobody.Close() }() // takes connections and says nothing
	client := redis.NewClient(&redis.Options{Addr: nobody.Addr().String()})
	defer func() { _ = client.Close() }()
	sharetest.OutOfReach(t, func(fallback amazonpay.Limiter) amazonpay.Limiter {
		l, err := redisquota.New(redisquota.Config{Client: client, Timeout: 50 * time.Millisecond, Fallback: fallback})
		require.NoError(t, err)
		return l
	}, "redisquota: the shared quota is out of reach")
}

func TestConfig(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: address})
	defer func() { _ = client.Close() }()
	for _, test := range []struct {
		name   string
		config redisquota.Config
		want   string
	}{
		{"no client", redisquota.Config{}, "redisquota: Client is required"},
		{"factor", redisquota.Config{Client: client, Factor: -1}, "redisquota: Factor is negative"},
		{"no factor", redisquota.Config{Client: client, Factor: math.NaN()}, "redisquota: Factor is negative"},
		{"timeout", redisquota.Config{Client: client, Timeout: -1}, "redisquota: Timeout is negative"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := redisquota.New(test.config)
			assert.EqualError(t, err, test.want)
		})
	}
	l, err := redisquota.New(redisquota.Config{Client: client, Factor: 10})
	require.NoError(t, err)
	assert.Equal(t, 999100*time.Millisecond, l.EstimateDuration(sharetest.Bucket("A"), 10_000))
}

// TestREADME: the module's README shows lines of the Example.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	example, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	blocks := strings.Split(string(readme), "```go\n")[1:]
	require.Len(t, blocks, 1)
	code, _, closed := strings.Cut(blocks[0], "```")
	require.True(t, closed)
	assert.Contains(t, strings.ReplaceAll(string(example), "\n\t", "\n"), code)
}

func BenchmarkWait(b *testing.B) {
	l, err := redisquota.New(redisquota.Config{Client: server(b), Factor: 1e6})
	require.NoError(b, err)
	bucket := sharetest.Bucket(sharetest.Seller())
	for b.Loop() {
		require.NoError(b, l.Wait(context.Background(), bucket, 1))
	}
}

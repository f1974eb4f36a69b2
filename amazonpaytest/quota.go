package amazonpaytest

import (
	"fmt"
	"math"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// quota is a bucket: so many calls at once, and so many a second from then on.
type quota struct {
	burst  float64
	refill float64
}

// defaultQuotas are those of the operations that money depends on, and of all
// that no page states one for.
var defaultQuotas = map[amazonpay.Environment]quota{
	amazonpay.Production: {10, 1}, amazonpay.Sandbox: {2, 0.5},
}

var readingQuotas = map[amazonpay.Environment]quota{
	amazonpay.Production: {20, 2}, amazonpay.Sandbox: {5, 1},
}

// quotaOf is Amazon's quota of an action.
func quotaOf(action string, environment amazonpay.Environment) quota {
	switch action {
	case "GetServiceStatus":
		return quota{2, 1.0 / 300}
	case "GetOrderReferenceDetails", "GetAuthorizationDetails", "GetCaptureDetails", "GetRefundDetails", "GetBillingAgreementDetails":
		return readingQuotas[environment]
	}
	return defaultQuotas[environment]
}

// bucketKey is what a quota is counted for.
type bucketKey struct {
	seller, accessKey, action string
	environment               amazonpay.Environment
}

// bucket is what is left of a quota.
type bucket struct {
	left float64
	at   time.Time // on the wall
}

// SetQuota changes Settings.Quota from now on: 1 throttles as Amazon does, n
// restores the quotas n times as fast, for time-lapses; 0 ends it, and the next
// quotas are full ones. It panics on a factor that is negative or no number.
//
// Quotas are counted per seller, access key, action and environment and restored
// on the clock on the wall, whatever the business clock does. A request that
// comes too early is answered 503 RequestThrottled and does nothing. Requests
// that are refused for another reason use the quota, too, but those that do not
// say truly who sends them do not.
//
// The quotas are, in production and in the sandbox: of GetServiceStatus 2, one
// restored every 5 minutes in both; of GetOrderReferenceDetails,
// GetAuthorizationDetails, GetCaptureDetails, GetRefundDetails and
// GetBillingAgreementDetails 20 and 2 a second, 5 and 1 a second; of all others
// 10 and 1 a second, 2 and 1 every 2 seconds. Amazon states none for
// SetOrderAttributes, the lists of order references, the account's status,
// provider credits and the configuration of notifications: they have the
// smallest of the usual ones.
func (f *Fake) SetQuota(factor float64) {
	checkQuota(factor)
	f.must(Act{Do: "SetQuota", Quota: factor})
}

func checkQuota(factor float64) {
	if !validQuota(factor) {
		panic(fmt.Sprintf("amazonpaytest: the quota's factor %v is negative or no number", factor))
	}
}

func validQuota(factor float64) bool { return factor >= 0 && !math.IsInf(factor, 1) } // NaN is neither

// refill brings a bucket up to the present.
func (f *Fake) refill(key bucketKey, b *bucket) {
	now, q := time.Now(), quotaOf(key.action, key.environment)
	b.left = min(q.burst, b.left+max(0, now.Sub(b.at).Seconds())*q.refill*f.settings.Quota)
	b.at = now
}

// throttle takes the request's place in the quota, or refuses it.
func (f *Fake) throttle(r *request) *refusal {
	if f.settings.Quota == 0 {
		return nil
	}
	key := bucketKey{r.seller.id, r.get("AWSAccessKeyId"), r.action, r.environment}
	b := f.buckets[key]
	if b == nil {
		b = &bucket{left: quotaOf(key.action, key.environment).burst, at: time.Now()}
		f.buckets[key] = b
	}
	f.refill(key, b)
	// A billionth is what two refills in a row may lack to a single one.
	if b.left < 1-1e-9 {
		return throttled()
	}
	b.left--
	return nil
}

func throttled() *refusal {
	return refuse("RequestThrottled", "The frequency of requests from your account has exceeded the quota.")
}

// remember keeps the latest of a log: all of it if keep is 0, else at least
// that many, so that the log is cut now and then, not with every call.
func remember[T any](log []T, keep int, entry T) []T {
	if keep > 0 && len(log) >= 2*keep {
		rest := copy(log, log[len(log)-keep+1:])
		clear(log[rest:])
		log = log[:rest]
	}
	return append(log, entry)
}

// latest is what a log is to show of itself.
func latest[T any](log []T, keep int) []T {
	if keep > 0 && len(log) > keep {
		return log[len(log)-keep:]
	}
	return log
}

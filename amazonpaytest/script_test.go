package amazonpaytest_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// Flags of the random test; AMAZONPAYTEST_SEED and AMAZONPAYTEST_OPERATIONS do
// the same.
var (
	seedFlag       = flag.Uint64("seed", 0, "seed of the random operations against the fake; 0 is one made of the clock")
	operationsFlag = flag.Int("operations", 0, "number of random operations against the fake; 0 is some thousands")
)

func number(flagged uint64, name string) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(name), 10, 64); err == nil && flagged == 0 {
		return n
	}
	return flagged
}

const stepsOfAScript = 250

// The weights of what happens. Payments and time come often, ends seldom.
var weights = map[string]int{
	"NewAgreement": 50, "NewOrder": 50, "Advance": 110, "Again": 80,
	"BuyerConsents": 10, "BuyerWithdraws": 4, "BuyerChoosesMethod": 10, "BuyerDeletesMethod": 3, "BuyerUpdatesMethod": 14, "BuyerCancels": 3,
	"AmazonCancelsAgreement": 2, "AmazonClosesAgreement": 2, "BuyerUpdatesOrder": 8, "BuyerChoosesForOrder": 8, "AmazonCancelsOrder": 2,
	"AmazonClosesOrder": 2, "AmazonTurnsAccount": 6,
	"SetBillingAgreementDetails": 12, "ConfirmBillingAgreement": 25, "ValidateBillingAgreement": 15, "CloseBillingAgreement": 4,
	"AuthorizeOnBillingAgreement": 170, "CreateOrderReferenceForId": 25, "SetOrderReferenceDetails": 20, "ConfirmOrderReference": 20,
	"SetOrderAttributes": 10, "ListOrderReference": 6, "GetMerchantAccountStatus": 4, "WrongIDs": 6,
	"CancelOrderReference": 8, "CloseOrderReference": 6, "Authorize": 110, "CloseAuthorization": 15, "Capture": 100, "Refund": 120,
	"ReverseProviderCredit": 12, "Chargeback": 8, "GrantClaim": 4,
}

// Few objects and much on each, to come to the limits of counts and sums.
var deepWeights = map[string]int{
	"NewOrder": 6, "Advance": 60, "Again": 20, "BuyerUpdatesOrder": 8, "BuyerChoosesForOrder": 6, "ConfirmOrderReference": 15, "AmazonClosesOrder": 1,
	"AmazonCancelsOrder": 1, "CloseOrderReference": 1, "CancelOrderReference": 4, "CloseAuthorization": 3, "NewAgreement": 3, "AuthorizeOnBillingAgreement": 30,
	"CreateOrderReferenceForId": 6, "Authorize": 200, "Capture": 170, "Refund": 220, "ReverseProviderCredit": 8,
	"Chargeback": 6, "GrantClaim": 3,
}

// One or two captures, and refunds of them.
var refundWeights = map[string]int{"Refund": 300, "Advance": 50, "Again": 10, "NewOrder": 1, "Authorize": 10, "Capture": 10, "BuyerUpdatesOrder": 10, "CancelOrderReference": 1, "Chargeback": 6}

var faults = []amazonpaytest.FaultKind{amazonpaytest.RequestLost, amazonpaytest.AnswerLost, amazonpaytest.ServerError500, amazonpaytest.WorkDone500,
	amazonpaytest.BadGateway502HTML, amazonpaytest.Unavailable503, amazonpaytest.GatewayTimeout504, amazonpaytest.Throttled, amazonpaytest.Truncated,
	amazonpaytest.EmptyAnswer, amazonpaytest.Redirected, amazonpaytest.ConnectionReset, amazonpaytest.WorkDoneReset}

// compose makes a script up; all of it follows from the seed.
func compose(seed uint64, length int) *script {
	rng := rand.New(rand.NewPCG(seed, 14))
	one := func(n int) bool { return rng.IntN(n) == 0 }
	s := &script{Region: regions[seed%4], Environment: amazonpay.Sandbox}
	if seed/4%3 == 0 {
		s.Environment = amazonpay.Production
	}
	deep := seed%3 == 2
	waits, mix, amount := []int64{1, 5, 30, 60, 24 * 60, 24 * 60 * 7, 24 * 60 * 7, 24 * 60 * 31, 24 * 60 * 180}, weights, int64(900)
	if deep {
		waits, mix, amount = []int64{5, 60, 60, 120, 24 * 60}, deepWeights, 200
	}
	if seed%6 == 5 {
		mix = refundWeights
		s.Steps = []step{{Do: "NewOrder", Amount: 9000, Now: true, Method: methodsOf[int(seed/6)%3*5]}, {Do: "Authorize", Amount: 600, Ref: length + 1, Sync: true, Now: true}}
	}
	var deck []string
	for _, do := range sortedKeys(mix) {
		deck = append(deck, slices.Repeat([]string{do}, mix[do])...)
	}
	for i := range length {
		do := deck[rng.IntN(len(deck))]
		st := step{Do: do, On: int(rng.ExpFloat64() * 1.5), Ref: i + 1, Amount: 1 + rng.Int64N(9000), Sync: one(2), Now: one(2), Fee: one(10), Stranger: one(40)}
		switch {
		case one(map[bool]int{true: 40, false: 12}[deep]):
			st.Amount = -1 - rng.Int64N(4)
		case deep && do == "NewOrder":
			st.Amount = []int64{9000, 9000, 9000, single}[rng.IntN(4)]
		case deep || one(2):
			st.Amount = 1 + rng.Int64N(amount)
		}
		if one(12) {
			st.Ref = 1 + rng.IntN(i+1)
		}
		if one(12) {
			st.Fault = faults[rng.IntN(len(faults))]
		}
		if one(map[bool]int{true: 20, false: 7}[deep]) && !in(do, "NewOrder", "NewAgreement") {
			names := sortedKeys(simulations)
			st.Note = names[rng.IntN(len(names))]
		}
		if one(10) {
			st.Currency = []amazonpay.Currency{"USD", "EUR", "GBP"}[rng.IntN(3)]
		}
		st.Method = amazonpaytest.GoodCard
		if one(map[bool]int{true: 9, false: 3}[deep]) {
			st.Method = methodsOf[rng.IntN(len(methodsOf))]
		}
		st.complete(rng, waits)
		s.Steps = append(s.Steps, st)
	}
	return s
}

// complete chooses what depends on the act, and drops what it does not use.
func (st *step) complete(rng *rand.Rand, waits []int64) {
	switch st.Do {
	case "Advance":
		st.Minutes = 1 + rng.Int64N(waits[rng.IntN(len(waits))])
		*st = step{Do: st.Do, Minutes: st.Minutes}
	case "Again":
		*st = step{Do: st.Do, On: rng.IntN(1 << 8), Fault: st.Fault}
	case "AmazonTurnsAccount":
		*st = step{Do: st.Do, On: rng.IntN(2), Now: rng.IntN(8) > 0}
	case "NewAgreement", "NewOrder":
		st.Now, st.Fault, st.On, st.Ref = rng.IntN(6) > 0, "", 0, 0
	case "Authorize", "AuthorizeOnBillingAgreement":
		if !st.Sync && rng.IntN(2) == 0 {
			st.Minutes = rng.Int64N(288)
		}
	}
	if strings.HasPrefix(st.Do, "Buyer") || strings.HasPrefix(st.Do, "Amazon") {
		*st = step{Do: st.Do, On: st.On, Method: st.Method, Now: st.Now}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// String is the script as readable lines, and as JSON that a regression test
// can keep.
func (s *script) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", s.Region, s.Environment)
	for i, st := range s.Steps {
		fmt.Fprintf(&b, "%3d  %s", i+1, st.Do)
		v := reflect.ValueOf(st)
		for f := 1; f < v.NumField(); f++ {
			if !v.Field(f).IsZero() {
				fmt.Fprintf(&b, "  %s %v", v.Type().Field(f).Name, v.Field(f))
			}
		}
		b.WriteString("\n")
	}
	text, _ := json.Marshal(s)
	b.Write(text)
	return b.String()
}

// shrink finds a short script that breaks the same rule: it leaves out halves,
// quarters and so on down to single steps, and then what the steps need not
// say.
func shrink(s *script, broken *violation, try func(*script) *violation) (*script, *violation) {
	deadline := time.Now().Add(20 * time.Second)
	best := &script{s.Region, s.Environment, s.Steps[:min(broken.step+1, len(s.Steps))]}
	better := func(steps []step) bool {
		candidate := &script{s.Region, s.Environment, steps}
		if v := try(candidate); v != nil && v.rule == broken.rule && time.Now().Before(deadline) {
			best, broken = candidate, v
			return true
		}
		return false
	}
	for part := len(best.Steps) / 2; part > 0; {
		smaller := false
		for at := 0; at < len(best.Steps); {
			if better(slices.Delete(slices.Clone(best.Steps), at, min(at+part, len(best.Steps)))) {
				smaller = true
			} else {
				at += part
			}
		}
		if part > 1 || !smaller {
			part /= 2
		}
	}
	for i := 1; i < len(best.Steps); {
		steps := slices.Clone(best.Steps)
		if a, b := steps[i-1], steps[i]; a.Do != "Advance" || b.Do != "Advance" {
			i++
		} else if steps[i-1].Minutes += b.Minutes; !better(slices.Delete(steps, i, i+1)) {
			i++
		}
	}
	for i := range best.Steps {
		for f := 1; f < reflect.TypeFor[step]().NumField(); f++ {
			steps := slices.Clone(best.Steps)
			if field := reflect.ValueOf(&steps[i]).Elem().Field(f); !field.IsZero() {
				field.SetZero()
				better(steps)
			}
		}
		for on := range min(best.Steps[i].On, 8) {
			steps := slices.Clone(best.Steps)
			if steps[i].On = on; better(steps) {
				break
			}
		}
	}
	return best, broken
}

// Random operations of all kinds against the fake, held against the rules.
// 100,000 of them: go test -run TestMachine$ -operations 100000.
func TestMachine(t *testing.T) {
	seed := number(*seedFlag, "AMAZONPAYTEST_SEED")
	if seed == 0 {
		seed = uint64(time.Now().UnixNano()) % 1e9
	}
	operations := int(number(uint64(*operationsFlag), "AMAZONPAYTEST_OPERATIONS"))
	if operations == 0 {
		operations = usualOperations
	}
	begin := time.Now()
	worlds := (operations + stepsOfAScript - 1) / stepsOfAScript
	var next atomic.Int64
	var wg sync.WaitGroup
	var tallies [2]map[string]int
	for worker := range tallies {
		tallies[worker] = map[string]int{}
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < worlds && !t.Failed(); i = int(next.Add(1)) - 1 {
				s := compose(seed+uint64(i), stepsOfAScript)
				if v := run(s, documented(), lens{tally: tallies[worker]}); v != nil {
					small, v := shrink(s, v, func(s *script) *violation { return run(s, documented(), lens{}) })
					t.Errorf("-seed %d: %v\n%v", seed+uint64(i), v, small)
				}
			}
		})
	}
	wg.Wait()
	covered(t, tallies[:], worlds*stepsOfAScript)
	t.Logf("-seed %d: %d operations in %v", seed, worlds*stepsOfAScript, time.Since(begin).Round(time.Millisecond))
}

// covered demands that the random operations come everywhere, if there are
// enough of them: a machine that stands still finds nothing.
func covered(t *testing.T, tallies []map[string]int, operations int) {
	sum := map[string]int{}
	for _, tally := range tallies {
		for what, n := range tally {
			sum[what] += n
		}
	}
	for _, what := range sortedKeys(sum) {
		t.Logf("%7d %s", sum[what], what)
	}
	seen, rows := 0, 0
	for line := range strings.Lines(transitions) {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		n := 0
		for what, times := range sum {
			kind, way, _ := strings.Cut(what, " ")
			from, to, _ := strings.Cut(way, " ")
			if from, _, _ = strings.Cut(from, "/"); kind == f[0] && from == f[1] && to == f[2] {
				n += times
			}
		}
		if rows++; n > 0 {
			seen++
		} else {
			t.Logf("        never seen: %s from %s to %s", f[0], f[1], f[2])
		}
	}
	if operations >= 50000 && !t.Failed() {
		require.Greater(t, seen*10, rows*9, "%d of %d transitions were seen", seen, rows)
	}
}

// A script that is read back does the same.
func TestScriptsAreData(t *testing.T) {
	s := compose(1, 50)
	text, err := json.Marshal(s)
	require.NoError(t, err)
	var again script
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, *s, again)
}

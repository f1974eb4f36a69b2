package amazonpaytest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// FaultKind is what goes wrong with a request.
type FaultKind string

// The faults. Those that say so strike after the work: money may have moved,
// and the seller is not told.
const (
	RequestLost       FaultKind = "RequestLost"       // the connection breaks before anything arrives; nothing is done
	AnswerLost        FaultKind = "AnswerLost"        // the work is done, then the connection breaks
	ServerError500    FaultKind = "ServerError500"    // 500 InternalServerError; nothing is done
	WorkDone500       FaultKind = "WorkDone500"       // 500 InternalServerError, after the work
	BadGateway502HTML FaultKind = "BadGateway502HTML" // 502 with a page of HTML; nothing is done
	Unavailable503    FaultKind = "Unavailable503"    // 503 ServiceUnavailable; nothing is done
	GatewayTimeout504 FaultKind = "GatewayTimeout504" // 504 without a body, after the work
	Throttled         FaultKind = "Throttled"         // 503 RequestThrottled; nothing is done
	Truncated         FaultKind = "Truncated"         // the work is done, the answer is 200 and the connection breaks in the middle of it
	EmptyAnswer       FaultKind = "EmptyAnswer"       // the work is done, the answer is 200 without a body
	Redirected        FaultKind = "Redirected"        // 307 to another host; nothing is done
	ConnectionReset   FaultKind = "ConnectionReset"   // the connection is reset before anything arrives; nothing is done
	WorkDoneReset     FaultKind = "WorkDoneReset"     // the work is done, then the connection is reset
	ClockSkew         FaultKind = "ClockSkew"         // Amazon's clock is wrong by the Delay, which may be negative: a request more than 15 minutes off is refused
	Slow              FaultKind = "Slow"              // nothing but the Delay; the work is done even if the caller has given up
)

// Fault is something going wrong on purpose.
type Fault struct {
	Action string        // the action it strikes, such as "Capture", or Login with Amazon's authorize, token, tokeninfo or profile; empty is any
	Kind   FaultKind     // what goes wrong
	Delay  time.Duration // real time to pass first, at most an hour, ended by the request's context; of ClockSkew how far the clock is ahead
	Times  int           // how many requests it strikes, each repeat that the client makes by itself counted as one; 0 is one, negative is all that come

	// Probability is how likely it strikes a request that fits, above 0 and up
	// to 1; 0 is always. Settings.Seed decides how it falls out.
	Probability float64
}

// longestDelay keeps a mistyped delay from holding requests for ever.
const longestDelay = time.Hour

// Check tells whether the fault makes sense. The error names the field that
// does not.
func (fault Fault) Check() error {
	if field, text := fault.fault(); field != "" {
		return fmt.Errorf("amazonpaytest: Fault.%s %s", field, text)
	}
	return nil
}

// fault is the field that makes no sense, and why; empty if there is none.
func (fault Fault) fault() (field, text string) {
	_, known := operations[fault.Action]
	login := slices.Contains(slices.Collect(maps.Values(loginActions)), fault.Action)
	switch p := fault.Probability; {
	case fault.Action != "" && !known && !login:
		return "Action", fmt.Sprintf("is %q; there is no such action", fault.Action)
	case !slices.Contains(faultKinds, fault.Kind):
		return "Kind", fmt.Sprintf("is %q; there are %v", fault.Kind, faultKinds)
	case fault.Kind == ClockSkew && login:
		return "Action", fmt.Sprintf("is %s of Login with Amazon, which has no timestamp that a ClockSkew could refuse", fault.Action)
	case fault.Kind == ClockSkew && fault.Delay == 0:
		return "Delay", "is zero; of a ClockSkew it says how far the clock is off"
	case fault.Kind != ClockSkew && fault.Delay < 0:
		return "Delay", fmt.Sprintf("is %v, which is negative", fault.Delay)
	case fault.Kind != ClockSkew && fault.Delay > longestDelay:
		return "Delay", fmt.Sprintf("is %v; it is at most %v", fault.Delay, longestDelay)
	case !(p >= 0 && p <= 1): // nor is it NaN
		return "Probability", fmt.Sprintf("is %v; it is between 0 and 1", p)
	}
	return "", ""
}

// Inject lets faults strike the next requests. Of several that fit a request,
// the one that was injected first strikes. It panics on a fault that does not
// pass [Fault.Check].
func (f *Fake) Inject(faults ...Fault) {
	for _, fault := range faults {
		if err := fault.Check(); err != nil {
			panic(err.Error())
		}
	}
	for _, fault := range faults {
		f.must(Act{Do: "Inject", Action: fault.Action, Kind: fault.Kind, Duration: duration(fault.Delay),
			Times: fault.Times, Probability: fault.Probability})
	}
}

// Heal takes back all faults that have not struck yet.
func (f *Fake) Heal() {
	f.must(Act{Do: "Heal"})
}

var faultKinds = []FaultKind{
	RequestLost, AnswerLost, ServerError500, WorkDone500, BadGateway502HTML, Unavailable503,
	GatewayTimeout504, Throttled, Truncated, EmptyAnswer, Redirected,
	ConnectionReset, WorkDoneReset, ClockSkew, Slow,
}

// FaultKinds are all kinds of faults.
func FaultKinds() []FaultKind { return slices.Clone(faultKinds) }

// Faults are those that are still to strike, in the order of injection. Times
// is how many requests each of them has left; negative is all.
func (f *Fake) Faults() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.faults)
}

// takeFault is the fault that strikes this request.
func (f *Fake) takeFault(action string) (fault Fault, struck bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.strike(action)
}

// strike is takeFault under the lock.
func (f *Fake) strike(action string) (fault Fault, struck bool) {
	thrown := false
	defer func() {
		if thrown || struck {
			f.keep(entry{Strike: &action})
		}
	}()
	for i := range f.faults {
		if f.faults[i].Action != "" && f.faults[i].Action != action {
			continue
		}
		thrown = thrown || f.faults[i].Probability > 0
		if p := f.faults[i].Probability; p > 0 && !strikes(f.faultDice, p) {
			continue
		}
		fault = f.faults[i]
		if f.faults[i].Times > 0 {
			f.faults[i].Times--
			if f.faults[i].Times == 0 {
				f.faults = slices.Delete(f.faults, i, i+1)
			}
		}
		return fault, true
	}
	return Fault{}, false
}

// strikes throws the dice. Where there is nothing to decide they are left
// alone.
func strikes(dice *rand.Rand, probability float64) bool {
	return probability >= 1 || probability > 0 && dice.Float64() < probability
}

// beforeWork tells the faults that keep the request from being worked on.
func (k FaultKind) beforeWork() bool {
	switch k {
	case RequestLost, ConnectionReset, ServerError500, BadGateway502HTML, Unavailable503, Throttled, Redirected:
		return true
	}
	return false
}

// struck is the answer as the fault leaves it.
func (f *Fake) struck(fault Fault, id string, a answer) answer {
	switch fault.Kind {
	case RequestLost, AnswerLost:
		return answer{err: errBroken}
	case ConnectionReset, WorkDoneReset:
		return answer{err: errReset}
	case ServerError500, WorkDone500:
		return f.answerError(refuse("InternalServerError", "There was an unknown error in the service."), id)
	case Unavailable503:
		return f.answerError(refuse("ServiceUnavailable", "The service is temporarily unavailable."), id)
	case Throttled:
		return f.answerError(throttled(), id)
	case BadGateway502HTML:
		return answer{status: http.StatusBadGateway, header: http.Header{"Content-Type": {"text/html"}, "Date": f.header(id)["Date"]},
			body: []byte("<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n")}
	case GatewayTimeout504:
		return answer{status: http.StatusGatewayTimeout, header: http.Header{"Date": f.header(id)["Date"]}}
	case Redirected:
		return answer{status: http.StatusTemporaryRedirect, header: http.Header{"Location": {"https://elsewhere.example/OffAmazonPayments/" + apiVersion}}}
	case Truncated:
		a.cut = true
	case EmptyAnswer:
		a.body = nil
	}
	return a
}

package amazonpaytest

import (
	"fmt"
	"maps"
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
	Truncated         FaultKind = "Truncated"         // the work is done, the answer ends in the middle
	EmptyAnswer       FaultKind = "EmptyAnswer"       // the work is done, the answer is 200 without a body
	Redirected        FaultKind = "Redirected"        // 307 to another host; nothing is done
	Slow              FaultKind = "Slow"              // nothing but the Delay; the work is done even if the caller has given up
)

// Fault is something going wrong on purpose.
type Fault struct {
	Action string        // the action it strikes, such as "Capture", or Login with Amazon's authorize, token, tokeninfo or profile; empty is any
	Kind   FaultKind     // what goes wrong
	Delay  time.Duration // real time to pass first; ended by the request's context
	Times  int           // how many requests it strikes, each repeat that the client makes by itself counted as one; 0 is one, negative is all that come
}

// Inject lets faults strike the next requests. Of several that fit a request,
// the one that was injected first strikes.
func (f *Fake) Inject(faults ...Fault) {
	for i, fault := range faults {
		_, known := operations[fault.Action]
		if fault.Action != "" && !known && !slices.Contains(slices.Collect(maps.Values(loginActions)), fault.Action) {
			panic(fmt.Sprintf("amazonpaytest: fault %d: no action %q", i, fault.Action))
		}
		if !slices.Contains(faultKinds, fault.Kind) {
			panic(fmt.Sprintf("amazonpaytest: fault %d: no kind %q", i, fault.Kind))
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range faults {
		fault.Times = max(fault.Times, -1)
		if fault.Times == 0 {
			fault.Times = 1
		}
		f.faults = append(f.faults, fault)
	}
}

// Heal takes back all faults that have not struck yet.
func (f *Fake) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

var faultKinds = []FaultKind{
	RequestLost, AnswerLost, ServerError500, WorkDone500, BadGateway502HTML, Unavailable503,
	GatewayTimeout504, Throttled, Truncated, EmptyAnswer, Redirected, Slow,
}

// takeFault is the fault that strikes this request.
func (f *Fake) takeFault(action string) (fault Fault, struck bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.faults {
		if f.faults[i].Action != "" && f.faults[i].Action != action {
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

// beforeWork tells the faults that keep the request from being worked on.
func (k FaultKind) beforeWork() bool {
	switch k {
	case RequestLost, ServerError500, BadGateway502HTML, Unavailable503, Throttled, Redirected:
		return true
	}
	return false
}

// struck is the answer as the fault leaves it.
func (f *Fake) struck(fault Fault, id string, a answer) answer {
	switch fault.Kind {
	case RequestLost, AnswerLost:
		return answer{err: errBroken}
	case ServerError500, WorkDone500:
		return f.answerError(refuse("InternalServerError", "There was an unknown error in the service."), id)
	case Unavailable503:
		return f.answerError(refuse("ServiceUnavailable", "The service is temporarily unavailable."), id)
	case Throttled:
		return f.answerError(refuse("RequestThrottled", "The frequency of requests from your account has exceeded the quota."), id)
	case BadGateway502HTML:
		return answer{status: http.StatusBadGateway, header: http.Header{"Content-Type": {"text/html"}, "Date": f.header(id)["Date"]},
			body: []byte("<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n")}
	case GatewayTimeout504:
		return answer{status: http.StatusGatewayTimeout, header: http.Header{"Date": f.header(id)["Date"]}}
	case Redirected:
		return answer{status: http.StatusTemporaryRedirect, header: http.Header{"Location": {"https://elsewhere.example/OffAmazonPayments/" + apiVersion}}}
	case Truncated:
		a.body = a.body[:len(a.body)/2]
	case EmptyAnswer:
		a.body = nil
	}
	return a
}

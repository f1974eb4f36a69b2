package amazonpaytest

import (
	"slices"
	"strconv"
	"strings"
)

// health is what GetServiceStatus says.
type health struct {
	status  string
	message string
}

// endpoint is where a seller wants notifications.
type endpoint struct {
	url    string
	events []string
}

// SetServiceStatus changes the answer of GetServiceStatus: GREEN (as at
// first), GREEN_I, YELLOW or RED, and a message, which may be empty. Nothing
// else changes.
func (f *Fake) SetServiceStatus(status, message string) {
	f.must(Act{Do: "SetServiceStatus", Status: status, Text: message})
}

// SetAccountActive suspends a seller's account, or lets it go on: while it is
// inactive, GetMerchantAccountStatus says so and operations that set, confirm
// or charge answer InvalidAccountStatus. It panics on an unknown seller.
func (f *Fake) SetAccountActive(sellerID string, active bool) {
	f.must(Act{Do: "SetAccountActive", SellerID: sellerID, Active: active})
}

func (f *Fake) getServiceStatus(*request) ([]node, *refusal) {
	result := el("GetServiceStatusResult", tx("Status", f.health.status), stamp("Timestamp", f.now))
	if f.health.message != "" {
		result.kids = append(result.kids,
			tx("MessageId", "173964729I"),
			el("Messages", el("Message", tx("Locale", "en_US"), tx("Text", f.health.message))))
	}
	return []node{result}, nil
}

func (f *Fake) getMerchantAccountStatus(r *request) ([]node, *refusal) {
	text := "ACTIVE"
	if r.seller.inactive {
		text = "INACTIVE"
	}
	return []node{el("GetMerchantAccountStatusResult", tx("AccountStatus", text))}, nil
}

func (f *Fake) getNotificationConfiguration(r *request) ([]node, *refusal) {
	all := el("NotificationConfigurationList")
	for _, e := range r.seller.endpoints {
		// One member with commas in it: so it has been recorded.
		all.kids = append(all.kids, el("member", tx("NotificationUrl", e.url),
			list("EventTypes", "member", []string{strings.Join(e.events, ",")})))
	}
	return []node{el("GetMerchantNotificationConfigurationResult", all)}, nil
}

// setNotificationConfiguration replaces all endpoints; none at all is an empty
// list. See Fake.NotifyEndpoints.
func (f *Fake) setNotificationConfiguration(r *request) ([]node, *refusal) {
	const list = "NotificationConfigurationList.NotificationConfiguration."
	var endpoints []endpoint
	for i := 1; slices.ContainsFunc(sortedNames(r.form), func(name string) bool {
		return strings.HasPrefix(name, list+strconv.Itoa(i)+".")
	}); i++ {
		item := list + strconv.Itoa(i) + "."
		e := endpoint{r.get(item + "NotificationUrl"), r.list(item + "EventTypes.EventTypeList")}
		if e.url == "" || len(e.events) == 0 {
			return nil, refuse("InvalidParameterValue", "%s needs a NotificationUrl and at least one event type.", strings.TrimSuffix(item, "."))
		}
		endpoints = append(endpoints, e)
	}
	r.seller.endpoints = endpoints
	return nil, nil // this answer has no result element
}

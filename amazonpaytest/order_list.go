package amazonpaytest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

const (
	pageSize    = 10 // Amazon's is not known
	longestList = 31 * 24 * time.Hour
)

// page is the rest of a list, behind a token.
type page struct {
	seller *seller
	orders []*order
	size   int
}

var domains = map[amazonpay.Region]string{
	amazonpay.RegionNA: "NA_USD", amazonpay.RegionEU: "EU_EUR", amazonpay.RegionUK: "EU_GBP", amazonpay.RegionJP: "FE_JPY",
}

// list is an indexed parameter, in order.
func (r *request) list(name string) []string {
	var values []string
	for i := 1; r.has(name + "." + strconv.Itoa(i)); i++ {
		values = append(values, r.get(name+"."+strconv.Itoa(i)))
	}
	return values
}

func (f *Fake) listOrderReference(r *request) ([]node, *refusal) {
	start, end := r.get("CreatedTimeRange.StartTime"), r.get("CreatedTimeRange.EndTime")
	if (start == "") != (end == "") {
		return nil, refuse("InvalidParameterValue", "CreatedTimeRange needs both StartTime and EndTime.")
	}
	from, _ := parseTime(start) // the parameters have been checked; zero is none
	to, _ := parseTime(end)
	if to.Sub(from) > longestList || to.Before(from) {
		return nil, refuse("InvalidParameterValue", "CreatedTimeRange is longer than 31 days or ends before it starts.")
	}
	states := r.list("OrderReferenceStatusListFilter.OrderReferenceStatus")
	var found []*order
	for _, o := range f.filed[r.get("QueryId")] {
		fits := o.seller == r.seller && o.sellerOrderID == r.get("QueryId") &&
			r.get("PaymentDomain") == domains[f.settings.Region] && r.environment == f.settings.Environment
		inTime := start == "" || !o.created.Before(from) && !o.created.After(to)
		inState := len(states) == 0 || slices.ContainsFunc(states, func(s string) bool {
			return strings.EqualFold(s, string(o.status.state))
		})
		if fits && inTime && inState {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b *order) int { return a.serial - b.serial })
	found = slices.Compact(found) // one that got its old id back is filed twice
	if r.get("SortOrder") == "Descending" {
		slices.Reverse(found)
	}
	size := pageSize
	if n, err := strconv.Atoi(r.get("PageSize")); err == nil {
		size = n
	}
	return []node{f.listNode("ListOrderReferenceResult", page{r.seller, found, size})}, nil
}

func (f *Fake) listOrderReferenceByNextToken(r *request) ([]node, *refusal) {
	rest, known := f.pages[r.get("NextPageToken")]
	if !known || rest.seller != r.seller {
		return nil, refuse("InvalidParameterValue", "The NextPageToken is invalid.")
	}
	return []node{f.listNode("ListOrderReferenceByNextTokenResult", rest)}, nil
}

// listNode renders one page and keeps the rest under a token.
func (f *Fake) listNode(name string, p page) node {
	listed := el("OrderReferenceList")
	shown := p.orders[:min(p.size, len(p.orders))]
	for _, o := range shown {
		listed.kids = append(listed.kids, el("OrderReference",
			tx("AmazonOrderReferenceId", o.id),
			when(o.total.minor > 0, priced("OrderTotal", o.total)),
			o.attributes.node(), o.status.node("OrderReferenceStatus"),
			f.releaseNode(), stamp("CreationTimestamp", o.created)))
	}
	result := el(name, listed)
	if rest := p.orders[len(shown):]; len(rest) > 0 {
		token := f.newToken()
		f.pages[token] = page{p.seller, rest, p.size}
		result.kids = append(result.kids, tx("NextPageToken", token))
	}
	return result
}

// newToken is as long and as awkward as Amazon's: base64 of 900 bytes.
func (f *Fake) newToken() string {
	f.serial++
	var raw []byte
	for i := 0; len(raw) < 899; i++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "page %d %d", f.serial, i))
		raw = append(raw, sum[:]...)
	}
	return base64.StdEncoding.EncodeToString(raw[:899])
}

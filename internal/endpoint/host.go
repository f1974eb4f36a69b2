package endpoint

import "slices"

// presence is where Amazon Pay meets browsers and sends notifications from.
type presence struct {
	site   string // the marketplace's web site
	static string // host of Widgets.js
	sns    string // AWS region of the topics
}

var presences = map[Region]presence{
	NA: {"www.amazon.com", "static-na.payments-amazon.com", "us-east-1"},
	UK: {"www.amazon.co.uk", "static-eu.payments-amazon.com", "eu-west-1"},
	EU: {"www.amazon.de", "static-eu.payments-amazon.com", "eu-west-1"},
	JP: {"www.amazon.co.jp", "static-fe.payments-amazon.com", "us-west-2"},
}

// Regions are all regions, in the order of the constants.
func Regions() []Region { return []Region{NA, UK, EU, JP} }

// SNS is the host that serves the certificates of notifications.
func (r Region) SNS() string { return "sns." + presences[r].sns + ".amazonaws.com" }

// SigningName is the name in the certificates of notifications, in all regions.
const SigningName = "sns.amazonaws.com"

// Hosts are the names of everything that a client, a browser or a verifier of
// notifications reaches in the region, both environments. The last two are the
// consent pages that are seen in third-party code only.
func (r Region) Hosts() []string {
	p := presences[r]
	hosts := []string{
		r.MWS(), r.API(Production), r.API(Sandbox), r.Token(), r.Consent(),
		p.site, p.static, r.SNS(), NA.SNS(), // whence chargebacks come everywhere
		"eu.account.amazon.com", "apac.account.amazon.com",
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

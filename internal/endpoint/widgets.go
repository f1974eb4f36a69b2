package endpoint

// script is where a region's Widgets.js lives.
type script struct {
	host string
	name string // the region's part of the path
	lpa  string // the part of the path that all regions but NA have
}

// The current spellings. Older pages have uk and de for gbp and eur.
var scripts = map[Region]script{
	NA: {"static-na.payments-amazon.com", "us", ""},
	UK: {"static-eu.payments-amazon.com", "gbp", "lpa/"},
	EU: {"static-eu.payments-amazon.com", "eur", "lpa/"},
	JP: {"static-fe.payments-amazon.com", "jp", "lpa/"},
}

// WidgetsHost is the host of the region's Widgets.js, both environments.
func (r Region) WidgetsHost() string { return scripts[r].host }

// WidgetsPath is the path of the region's Widgets.js.
func (r Region) WidgetsPath(e Environment) string {
	sandbox := ""
	if e == Sandbox {
		sandbox = "sandbox/"
	}
	return "/OffAmazonPayments/" + scripts[r].name + "/" + sandbox + scripts[r].lpa + "js/Widgets.js"
}

// Domain is the marketplace domain that the region's pages belong to.
func (r Region) Domain() string { return places[r].api }

// ConfirmationFlow reports whether banks of the region ask buyers for strong
// customer authentication, so that a confirmation goes by Amazon's own page.
func (r Region) ConfirmationFlow() bool { return r == UK || r == EU }

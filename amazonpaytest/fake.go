package amazonpaytest

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// Settings say what the fake imitates. The zero Settings are good: a seller in
// the United States' sandbox.
type Settings struct {
	SellerID     string                // the seller; empty is "AFAKESELLER01"
	AccessKey    string                // MWS access key; empty is "AKIAFAKEACCESSKEY"
	SecretKey    string                // MWS secret key; empty is a made-up one. Never put a real one here
	Region       amazonpay.Region      // one of the four constants; empty is RegionNA
	Environment  amazonpay.Environment // where the widgets are shown, and so where the objects live; empty is Sandbox
	Delegated    map[string]string     // sellers that the keys may also act for: seller id and MWSAuthToken
	Providers    []string              // solution providers that may get credits; one that is not in here is refused in a ProviderCreditList: ProviderNotAuthorized
	AllowListed  bool                  // the seller is shown billing address, payment descriptor and address verification
	Currencies   []amazonpay.Currency  // presentment currencies; empty is all of Amazon's in UK and EU, the ledger's elsewhere
	LoginClients []LoginClient         // applications of Login with Amazon; empty is one made-up, see [Fake.LoginClient]

	// Start is the business clock at first; zero is 15 January 2026, 12:00 UTC.
	Start time.Time

	// MonthlyLimit is what a billing agreement may be charged in a calendar
	// month (UTC), in the ledger's currency; zero is 1000.00, or 100000 yen.
	MonthlyLimit amazonpay.Price

	// On the business clock: how long after the request an asynchronous
	// authorization is decided (zero is a minute), and a late capture (an hour)
	// or a refund (an hour) is completed.
	AuthorizationDelay time.Duration
	CaptureDelay       time.Duration
	RefundDelay        time.Duration

	// AuthorizationLife is how long an authorization stays Open; zero is 30
	// days. Amazon's guide says 2 days for the sandbox, every recording says
	// 30: a test that captures late should pass with both. The
	// ExpirationTimestamp says 30 days all the same, as recorded.
	AuthorizationLife time.Duration
}

// Fake is an Amazon Pay: an [http.Handler], and an [http.RoundTripper] that
// needs no socket. All its methods are safe for concurrent use.
type Fake struct {
	settings Settings
	ledgerIn string // ledger currency

	mu     sync.Mutex
	now    time.Time
	events []event // in order of time; those of the same time in order of making
	serial int     // numbers every id

	sellers        map[string]*seller
	agreements     map[string]*agreement
	orders         map[string]*order
	authorizations map[string]*authorization
	captures       map[string]*capture
	refunds        map[string]*refund
	credits        map[string]*credit
	reversals      map[string]*reversal
	pages          map[string]page     // continued lists by their token
	accounts       map[string]*account // buyers by e-mail address, or by name if they have none
	passes         map[string]*pass    // codes and tokens of Login with Amazon, by text
	listed         []*order            // all orders, as they were made
	health         health
	ledger         []Movement
	calls          []Call
	faults         []Fault
	requests       int

	receivers      []receiver
	endpointClient *http.Client // for the endpoints that sellers have set; nil is none
	delivery       Delivery
	changes        []change  // of the present step
	outbox         []*parcel // in order of time
	sent           []*parcel // all, in order of making
	messages       int       // numbers every message
	chargebacks    int
	signatures     atomic.Int64 // made so far
}

// String names the seller, region and environment, and no key.
func (f *Fake) String() string {
	return fmt.Sprintf("amazonpaytest.Fake(%s, %s, %s)", f.settings.SellerID, f.settings.Region, f.settings.Environment)
}

// GoString is String.
func (f *Fake) GoString() string { return f.String() }

// seller is an account.
type seller struct {
	id         string
	token      string // MWSAuthToken, of a delegated seller
	inactive   bool
	references map[string]*first // by kind of namespace and reference id
	endpoints  []endpoint
}

type event struct {
	at time.Time
	do func()
}

// defaultStart is a plain day in the middle of a month.
var defaultStart = time.Date(2026, time.January, 15, 12, 0, 0, 0, time.UTC)

// New makes a fake. It panics on settings that make no sense, because it is
// called by tests.
func New(settings Settings) *Fake {
	settings = settings.complete()
	f := &Fake{
		settings:       settings,
		ledgerIn:       ledgerCurrencies[settings.Region],
		now:            settings.Start,
		sellers:        make(map[string]*seller),
		agreements:     make(map[string]*agreement),
		orders:         make(map[string]*order),
		authorizations: make(map[string]*authorization),
		captures:       make(map[string]*capture),
		refunds:        make(map[string]*refund),
		credits:        make(map[string]*credit),
		reversals:      make(map[string]*reversal),
		pages:          make(map[string]page),
		accounts:       make(map[string]*account),
		passes:         make(map[string]*pass),
		health:         health{status: "GREEN"},
	}
	f.sellers[settings.SellerID] = &seller{id: settings.SellerID, references: make(map[string]*first)}
	for id, token := range settings.Delegated {
		f.sellers[id] = &seller{id: id, token: token, references: make(map[string]*first)}
	}
	return f
}

var ledgerCurrencies = map[amazonpay.Region]string{
	amazonpay.RegionNA: "USD",
	amazonpay.RegionUK: "GBP",
	amazonpay.RegionEU: "EUR",
	amazonpay.RegionJP: "JPY",
}

// complete fills in what was left out.
func (s Settings) complete() Settings {
	fill(&s.SellerID, "AFAKESELLER01")
	fill(&s.AccessKey, "AKIAFAKEACCESSKEY")
	fill(&s.SecretKey, "not-a-secret-key-of-anybody/0123456789+=")
	fill(&s.Region, amazonpay.RegionNA)
	fill(&s.Environment, amazonpay.Sandbox)
	fill(&s.Start, defaultStart)
	fill(&s.AuthorizationDelay, time.Minute)
	fill(&s.CaptureDelay, time.Hour)
	fill(&s.RefundDelay, time.Hour)
	fill(&s.AuthorizationLife, authorizationLife)
	s.Start = s.Start.UTC()
	ledger, known := ledgerCurrencies[s.Region]
	if !known {
		panic(fmt.Sprintf("amazonpaytest: unknown region %q", s.Region))
	}
	if s.Environment != amazonpay.Sandbox && s.Environment != amazonpay.Production {
		panic(fmt.Sprintf("amazonpaytest: unknown environment %q", s.Environment))
	}
	if s.MonthlyLimit.IsZero() {
		s.MonthlyLimit = amazonpay.MustPrice("1000", amazonpay.Currency(ledger))
		if ledger == "JPY" {
			s.MonthlyLimit = amazonpay.MustPrice("100000", amazonpay.CurrencyJPY)
		}
	}
	if string(s.MonthlyLimit.Currency()) != ledger || s.MonthlyLimit.Minor() < 0 {
		panic("amazonpaytest: the monthly limit is negative or not in the ledger's currency " + ledger)
	}
	if s.AuthorizationDelay < 0 || s.CaptureDelay < 0 || s.RefundDelay < 0 || s.AuthorizationLife < 0 {
		panic("amazonpaytest: a duration is negative")
	}
	if _, own := s.Delegated[s.SellerID]; own {
		panic("amazonpaytest: the seller is also among the delegated sellers")
	}
	if s.LoginClients = slices.Clone(s.LoginClients); len(s.LoginClients) == 0 {
		s.LoginClients = []LoginClient{madeUpClient}
	}
	checkLoginClients(s.LoginClients)
	return s
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Config is that of a client of the fake: its requests go to Amazon's real
// host names, but reach the fake without a socket, and are repeated without
// waiting. In testing/synctest waits take no time: there, set Backoff back to
// [amazonpay.DefaultBackoff] to see the real ones.
func (f *Fake) Config() amazonpay.Config {
	return amazonpay.Config{
		SellerID:    f.settings.SellerID,
		AccessKey:   f.settings.AccessKey,
		SecretKey:   amazonpay.NewSecretKey(f.settings.SecretKey),
		Region:      f.settings.Region,
		Environment: f.settings.Environment,
		HTTPClient:  &http.Client{Transport: f},
		Backoff:     amazonpay.Spacing(0, 0, 0, 0),
	}
}

// ConfigAt is [Fake.Config] for a fake that is served over a socket: baseURL is
// the server's, and the HTTPClient is left to you.
func (f *Fake) ConfigAt(baseURL string) amazonpay.Config {
	config := f.Config()
	config.BaseURL, config.HTTPClient = baseURL, nil
	return config
}

// Client is a client of the fake. It panics if the settings do not make one.
func (f *Fake) Client() *amazonpay.Client {
	client, err := amazonpay.New(f.Config())
	if err != nil {
		panic("amazonpaytest: " + err.Error())
	}
	return client
}

// Now is the business clock, which dates all objects. It has nothing to do
// with the clock on the wall, against which the timestamps of requests are
// checked.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Advance moves the business clock on. Everything that falls due on the way
// happens in order of time: authorizations are decided, captures and refunds
// complete, drafts go stale, objects expire, notifications are delivered. A
// negative d does nothing.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.advanceTo(f.now.Add(d))
}

// AdvanceTo is [Fake.Advance] up to a point in time; one that has passed does
// nothing.
func (f *Fake) AdvanceTo(t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.advanceTo(t.UTC())
}

func (f *Fake) advanceTo(t time.Time) {
	for {
		event, parcel := len(f.events) > 0 && !f.events[0].at.After(t), len(f.outbox) > 0 && !f.outbox[0].Due.After(t)
		switch {
		case event && (!parcel || !f.events[0].at.After(f.outbox[0].Due)):
			next := f.events[0]
			f.events = slices.Delete(f.events, 0, 1)
			f.reach(next.at)
			next.do()
			f.publish()
		case parcel:
			next := f.outbox[0]
			f.outbox = slices.Delete(f.outbox, 0, 1)
			f.reach(next.Due)
			f.attempt(next) // meanwhile the clock may be moved by others
		default:
			f.reach(t)
			return
		}
	}
}

// reach moves the business clock; it never goes back.
func (f *Fake) reach(t time.Time) {
	if t.After(f.now) {
		f.now = t
	}
}

// after lets something happen on the business clock.
func (f *Fake) after(d time.Duration, do func()) {
	at := f.now.Add(d)
	i, _ := slices.BinarySearchFunc(f.events, at, func(e event, at time.Time) int {
		if e.at.After(at) {
			return 1
		}
		return -1 // behind all that were made earlier for the same time
	})
	f.events = slices.Insert(f.events, i, event{at, do})
}

// The digits in ids that look like the region's.
var regionDigits = map[amazonpay.Region]string{
	amazonpay.RegionNA: "01", amazonpay.RegionUK: "02", amazonpay.RegionEU: "02", amazonpay.RegionJP: "03",
}

// newID makes the id of an agreement or an order reference: the letter tells
// kind and environment. The digits are scattered but the same in every run.
func (f *Fake) newID(production, sandbox string) string {
	f.serial++
	letter := production
	if f.settings.Environment == amazonpay.Sandbox {
		letter = sandbox
	}
	return fmt.Sprintf("%s%s-%07d-%07d", letter, regionDigits[f.settings.Region],
		f.serial*7654321%9999991, f.serial)
}

// newPart makes the id of something within an order reference, such as
// S01-1234567-1234567-A012345.
func (f *Fake) newPart(order, letter string) string {
	f.serial++
	return fmt.Sprintf("%s-%s%06d", order, letter, f.serial)
}

// status is where an object stands.
type status struct {
	state       amazonpay.State
	reason      amazonpay.Reason
	description string
	at          time.Time // zero until the first change: a Draft shows no time
	of          subject   // whose it is, to be told of
}

func (s status) is(states ...amazonpay.State) bool { return slices.Contains(states, s.state) }

// reasonTexts are descriptions the fake gives where it invents the reason.
var reasonTexts = map[amazonpay.Reason]string{
	amazonpay.ReasonInvalidPaymentMethod: "Payment method is not valid.",
	amazonpay.ReasonAmazonRejected:       "Amazon has rejected the transaction.",
	amazonpay.ReasonTransactionTimedOut:  "The transaction was not processed in time.",
	amazonpay.ReasonProcessingFailure:    "An internal error occurred.",
}

func (f *Fake) move(s *status, state amazonpay.State, reason amazonpay.Reason, description ...string) {
	*s = status{state: state, reason: reason, at: f.now, description: reasonTexts[reason], of: s.of}
	if len(description) > 0 {
		s.description = description[0]
	}
	f.changed(s.of, "")
}

// node renders a status. Billing agreements spell the time with a "d".
func (s status) node(name string) node {
	timeName := "LastUpdateTimestamp"
	if name == "BillingAgreementStatus" {
		timeName = "LastUpdatedTimestamp"
	}
	return el(name,
		tx("State", string(s.state)),
		stamp(timeName, s.at),
		opt("ReasonCode", string(s.reason)),
		opt("ReasonDescription", s.description))
}

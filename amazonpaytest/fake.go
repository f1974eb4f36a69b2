package amazonpaytest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
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

	// Start is the business clock at first; zero is the present time, and 15
	// January 2026, 12:00 UTC for a manual clock.
	Start time.Time

	// Manual lets the business clock stand still until [Fake.Advance] or
	// [Fake.AdvanceTo]: for tests that are the same on every day. Without it the
	// clock runs with the one on the wall.
	Manual bool

	// Quota is how fast Amazon's quotas are restored: 1 is as documented, 60
	// sixty times as fast; 0 is no quotas at all. See [Fake.SetQuota].
	Quota float64

	// Seed makes the probabilities of faults and notifications fall out another
	// way. With the same seed and the same order of requests they fall out the
	// same.
	Seed uint64

	// KeepCalls is how many calls and notifications [Fake.Calls] and
	// [Fake.Notifications] remember, the latest; 0 is all.
	KeepCalls int

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

	mu books
	clock
	serial int // numbers every id

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
	users          map[string]*account // the same by user_id
	seed           string              // of codes and tokens
	passes         map[string]*pass    // codes and tokens of Login with Amazon, by text
	filed          map[string][]*order // orders by the seller's id that they have or had
	made           made                // objects in the order of making
	health         health
	ledger         []Movement
	calls          []Call
	faults         []Fault
	faultDice      *rand.Rand
	buckets        map[bucketKey]*bucket
	skew           time.Duration // of Amazon's clock on the wall, during the present request
	requests       int

	receivers    []*receiver
	endpoints    endpoints // that sellers have set
	delivery     Delivery
	deliveryDice *rand.Rand
	changes      []change  // of the present step
	sent         []*parcel // in order of making
	messages     int       // numbers every message
	disputes     []*dispute
	signatures   atomic.Int64 // made so far
	parcels      int          // numbers every parcel
	journal      *journal     // nil is none
	replaying    bool         // the journal is being done again
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

// New makes a fake. It panics on settings that make no sense, because it is
// called by tests.
func New(settings Settings) *Fake {
	settings = settings.complete()
	f := &Fake{
		settings:       settings,
		ledgerIn:       ledgerCurrencies[settings.Region],
		clock:          clock{now: settings.Start, wall: time.Now()},
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
		users:          make(map[string]*account),
		passes:         make(map[string]*pass),
		filed:          make(map[string][]*order),
		health:         health{status: "GREEN"},
		buckets:        make(map[bucketKey]*bucket),
		faultDice:      rand.New(rand.NewPCG(settings.Seed, 1)),
		deliveryDice:   rand.New(rand.NewPCG(settings.Seed, 2)),
	}
	f.mu.fake = f
	f.seed = seedOf(settings)
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
	fill(&s.AuthorizationDelay, time.Minute)
	fill(&s.CaptureDelay, time.Hour)
	fill(&s.RefundDelay, time.Hour)
	fill(&s.AuthorizationLife, authorizationLife)
	if s.Start.IsZero() {
		if s.Start = defaultStart; !s.Manual {
			s.Start = time.Now()
		}
	}
	s.Start = s.Start.UTC().Round(0) // without a reading of the monotonic clock
	checkQuota(s.Quota)
	checkKeepCalls(s.KeepCalls)
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

func checkKeepCalls(n int) {
	if n < 0 {
		panic("amazonpaytest: the number of calls to keep is negative")
	}
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Settings are those in force: with what was left out, and the quota as it was
// last set. The keys are among them.
func (f *Fake) Settings() Settings {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.settings
	s.Delegated, s.Providers, s.Currencies, s.LoginClients = maps.Clone(s.Delegated), slices.Clone(s.Providers), slices.Clone(s.Currencies), slices.Clone(s.LoginClients)
	return s
}

// Config is that of a client of the fake: its requests go to Amazon's real
// host names, but reach the fake without a socket, and are neither
// paced nor made to wait before a repeat. In testing/synctest waits take no time: there, set Backoff back to
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
		Limiter:     amazonpay.NoLimit,
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

// untimed is the status of a billing agreement as its details have it: without
// the time of the change, which only the answer to ValidateBillingAgreement and
// notifications tell.
func (s status) untimed() status {
	s.at = time.Time{}
	return s
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

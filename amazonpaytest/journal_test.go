package amazonpaytest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// tape is a journal in memory.
type tape struct {
	bytes.Buffer        // to be read
	written      []byte // all
	writes       int
}

func rewound(text []byte) *tape {
	t := &tape{written: slices.Clone(text)}
	t.Buffer.Write(text)
	return t
}

func (t *tape) Write(p []byte) (int, error) {
	t.writes++
	t.written = append(t.written, p...)
	return len(p), nil
}

// life is somebody who does anything at any time. Two of the same seed do the
// same.
type life struct {
	*shop
	rng                              *rand.Rand
	step                             int
	agreements, orders, auths, takes []string
	refunds, chargebacks, users      []string
}

func restoredShop(t testing.TB, settings amazonpaytest.Settings, log io.ReadWriter) *shop {
	t.Helper()
	s := newShop(t, settings)
	settings.SellerID, settings.AccessKey, settings.SecretKey, settings.Manual = testSeller, testKey, testSecret, true
	fake, err := amazonpaytest.Restore(settings, log)
	require.NoError(t, err)
	s.fake = fake
	// What the handler answers depends on the message alone.
	fake.NotifyAt("https://shop.example/ipn", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Amz-Sns-Message-Id")
		w.WriteHeader([]int{200, 200, 500, 404}[int(id[0])%4])
	}))
	return s
}

func (l *life) any(ids []string) string {
	if len(ids) == 0 {
		return "S01-0"
	}
	return ids[l.rng.IntN(len(ids))]
}

func (l *life) act(a amazonpaytest.Act) string {
	outcome, err := l.fake.Act(a)
	if err != nil {
		return ""
	}
	return outcome.ID
}

func (l *life) price() amazonpay.Price {
	return amazonpay.MustPrice(fmt.Sprintf("%d.%02d", l.rng.IntN(60), 1+l.rng.IntN(99)), "USD")
}

func (l *life) live() {
	l.step++
	method := amazonpaytest.PaymentMethods()[l.rng.IntN(13)*l.rng.IntN(2)*l.rng.IntN(2)]
	reason := []amazonpay.Reason{"InvalidPaymentMethod", "AmazonRejected", "ProcessingFailure", "TransactionTimedOut"}[l.rng.IntN(4)]
	both := append(slices.Clone(l.agreements), l.orders...)
	everything := slices.Concat(both, l.auths, l.takes, l.refunds)
	switch l.rng.IntN(16) {
	case 0:
		l.agreements = append(l.agreements, l.act(amazonpaytest.Act{Do: "OpenBillingAgreement", Payment: method}),
			l.act(amazonpaytest.Act{Do: "NewBillingAgreement", Payment: method, Buyer: &amazonpay.Buyer{Email: fmt.Sprintf("b%d@example.com", l.rng.IntN(5))}}))
		l.orders = append(l.orders, l.act(amazonpaytest.Act{Do: "OpenOrderReference", Amount: l.price(), Payment: method}))
	case 1:
		name := amazonpaytest.Acts()[l.rng.IntN(len(amazonpaytest.Acts()))].Do
		if strings.HasPrefix(name, "Advance") || strings.HasSuffix(name, "OrderReference") || strings.HasSuffix(name, "BillingAgreement") {
			name = "Deliver"
		}
		l.act(l.random(name, method, reason, everything))
	case 2:
		l.act(amazonpaytest.Act{Do: "Advance", Duration: fmt.Sprintf("%dm", l.rng.IntN(600))})
	case 3:
		l.act(amazonpaytest.Act{Do: "Inject", Kind: amazonpaytest.AnswerLost, Probability: 0.5, Times: 2})
	case 4:
		l.act(amazonpaytest.Act{Do: "Chargeback", ID: l.any(l.takes)})
		l.chargebacks = append(l.chargebacks, fmt.Sprintf("CB%012d", 1+l.rng.IntN(9)))
		l.act(amazonpaytest.Act{Do: "LoseChargeback", ID: l.any(l.chargebacks)})
	case 5:
		l.signIn()
	default:
		l.request()
	}
}

func (l *life) random(name string, method amazonpaytest.PaymentMethod, reason amazonpay.Reason, ids []string) amazonpaytest.Act {
	full := map[string]any{"id": l.any(ids), "payment": method, "address": amazonpay.Address{City: "Chicago"}, "status": "GREEN",
		"reason": reason, "amount": l.price(), "kind": "Slow", "duration": "10ms", "times": 1, "quota": 0, "seller": testSeller, "active": true,
		"message": amazonpaytest.Message{NotificationType: "PaymentCapture", Sample: true}, "number": l.rng.IntN(20), "duplicates": l.rng.IntN(2),
		"reversed": true, "duplicateRate": 0.3, "reorderRate": 0.3, "lossRate": 0.3, "client": l.fake.LoginClient().ID, "url": "/ap/oa"}
	fields := map[string]any{"do": name}
	for _, info := range amazonpaytest.Acts() {
		for _, field := range slices.Concat(info.Needs, info.Takes) {
			if value, known := full[field]; known && info.Do == name {
				fields[field] = value
			}
		}
	}
	text, err := json.Marshal(fields)
	require.NoError(l.t, err)
	var a amazonpaytest.Act
	require.NoError(l.t, json.Unmarshal(text, &a), name)
	return a
}

// signIn goes through a whole login, over the pages.
func (l *life) signIn() {
	client := l.fake.LoginClient()
	query := url.Values{"client_id": {client.ID}, "redirect_uri": {"https://shop.example/back"}, "response_type": {"code"}, "scope": {"profile"}}
	id := l.act(amazonpaytest.Act{Do: "SignIn", Buyer: &amazonpay.Buyer{Email: fmt.Sprintf("b%d@example.com", l.rng.IntN(5))}})
	outcome, err := l.fake.Act(amazonpaytest.Act{Do: "AuthorizeLogin", ID: id, URL: "/ap/oa?" + query.Encode(), Allow: true})
	require.NoError(l.t, err)
	back, err := url.Parse(outcome.URL)
	require.NoError(l.t, err)
	form := url.Values{"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {"https://shop.example/back"},
		"client_id": {client.ID}, "client_secret": {client.Secret}}
	req, err := http.NewRequest(http.MethodPost, "https://api.amazon.com/auth/o2/token", strings.NewReader(form.Encode()))
	require.NoError(l.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if resp, err := l.fake.RoundTrip(req); err == nil { // or an injected fault
		_ = resp.Body.Close()
	}
	l.users = append(l.users, id)
	if l.rng.IntN(4) == 0 {
		l.act(amazonpaytest.Act{Do: "RevokeLogin", ID: l.any(l.users), Client: client.ID})
	}
}

func (l *life) request() {
	p := l.price()
	price := func(name string) []string {
		return []string{name + ".Amount", p.Amount(), name + ".CurrencyCode", "USD"}
	}
	reference := fmt.Sprint("r", l.step-l.rng.IntN(2)*l.rng.IntN(3)) // now and then an old one
	timeout := fmt.Sprint(5 * l.rng.IntN(3))
	now := fmt.Sprint(l.rng.IntN(2) == 0)
	var form map[string]string
	switch l.rng.IntN(8) {
	case 0, 1:
		form = l.form("AuthorizeOnBillingAgreement", append(price("AuthorizationAmount"), "AmazonBillingAgreementId", l.any(l.agreements),
			"AuthorizationReferenceId", reference, "CaptureNow", now, "TransactionTimeout", timeout)...)
	case 2:
		form = l.form("Authorize", append(price("AuthorizationAmount"), "AmazonOrderReferenceId", l.any(l.orders),
			"AuthorizationReferenceId", reference, "CaptureNow", now, "TransactionTimeout", timeout)...)
	case 3:
		form = l.form("Capture", append(price("CaptureAmount"), "AmazonAuthorizationId", l.any(l.auths), "CaptureReferenceId", reference)...)
	case 4:
		form = l.form("Refund", append(price("RefundAmount"), "AmazonCaptureId", l.any(l.takes), "RefundReferenceId", reference)...)
	case 5:
		form = l.form("ConfirmBillingAgreement", "AmazonBillingAgreementId", l.any(l.agreements))
	case 6:
		form = l.form("GetBillingAgreementDetails", "AmazonBillingAgreementId", l.any(l.agreements))
	case 7:
		form = l.form("CloseAuthorization", "AmazonAuthorizationId", l.any(l.auths))
	}
	resp, err := l.send(form)
	if err != nil {
		return
	}
	r := l.read(resp, err)
	if r.status != 200 {
		return
	}
	l.auths = append(l.auths, r.texts["AuthorizationDetails/AmazonAuthorizationId"]...)
	l.takes = append(l.takes, r.texts["CaptureDetails/AmazonCaptureId"]...)
	l.refunds = append(l.refunds, r.texts["RefundDetails/AmazonRefundId"]...)
	if id := r.get("AuthorizationDetails/IdList/member"); id != "" {
		l.takes = append(l.takes, id)
	}
}

// books is all that can be seen.
func books(t testing.TB, fake *amazonpaytest.Fake) string {
	t.Helper()
	text, err := json.MarshalIndent(struct {
		Snapshot amazonpaytest.Snapshot
		Ledger   []amazonpaytest.Movement
	}{fake.SnapshotOf(amazonpaytest.View{Buyers: true}), fake.Ledger()}, "", " ")
	require.NoError(t, err)
	return string(text)
}

// Whatever has been done, and wherever the journal breaks off: the restored
// fake is as the first was, and goes on as the first does.
func TestRestore(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			settings := amazonpaytest.Settings{Seed: seed, KeepCalls: 40 * int(seed)}
			log := &tape{}
			l := &life{shop: restoredShop(t, settings, log), rng: rand.New(rand.NewPCG(seed, 1))}
			type mark struct {
				length int
				books  string
			}
			marks := []mark{}
			for range 60 {
				for range 6 {
					l.live()
				}
				marks = append(marks, mark{len(log.written), books(t, l.fake)})
			}
			require.NoError(t, l.fake.JournalError())
			require.NotContains(t, string(log.written), testSecret)
			require.NotContains(t, string(log.written), l.fake.LoginClient().Secret)
			require.Greater(t, len(l.fake.Ledger()), 20, "too quiet a life")
			rng := rand.New(rand.NewPCG(seed, 2))
			for range 6 {
				i := rng.IntN(len(marks) - 1)
				m, next := marks[i], marks[i+1].length
				cut := m.length
				if line := bytes.IndexByte(log.written[cut:next], '\n'); line > 0 {
					cut += rng.IntN(line) // in the middle of the next entry
				}
				broken := rewound(log.written[:cut])
				s := restoredShop(t, settings, broken)
				require.Equal(t, m.books, books(t, s.fake), "mark %d", i)
				// It goes on behind what was torn, and comes back once more.
				s.fake.Advance(time.Hour)
				s.fake.NewBillingAgreement().Consent()
				require.Equal(t, books(t, s.fake), books(t, restoredShop(t, settings, rewound(broken.written)).fake))
			}
			again := *l
			again.shop, again.rng = restoredShop(t, settings, rewound(log.written)), rand.New(rand.NewPCG(seed, 3))
			l.rng = rand.New(rand.NewPCG(seed, 3))
			for range 10 {
				for range 6 {
					l.live()
					again.live()
				}
				require.Equal(t, books(t, l.fake), books(t, again.fake), "step %d", l.step)
			}
			for _, id := range l.agreements {
				if id != "" {
					require.Equal(t, l.fake.BillingAgreement(amazonpay.BillingAgreementID(id)).AccessToken(), again.fake.BillingAgreement(amazonpay.BillingAgreementID(id)).AccessToken())
				}
			}
		})
	}
}

// A repetition of what was charged before the process was killed gets the first
// answer: nobody pays twice.
func TestRestoredReferenceIDs(t *testing.T) {
	log := &tape{}
	s := restoredShop(t, amazonpaytest.Settings{}, log)
	agreement := s.subscription(amazonpaytest.Checkout{})
	first := s.charge(agreement, "sub-42-2026-01", "19.90", "CaptureNow", "true").ok()
	s = restoredShop(t, amazonpaytest.Settings{}, rewound(log.written))
	agreement = s.fake.BillingAgreement(agreement.ID())
	require.Equal(t, first.get("AmazonAuthorizationId"), s.charge(agreement, "sub-42-2026-01", "19.90", "CaptureNow", "true").ok().get("AmazonAuthorizationId"))
	s.charge(agreement, "sub-42-2026-01", "29.90", "CaptureNow", "true").refused(400, "DuplicateRequest")
	require.Equal(t, amazonpay.MustPrice("19.90", "USD"), s.fake.TotalCaptured("USD"))
	require.Len(t, s.fake.Ledger(), 1)
}

// Queries and repetitions do not let the journal grow.
func TestJournalOfQueries(t *testing.T) {
	log := &tape{}
	s := restoredShop(t, amazonpaytest.Settings{}, log)
	agreement := s.subscription(amazonpaytest.Checkout{})
	s.charge(agreement, "r1", "19.90").ok()
	agreement.AccessToken()
	before := log.writes
	s.charge(agreement, "r1", "19.90").ok()
	s.charge(agreement, "r1", "9.90").refused(400, "DuplicateRequest")
	s.do("GetBillingAgreementDetails", "AmazonBillingAgreementId", string(agreement.ID())).ok()
	s.do("GetServiceStatus").ok()
	s.do("Nonsense").refused(400, "InvalidAddress")
	agreement.AccessToken()
	_ = s.fake.Snapshot()
	require.Equal(t, before, log.writes)
	s.fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.Throttled})
	s.do("GetServiceStatus").refused(503, "RequestThrottled")
	require.Equal(t, before+2, log.writes, "the fault and its end")
}

func TestRestoreFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "journal")
	open := func() (*amazonpaytest.Fake, *os.File) {
		file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
		require.NoError(t, err)
		fake, err := amazonpaytest.Restore(amazonpaytest.Settings{Manual: true}, file)
		require.NoError(t, err)
		return fake, file
	}
	first, file := open()
	agreement := first.OpenBillingAgreement()
	require.NoError(t, file.Close()) // as if it had been killed
	second, file := open()
	defer func() { _ = file.Close() }()
	require.Equal(t, books(t, first), books(t, second))
	require.NotNil(t, second.BillingAgreement(agreement.ID()))
	require.NoError(t, second.JournalError())
	require.Panics(t, first.Heal)
	require.ErrorIs(t, first.JournalError(), os.ErrClosed)
	require.NoError(t, amazonpaytest.New(amazonpaytest.Settings{}).JournalError())
}

// A running clock goes on while nobody is there; what fell due meanwhile
// happens.
func TestRestoreRunningClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &tape{}
		fake, err := amazonpaytest.Restore(amazonpaytest.Settings{}, log)
		require.NoError(t, err)
		draft := fake.NewBillingAgreement()
		time.Sleep(time.Minute)
		fake.Advance(time.Hour)
		fake.OpenBillingAgreement()
		ahead := time.Until(fake.Now())
		require.InDelta(t, time.Hour, ahead, float64(time.Millisecond))
		time.Sleep(time.Hour)
		require.Equal(t, amazonpay.StateDraft, state(draft))
		time.Sleep(time.Hour)
		restored, err := amazonpaytest.Restore(amazonpaytest.Settings{}, rewound(log.written))
		require.NoError(t, err)
		require.Equal(t, ahead, time.Until(restored.Now()))
		require.Equal(t, amazonpay.StateCanceled, state(restored.BillingAgreement(draft.ID())))
		require.Equal(t, books(t, fake), books(t, restored))
		time.Sleep(time.Minute)
		require.Equal(t, fake.Now(), restored.Now())
	})
}

func state(b *amazonpaytest.BillingAgreement) amazonpay.State {
	state, _ := b.State()
	return state
}

// What a receiver has accepted does not come again; what it has not, waits for
// it.
func TestRestoredNotifications(t *testing.T) {
	log := &tape{}
	settings := amazonpaytest.Settings{Manual: true}
	fake, err := amazonpaytest.Restore(settings, log)
	require.NoError(t, err)
	arrived := map[string]int{}
	status := http.StatusOK
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived[r.Header.Get("X-Amz-Sns-Message-Id")]++
		w.WriteHeader(status)
	})
	fake.NotifyAt("https://a.example/", handler)
	agreement := fake.OpenBillingAgreement()
	fake.Deliver()
	status = http.StatusServiceUnavailable
	agreement.AmazonClose()
	fake.Deliver()
	require.Len(t, arrived, 2)

	fake, err = amazonpaytest.Restore(settings, rewound(log.written))
	require.NoError(t, err)
	fake.Advance(2 * time.Hour) // nobody listens yet
	require.Len(t, arrived, 2)
	status = http.StatusOK
	fake.NotifyAt("https://b.example/", http.NotFoundHandler())
	fake.Deliver()
	fake.NotifyAt("https://a.example/", handler)
	fake.Deliver()
	sent := fake.Notifications()
	require.Len(t, sent, 2)
	require.Equal(t, 1, arrived[sent[0].MessageID])
	require.Equal(t, 2, arrived[sent[1].MessageID])
	require.Equal(t, 200, sent[1].Status)
	require.True(t, sent[1].Due.IsZero())
}

func TestRestoredEndpoints(t *testing.T) {
	log := &tape{}
	s := restoredShop(t, amazonpaytest.Settings{}, log)
	s.fake.NotifyEndpoints(&http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("down") })})
	const list = "NotificationConfigurationList.NotificationConfiguration.1."
	s.do("SetMerchantNotificationConfiguration", list+"NotificationUrl", "https://e.example/", list+"EventTypes.EventTypeList.1", "ALL").ok()
	s.fake.OpenBillingAgreement()
	s = restoredShop(t, amazonpaytest.Settings{}, rewound(log.written))
	s.fake.Deliver()
	arrived := 0
	s.fake.NotifyEndpoints(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		arrived++
		return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
	})})
	s.fake.Deliver()
	require.Equal(t, 1, arrived)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRestoreRefuses(t *testing.T) {
	log := &tape{}
	settings := amazonpaytest.Settings{Manual: true, Delegated: map[string]string{"OTHER": "token"}}
	fake, err := amazonpaytest.Restore(settings, log)
	require.NoError(t, err)
	fake.OpenBillingAgreement()
	fake.Advance(time.Hour)
	require.NotContains(t, string(log.written), "token\"")
	lines := strings.SplitAfter(string(log.written), "\n")
	other := func(change func(*amazonpaytest.Settings)) amazonpaytest.Settings {
		s := settings
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		settings amazonpaytest.Settings
		journal  string
		want     string
	}{
		"a text of somebody's":    {settings, "eggs, milk, bread", "journal: line 1"},
		"garbage in the middle":   {settings, lines[0] + "{\"at\":\n" + lines[1], "journal: line 2"},
		"garbage at the end":      {settings, lines[0] + lines[1] + "nonsense\n", "journal: line 3"},
		"two entries in a line":   {settings, lines[0] + strings.TrimSpace(lines[1]) + lines[2], "journal: line 2"},
		"an unknown field":        {settings, lines[0] + `{"at":"2026-01-15T12:00:00Z","what":1}` + "\n", "journal: line 2"},
		"an entry of no kind":     {settings, lines[0] + `{"at":"2026-01-15T12:00:00Z"}` + "\n", "line 2: an entry of no kind"},
		"an unknown act":          {settings, lines[0] + `{"at":"2026-01-15T12:00:00Z","act":{"do":"Nothing"}}` + "\n", `line 2: no act "Nothing"`},
		"an act that fails":       {settings, lines[0] + `{"at":"2026-01-15T12:00:00Z","act":{"do":"Consent","id":"x"}}` + "\n", "line 2: amazonpaytest: Consent: id"},
		"an act without a field":  {settings, lines[0] + `{"at":"2026-01-15T12:00:00Z","act":{"do":"Send"}}` + "\n", "line 2: cannot be done again"},
		"an unknown operation":    {settings, lines[0] + `{"at":"2026-01-15T12:00:00Z","action":"Nothing"}` + "\n", `line 2: no operation "Nothing"`},
		"an unknown notification": {settings, lines[0] + `{"at":"2026-01-15T12:00:00Z","parcel":{"number":7}}` + "\n", "line 2: no notification 7"},
		"an unknown code":         {settings, lines[0] + `{"at":"2026-01-15T12:00:00Z","redeem":{"pass":"x"}}` + "\n", "line 2: a code or token"},
		"no header":               {settings, lines[1], "line 1 is not the beginning"},
		"another version":         {settings, strings.Replace(lines[0], `"version":1`, `"version":2`, 1), "line 1 is not the beginning"},
		"another region":          {other(func(s *amazonpaytest.Settings) { s.Region = amazonpay.RegionUK }), lines[0], "Settings.Region"},
		"another seller":          {other(func(s *amazonpaytest.Settings) { s.SellerID = "X" }), lines[0], "Settings.SellerID"},
		"another limit": {other(func(s *amazonpaytest.Settings) { s.MonthlyLimit = amazonpay.MustPrice("5", "USD") }),
			lines[0], "Settings.MonthlyLimit"},
		"no delegated sellers": {other(func(s *amazonpaytest.Settings) { s.Delegated = nil }), lines[0], "Settings.Delegated"},
		"another login client": {other(func(s *amazonpaytest.Settings) { s.LoginClients = []amazonpaytest.LoginClient{{ID: "c"}} }),
			lines[0], "Settings.LoginClients"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := amazonpaytest.Restore(c.settings, rewound([]byte(c.journal)))
			require.ErrorContains(t, err, c.want)
		})
	}
	t.Run("unreadable", func(t *testing.T) {
		_, err := amazonpaytest.Restore(settings, struct {
			io.Reader
			io.Writer
		}{errReader{}, log})
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
	t.Run("unwritable", func(t *testing.T) {
		_, err := amazonpaytest.Restore(settings, struct {
			io.Reader
			io.Writer
		}{strings.NewReader(""), errWriter{}})
		require.ErrorIs(t, err, io.ErrShortWrite)
	})
	t.Run("torn header", func(t *testing.T) {
		for _, cut := range []int{1, len(lines[0]) / 2, len(lines[0]) - 1} {
			log := rewound([]byte(lines[0][:cut]))
			fake, err := amazonpaytest.Restore(settings, log)
			require.NoError(t, err)
			fake.OpenBillingAgreement()
			again, err := amazonpaytest.Restore(settings, rewound(log.written))
			require.NoError(t, err)
			require.Equal(t, books(t, fake), books(t, again))
		}
	})
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type errWriter struct{}

func (errWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// What a journal can be done again without may change from one start to the next.
func TestRestoreAdopts(t *testing.T) {
	log := &tape{}
	client := amazonpaytest.LoginClient{ID: "c", Secret: "s", RedirectURLs: []string{"https://one.example/"}}
	settings := amazonpaytest.Settings{Manual: true, KeepCalls: 2, LoginClients: []amazonpaytest.LoginClient{client}}
	restore := func() *amazonpaytest.Fake {
		fake, err := amazonpaytest.Restore(settings, log)
		require.NoError(t, err)
		fake.Notify(http.NotFoundHandler())
		log = rewound(log.written)
		return fake
	}
	consent := func(back string) string {
		return "https://www.amazon.com/ap/oa?response_type=code&scope=profile&client_id=c&redirect_uri=" + url.QueryEscape(back)
	}
	fake, err := amazonpaytest.Restore(settings, log)
	require.NoError(t, err)
	_, err = fake.SignIn(amazonpay.Buyer{}).Authorize(consent("https://one.example/"), true)
	require.NoError(t, err)
	log = rewound(log.written)

	settings.KeepCalls, settings.Quota = 0, 7
	settings.LoginClients[0].RedirectURLs = []string{"https://two.example/"}
	fake, err = amazonpaytest.Restore(settings, log)
	require.NoError(t, err)
	require.Equal(t, 7.0, fake.Settings().Quota)
	require.Equal(t, []string{"https://two.example/"}, fake.LoginClient().RedirectURLs)
	_, err = fake.SignIn(amazonpay.Buyer{}).Authorize(consent("https://one.example/"), true)
	require.Error(t, err)
	fake.Notify(http.NotFoundHandler())
	for range 10 {
		fake.OpenBillingAgreement()
		fake.Deliver()
	}
	_, err = fake.Act(amazonpaytest.Act{Do: "Resend", Number: 0})
	require.NoError(t, err)
	fake.Deliver()
	log = rewound(log.written)

	settings.KeepCalls, settings.Quota = 3, 0
	fake = restore()
	require.Len(t, fake.Notifications(), 3)
	require.Equal(t, 7.0, fake.Settings().Quota, "it was set")
	settings.KeepCalls = 0
	require.Len(t, restore().Notifications(), 10)
}

// What the zero settings leave open is the journal's.
func TestRestoreTakesSettings(t *testing.T) {
	log := &tape{}
	settings := amazonpaytest.Settings{Region: amazonpay.RegionEU, Environment: amazonpay.Production, Manual: true,
		MonthlyLimit: amazonpay.MustPrice("77", "EUR"), Start: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), SellerID: "SELLER"}
	_, err := amazonpaytest.Restore(settings, log)
	require.NoError(t, err)
	fake, err := amazonpaytest.Restore(amazonpaytest.Settings{}, rewound(log.written))
	require.NoError(t, err)
	require.Equal(t, "amazonpaytest.Fake(SELLER, EU, production)", fake.String())
	require.Equal(t, settings.Start, fake.Now())
	fake.OpenBillingAgreement()
	require.Equal(t, amazonpay.MustPrice("77", "EUR"), fake.Snapshot().Agreements[0].Remaining)
}

func FuzzRestore(f *testing.F) {
	log := &tape{}
	fake, err := amazonpaytest.Restore(amazonpaytest.Settings{Manual: true}, log)
	if err != nil {
		f.Fatal(err)
	}
	fake.NewBillingAgreement().Consent()
	fake.Advance(time.Hour)
	fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.Throttled})
	f.Add(log.written)
	f.Add(log.written[:len(log.written)-3])
	f.Fuzz(func(t *testing.T, text []byte) {
		log := rewound(text)
		fake, err := amazonpaytest.Restore(amazonpaytest.Settings{Manual: true}, log)
		if err != nil {
			return
		}
		again, err := amazonpaytest.Restore(amazonpaytest.Settings{Manual: true}, rewound(log.written))
		require.NoError(t, err)
		require.Equal(t, books(t, fake), books(t, again))
	})
}

func BenchmarkRestore(b *testing.B) {
	log := &tape{}
	s := restoredShop(b, amazonpaytest.Settings{MonthlyLimit: amazonpay.MustPrice("9999999", "USD"), KeepCalls: 100}, log)
	for i := range 2000 {
		agreement := s.fake.OpenBillingAgreement()
		for j := range 4 {
			s.charge(agreement, fmt.Sprint("r", i, "-", j), "1")
		}
	}
	b.ResetTimer()
	for b.Loop() {
		_, err := amazonpaytest.Restore(amazonpaytest.Settings{}, rewound(log.written))
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.N*log.writes)/b.Elapsed().Seconds(), "entries/s")
}

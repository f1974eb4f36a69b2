package amazonpaytest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// journalVersion is that of the format.
const journalVersion = 1

// journal is where everything is written that changes the fake.
type journal struct {
	to   io.Writer
	lead []byte // goes before the next entry: it ends a line that was torn
	err  error  // the first
}

// entry is a line of the journal. Apart from the time it has one of the groups.
type entry struct {
	At   time.Time `json:"at"`            // on the business clock
	Wall time.Time `json:"wall,omitzero"` // the same moment on the wall, where a running clock needs it

	Journal *header `json:"journal,omitempty"` // the first line
	Torn    bool    `json:"torn,omitempty"`    // the line before was not written to its end

	Action      string                `json:"action,omitempty"` // a request of the payment API that was worked on
	SellerID    string                `json:"seller,omitempty"`
	Environment amazonpay.Environment `json:"environment,omitempty"`
	Params      map[string]string     `json:"params,omitempty"`
	Request     int                   `json:"request,omitempty"` // its number
	Fault       FaultKind             `json:"fault,omitempty"`   // that struck; for who reads the journal

	Act       *Act         `json:"act,omitempty"`
	Clock     bool         `json:"clock,omitempty"`     // what was due by then has happened
	Strike    *string      `json:"strike,omitempty"`    // a fault was used up, or the dice thrown, by a request of this action
	Redeem    *redemption  `json:"redeem,omitempty"`    // a code or a refresh token was exchanged
	Signed    bool         `json:"signed,omitempty"`    // a message was signed for a test
	Receiver  *string      `json:"receiver,omitempty"`  // one of notifications was registered
	Endpoints bool         `json:"endpoints,omitempty"` // the sellers' own were
	Parcel    *parcelState `json:"parcel,omitempty"`    // a notification was handed over
}

// header begins a journal.
type header struct {
	Version  int      `json:"version"`
	Seed     string   `json:"seed"`     // of codes and tokens
	Settings Settings `json:"settings"` // without keys, tokens and secrets
}

// parcelState is how an attempt to deliver left a notification.
type parcelState struct {
	Number     int       `json:"number"`
	Attempts   int       `json:"attempts"`
	Status     int       `json:"status,omitempty"`
	Error      string    `json:"error,omitempty"`
	First      time.Time `json:"first"`
	Due        time.Time `json:"due,omitzero"`
	Duplicates int       `json:"duplicates,omitempty"`
}

// seedOf is what codes and tokens are made from: the same in every run, others
// for another seller or environment, so that two fakes do not take each other's.
func seedOf(s Settings) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte("amazonpaytest "+s.realm()+s.SellerID+" "+s.SecretKey)))
}

// realm keeps apart what the two environments of one seller make.
func (s Settings) realm() string {
	if s.Environment == amazonpay.Production {
		return "production "
	}
	return ""
}

// Restore is [New] with a memory, for a server whose state outlives its process.
// It does again what is in the journal, and appends to it whatever changes the
// fake from then on, before anybody is told of it, with one Write for each
// entry: a process that is killed comes back as it was. An empty journal begins
// a new one. A file must be opened for reading and appending.
//
// All ids, tokens, states, balances, reference ids, faults, the ledger, what is
// due and the notifications come back. A running clock goes on from the wall's:
// what fell due while nobody ran it happens at once. Receivers of notifications
// come back without what delivers to them: what is due waits until Notify,
// NotifyAt, NotifyURL or NotifyEndpoints names them again, in any order. A
// notification whose delivery was cut off comes again; one that was accepted
// does not. Not kept are [Fake.Calls], how much of a quota is used, and the keys
// that sign notifications: [Fake.CertificateAuthority] is another one.
//
// It panics on settings that make no sense, as New does. Keys, tokens of
// delegated sellers and secrets of login clients are not stored and must be given
// again. KeepCalls and the RedirectURLs of login clients are those that are given,
// and so is a Quota. Of the others, those that are left zero are the journal's,
// and the rest must be the same. A last line that was not written to its
// end is ignored; any other that makes no sense is an error that names it.
//
// The journal holds everything that was sent to the fake, names and addresses
// of buyers among it. They should be made up; even so, let nobody else read the
// file. Queries are not kept: the journal grows with what changes only.
func Restore(settings Settings, log io.ReadWriter) (*Fake, error) {
	text, err := io.ReadAll(log)
	if err != nil {
		return nil, fmt.Errorf("amazonpaytest: journal: %w", err)
	}
	entries, lead, err := readJournal(text)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		f := New(settings)
		f.journal = &journal{to: log, lead: lead}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.keep(entry{Wall: f.wall.Round(0), Journal: &header{journalVersion, f.seed, f.settings.public()}})
		return f, f.journal.err
	}
	h := entries[0].Journal
	if h == nil || h.Version != journalVersion {
		return nil, fmt.Errorf("amazonpaytest: journal: line 1 is not the beginning of a journal of version %d", journalVersion)
	}
	kept, err := settings.resume(h.Settings)
	if err != nil {
		return nil, err
	}
	f, err := h.begin(kept)
	if err != nil {
		return nil, err
	}
	if err := f.replay(entries); err != nil {
		return nil, err
	}
	f.journal = &journal{to: log, lead: lead}
	if err := f.adopt(settings); err != nil {
		return nil, err
	}
	f.mu.Lock() // a running clock catches up
	defer f.mu.Unlock()
	return f, nil
}

// begin makes the fake that the header describes.
func (h *header) begin(settings Settings) (f *Fake, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("amazonpaytest: journal: line 1: %v", r)
		}
	}()
	f = New(settings)
	f.seed = h.Seed
	return f, nil
}

// line is an entry and where it was found.
type line struct {
	entry
	number int
}

// readJournal parses the lines. What was torn is left out; lead is what must be
// written to end it.
func readJournal(text []byte) (entries []line, lead []byte, err error) {
	var bad error // of the line before
	number := 0
	for len(text) > 0 {
		number++
		raw, rest, whole := bytes.Cut(text, []byte("\n"))
		text = rest
		l := line{number: number}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		err := d.Decode(&l.entry)
		if err == nil && d.More() {
			err = errors.New("more than one entry")
		}
		switch {
		case bad != nil && (err != nil || !l.Torn):
			return nil, nil, bad
		case err != nil && !whole && number == 1 && !beginsJournal(raw):
			return nil, nil, fmt.Errorf("amazonpaytest: journal: line 1: %w", err)
		case err != nil && !whole:
			return entries, append(append([]byte("\n"), mustJSON(entry{Torn: true})...), '\n'), nil
		case err != nil:
			bad = fmt.Errorf("amazonpaytest: journal: line %d: %w", number, err)
			continue
		case !l.Torn:
			entries = append(entries, l)
		}
		bad = nil
		if !whole {
			lead = []byte("\n")
		}
	}
	return entries, lead, bad
}

// beginsJournal tells the rest of a first line that was torn from a text that is
// something else.
func beginsJournal(torn []byte) bool {
	const start = `{"at":`
	return strings.HasPrefix(start, string(torn)) || bytes.HasPrefix(torn, []byte(start))
}

func mustJSON(e entry) []byte {
	text, err := json.Marshal(e)
	if err != nil {
		panic("amazonpaytest: journal: " + err.Error())
	}
	return text
}

// public is the settings without what must not be stored.
func (s Settings) public() Settings {
	s.AccessKey, s.SecretKey = "", ""
	delegated := s.Delegated
	s.Delegated = make(map[string]string)
	for id := range delegated {
		s.Delegated[id] = ""
	}
	s.LoginClients = slices.Clone(s.LoginClients)
	for i := range s.LoginClients {
		s.LoginClients[i].Secret = ""
	}
	return s
}

// resume completes settings from those of a journal, and compares what both
// have.
func (s Settings) resume(kept Settings) (Settings, error) {
	if len(s.LoginClients) == 0 {
		s.LoginClients = []LoginClient{madeUpClient}
	}
	checkLoginClients(s.LoginClients)
	checkQuota(s.Quota)
	checkKeepCalls(s.KeepCalls)
	given, old, zero := fieldsOf(s.lasting()), fieldsOf(kept.lasting()), fieldsOf(Settings{})
	for _, name := range sortedNames(old) {
		// Without their tokens delegated sellers cannot come back.
		if (name == "Delegated" || string(given[name]) != string(zero[name])) && string(given[name]) != string(old[name]) {
			return s, fmt.Errorf("amazonpaytest: journal: Settings.%s is %s, but the journal was begun with %s", name, given[name], old[name])
		}
	}
	kept.AccessKey, kept.SecretKey, kept.Delegated = s.AccessKey, s.SecretKey, s.Delegated
	kept.KeepCalls = 0 // a notification that was sent again must still be known
	for i := range kept.LoginClients {
		kept.LoginClients[i].Secret = s.LoginClients[i].Secret
	}
	return kept, nil
}

// lasting are the settings without which a journal cannot be done again.
func (s Settings) lasting() Settings {
	s = s.public()
	s.KeepCalls, s.Quota = 0, 0
	for i := range s.LoginClients {
		s.LoginClients[i].RedirectURLs = nil
	}
	return s
}

// adopt lets the rest of the settings count from now on.
func (f *Fake) adopt(s Settings) error {
	f.settings.KeepCalls = s.KeepCalls
	all := f.sent
	f.sent = nil
	for _, p := range all {
		f.sent = remember(f.sent, s.KeepCalls, p)
	}
	for i, c := range s.LoginClients {
		f.settings.LoginClients[i].RedirectURLs = slices.Clone(c.RedirectURLs)
	}
	if s.Quota == 0 || s.Quota == f.settings.Quota {
		return nil
	}
	_, err := f.play(Act{Do: "SetQuota", Quota: s.Quota})
	return err
}

func fieldsOf(s Settings) map[string]json.RawMessage {
	text, err := json.Marshal(s)
	if err != nil {
		panic("amazonpaytest: journal: " + err.Error())
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(text, &fields) // it was made a moment ago
	return fields
}

// replay does everything again. Nothing is delivered, nothing is written, and
// the clock stands where the entries put it.
func (f *Fake) replay(lines []line) error {
	running := !f.settings.Manual
	f.settings.Manual, f.replaying = true, true
	markNow, markWall := lines[0].At, lines[0].Wall
	for _, l := range lines[1:] {
		if err := f.again(l.entry); err != nil {
			return fmt.Errorf("amazonpaytest: journal: line %d: %w", l.number, err)
		}
		if !l.Wall.IsZero() {
			markNow, markWall = l.At, l.Wall
		}
	}
	f.settings.Manual, f.replaying = !running, false
	f.wall = markWall.Add(f.now.Sub(markNow))
	return nil
}

// again does what an entry says. A line that is no journal's must not end the
// program.
func (f *Fake) again(e entry) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot be done again: %v", r)
		}
	}()
	if e.Clock || e.At.After(f.now) {
		f.advance(e.At, false)
	}
	switch {
	case e.Action != "":
		return f.requestAgain(e)
	case e.Act != nil:
		d, known := deedsByName[e.Act.Do]
		if !known || d.do == nil {
			return fmt.Errorf("no act %q", e.Act.Do)
		}
		_, err := f.enact(d, *e.Act)
		return err
	case e.Strike != nil:
		f.strike(*e.Strike)
	case e.Redeem != nil:
		p := f.passes[e.Redeem.Pass]
		if p == nil {
			return errors.New("a code or token that was not issued")
		}
		f.redeem(p, *e.Redeem)
	case e.Signed:
		f.messages++
	case e.Receiver != nil:
		f.register(&receiver{url: *e.Receiver})
	case e.Endpoints:
		f.registerEndpoints(nil)
	case e.Parcel != nil:
		return f.deliveredAgain(*e.Parcel)
	case !e.Clock:
		return errors.New("an entry of no kind")
	}
	return nil
}

func (f *Fake) requestAgain(e entry) error {
	s := f.sellers[e.SellerID]
	if _, known := operations[e.Action]; !known || s == nil {
		return fmt.Errorf("no operation %q, or no seller %q", e.Action, e.SellerID)
	}
	f.requests = e.Request
	_, refused := f.dispatch(&request{action: e.Action, form: e.Params, seller: s, environment: e.Environment})
	if refused != nil {
		f.changes = nil
		return nil
	}
	f.publish()
	return nil
}

func (f *Fake) deliveredAgain(s parcelState) error {
	p := f.parcel(s.Number)
	if p == nil {
		return fmt.Errorf("no notification %d", s.Number)
	}
	f.outbox.remove(func(other *parcel) bool { return other == p })
	p.Attempts, p.Status, p.Err, p.first, p.duplicates, p.Due = s.Attempts, s.Status, nil, s.First, s.Duplicates, time.Time{}
	if s.Error != "" {
		p.Err = errors.New(s.Error)
	}
	if !s.Due.IsZero() {
		f.enqueue(p, s.Due)
	}
	return nil
}

// keep writes an entry, before anybody is told of what it says.
func (f *Fake) keep(e entry) {
	j := f.journal
	if j == nil || f.replaying || j.err != nil {
		return
	}
	e.At = f.now
	if e.Clock && !f.settings.Manual {
		e.Wall = f.wall.Round(0)
	}
	text, err := json.Marshal(e)
	if err == nil {
		_, err = j.to.Write(append(append(j.lead, text...), '\n'))
		j.lead = nil
	}
	if err != nil {
		j.err = fmt.Errorf("amazonpaytest: journal: %w", err)
	}
}

// keepRequest writes a request, if it has changed anything: queries,
// repetitions and most of what was refused have not.
func (f *Fake) keepRequest(r *request, refused bool, serial int, fault FaultKind) {
	if f.journal == nil {
		return
	}
	if idle := refused || r.replay || r.query(); idle && f.serial == serial {
		return
	}
	params := make(map[string]string, len(r.form))
	for name, value := range r.form {
		if !slices.Contains(perAttempt, name) {
			params[name] = value
		}
	}
	f.keep(entry{Action: r.action, SellerID: r.seller.id, Environment: r.environment, Params: params, Request: f.requests, Fault: fault})
}

func (f *Fake) keepParcel(p *parcel) {
	s := parcelState{Number: p.number, Attempts: p.Attempts, Status: p.Status, First: p.first, Due: p.Due, Duplicates: p.duplicates}
	if p.Err != nil {
		s.Error = p.Err.Error()
	}
	f.keep(entry{Parcel: &s})
}

// JournalError is why the journal could not be written; nil if all is well.
// After the first error nothing more is written, and nobody is told of what
// would be forgotten: requests that may change something, the one with which it
// began among them, are answered 500 InternalServerError, [Fake.Act] returns the
// error, and methods that have no error to return panic. Queries are answered.
func (f *Fake) JournalError() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.journal.failure()
}

// failure is the first error; nil also where there is no journal.
func (j *journal) failure() error {
	if j == nil {
		return nil
	}
	return j.err
}

// unkept refuses a request that may change what can no longer be written.
func (f *Fake) unkept(r *request) *refusal {
	if f.journal.failure() == nil || r.query() {
		return nil
	}
	return refuse("InternalServerError", "There was an unknown error in the service.")
}

// query tells a request that only asks.
func (r *request) query() bool {
	return strings.HasPrefix(r.action, "Get") || strings.HasPrefix(r.action, "List")
}

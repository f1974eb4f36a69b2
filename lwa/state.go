package lwa

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay/internal/fault"
	"github.com/amazonpay-go/amazonpay/internal/secret"
)

// StateLife is how long a buyer may take on the consent page, where there may
// be a password to find or an account to make.
const StateLife = 15 * time.Minute

// State ties what comes back from the consent page to the browser that was sent
// there, so that nobody can sign a buyer in to somebody else's account. It
// needs no storage: the value is signed, the cookie stays in the browser, and
// the verifier is made of both and your key. Logging one shows nothing of it.
type State struct {
	Value    string    // goes to the consent page and comes back
	Cookie   string    // value of the browser's cookie; see SetCookie
	Verifier SecretKey // for PKCE; never leaves the server but in the exchange
}

// LogValue hides the state from slog.
func (State) LogValue() slog.Value { return slog.StringValue(secret.Redacted) }

const (
	minKey    = 32                      // bytes
	noncePart = 8 + 16                  // end of life in Unix seconds, random bytes
	valueSize = noncePart + sha256.Size // and the signature
)

// Strict, so that every value has one spelling.
var encoding = base64.RawURLEncoding.Strict()

// IssueState makes the state of a sign-in that begins now. The key is yours: at
// least 32 random bytes, the same on all machines. The cookie is the one that
// the browser has from an earlier or a parallel sign-in, by [StateCookie];
// empty or unusable, a new one is made. A state belongs to the key and the browser,
// not to a client id or a RedirectURL: two shops want two keys. The error is an
// [*InvalidError].
func IssueState(key SecretKey, cookie string, now time.Time) (State, error) {
	if err := keyProblem("IssueState", key); err != nil {
		return State{}, err
	}
	if raw, err := encoding.DecodeString(cookie); err != nil || len(raw) != sha256.Size || len(cookie) != 43 {
		var fresh [sha256.Size]byte
		_, _ = rand.Read(fresh[:]) // never fails
		cookie = encoding.EncodeToString(fresh[:])
	}
	value := binary.BigEndian.AppendUint64(make([]byte, 0, valueSize), uint64(now.Add(StateLife).Unix()))
	value = value[:noncePart]
	_, _ = rand.Read(value[8:])
	value = append(value, sign(key, "state", value, cookie)...)
	return state(key, value, cookie), nil
}

// CheckState checks the state that came back ([Grant].State) against the cookie
// of the browser that brought it ([StateCookie]). It fails with [ErrStateInvalid]
// if the state is not ours or of another browser, and with [ErrStateExpired]
// after [StateLife]; then let the buyer begin again. A state can be checked
// more than once; it is the code that works once.
func CheckState(key SecretKey, value, cookie string, now time.Time) (State, error) {
	const op = "CheckState"
	if err := keyProblem(op, key); err != nil {
		return State{}, err
	}
	fail := func(code ErrorCode, problem string) (State, error) {
		return State{}, &Error{Op: op, Code: code, problem: problem}
	}
	raw, err := encoding.DecodeString(value)
	switch {
	case value == "":
		return fail(ErrStateInvalid, "no state came back")
	case cookie == "":
		return fail(ErrStateInvalid, "the browser has no cookie of a sign-in")
	case err != nil, len(raw) != valueSize, len(value) != encoding.EncodedLen(valueSize),
		!hmac.Equal(raw[noncePart:], sign(key, "state", raw[:noncePart], cookie)): // constant time
		return fail(ErrStateInvalid, "the state is not one of this browser")
	case now.Unix() >= int64(binary.BigEndian.Uint64(raw)):
		return fail(ErrStateExpired, "the sign-in took too long")
	}
	return state(key, raw, cookie), nil
}

func state(key SecretKey, value []byte, cookie string) State {
	verifier := encoding.EncodeToString(sign(key, "verifier", value, cookie))
	return State{encoding.EncodeToString(value), cookie, secret.New(verifier)}
}

// sign is unambiguous: neither purpose begins with the other, and for each the
// data has one length.
func sign(key SecretKey, purpose string, data []byte, cookie string) []byte {
	h := hmac.New(sha256.New, []byte(secret.Text(key)))
	h.Write([]byte("amazonpay lwa " + purpose))
	h.Write(data)
	h.Write([]byte(cookie))
	return h.Sum(nil)
}

func keyProblem(subject string, key SecretKey) error {
	if len(secret.Text(key)) < minKey {
		return fault.List{{Field: "key", Problem: "has less than 32 bytes"}}.Of("lwa", subject)
	}
	return nil
}

// SetCookie gives the browser its cookie, for a return to redirectURL. It is
// out of the reach of scripts and of other hosts of the domain, and Lax: the
// way back from Amazon is a navigation, which Strict would not let through.
func SetCookie(w http.ResponseWriter, s State, redirectURL string) {
	name, secure := cookieName(redirectURL)
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: s.Cookie, Path: "/", MaxAge: int(StateLife / time.Second),
		Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// StateCookie reads the cookie that [SetCookie] set; empty if there is none.
func StateCookie(r *http.Request, redirectURL string) string {
	name, _ := cookieName(redirectURL)
	cookies := r.CookiesNamed(name)
	if len(cookies) != 1 { // two: somebody else has set one
		return ""
	}
	return cookies[0].Value
}

// cookieName depends on the scheme: the prefix makes the browser refuse a
// cookie that another host of the domain or plain http has set, and cannot be
// had with plain http.
func cookieName(redirectURL string) (name string, secure bool) {
	if strings.HasPrefix(strings.ToLower(redirectURL), "http:") {
		return "amazonpay-lwa", false
	}
	return "__Host-amazonpay-lwa", true
}

// Package sns verifies what Amazon SNS posts to a web server: the envelope,
// the string to sign, the rule for the certificate's URL, the certificate and
// its download. Nothing inside the message is read here; whoever does so does
// it after [Certificates.Verify].
package sns

import (
	"crypto"
	"crypto/fips140"
	"crypto/rsa"
	"crypto/sha1" // signature version 1 is what Amazon sends
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"time"
)

// Reason is the class of an [Error].
type Reason string

// The reasons.
const (
	BadEnvelope       Reason = "envelope"        // not an SNS message
	BadType           Reason = "type"            // not one of SNS's three types
	BadVersion        Reason = "version"         // not a signature version that is taken
	BadTopic          Reason = "topic"           // not the name of a topic
	BadCertificateURL Reason = "certificate URL" // not the address of an SNS certificate of the topic's region
	NoCertificate     Reason = "no certificate"  // it could not be had; another time it may
	BadCertificate    Reason = "certificate"     // not an SNS signing certificate valid at the message's time
	BadSignature      Reason = "signature"       // the certificate's key did not sign this
	BadSubscribeURL   Reason = "subscribe URL"   // not the confirmation of this message's topic
	NoConfirmation    Reason = "no confirmation" // the subscription could not be confirmed; another time it may
	NoHash            Reason = "no hash"         // the program may not compute SHA-1
)

// Error is why a message does not verify. Its text never quotes the message.
type Error struct {
	Reason Reason
	Detail string
	Err    error // beneath it, or nil
}

// Error is the detail, and what lies beneath.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Detail + ": " + e.Err.Error()
	}
	return e.Detail
}

// Unwrap is what lies beneath.
func (e *Error) Unwrap() error { return e.Err }

// The types of messages.
const (
	TypeNotification             = "Notification"
	TypeSubscriptionConfirmation = "SubscriptionConfirmation"
	TypeUnsubscribeConfirmation  = "UnsubscribeConfirmation"
)

// Message is an SNS envelope. It is worth nothing before [Certificates.Verify].
type Message struct {
	Type             string
	MessageID        string
	TopicARN         string
	Topic            Topic   // TopicARN in parts
	Subject          *string // optional, of notifications
	Message          string
	Timestamp        string
	Time             time.Time // Timestamp
	Token            string    // of confirmations
	SubscribeURL     string    // of confirmations
	SignatureVersion string
	Signature        string // base64
	SigningCertURL   string
}

// Parse reads an envelope, and nothing inside the message. What it does not
// know is not signed, and not looked at.
func Parse(body []byte) (*Message, error) {
	var room [16]Member
	members, err := Members(room[:0], string(body))
	if err != nil {
		return nil, &Error{BadEnvelope, "the body is no SNS message", err}
	}
	m, subject := new(Message), ""
	fields := [...]struct {
		name  string
		value *string
	}{
		{"Type", &m.Type}, {"MessageId", &m.MessageID}, {"TopicArn", &m.TopicARN}, {"Message", &m.Message},
		{"Timestamp", &m.Timestamp}, {"SignatureVersion", &m.SignatureVersion}, {"Signature", &m.Signature},
		{"SigningCertURL", &m.SigningCertURL}, {"Token", &m.Token}, {"SubscribeURL", &m.SubscribeURL}, {"Subject", &subject},
	}
	for _, member := range members {
		for _, f := range fields {
			switch {
			case f.name != member.Name || f.value == &subject && !member.String && member.Text == "null":
			case !member.String:
				return nil, &Error{BadEnvelope, f.name + " is not a text", nil}
			default:
				if *f.value = member.Text; f.value == &subject {
					m.Subject = &subject
				}
			}
		}
	}
	for _, f := range fields[:8] {
		if *f.value == "" {
			return nil, &Error{BadEnvelope, f.name + " is missing", nil}
		}
	}
	return m, m.check()
}

// check looks at the form of what is there.
func (m *Message) check() (err error) {
	switch m.Type {
	case TypeNotification:
	case TypeSubscriptionConfirmation, TypeUnsubscribeConfirmation:
		if m.Token == "" || m.SubscribeURL == "" {
			return &Error{BadEnvelope, "Token or SubscribeURL is missing", nil}
		}
	default:
		return &Error{BadType, "the Type is none of SNS's", nil}
	}
	if m.SignatureVersion != "1" && m.SignatureVersion != "2" {
		return &Error{BadVersion, "the SignatureVersion is neither 1 nor 2", nil}
	}
	// The string to sign joins names and values with newlines, so that a value
	// with newlines could pass for several. Within the message that is harmless
	// as long as what comes after it, and tells whose it is, has none.
	if len(m.MessageID) > 64 || !only(m.MessageID, alphanumeric+"-") {
		return &Error{BadEnvelope, "the MessageId has the wrong form", nil}
	}
	if m.Time, err = time.Parse("2006-01-02T15:04:05Z", m.Timestamp); err != nil {
		return &Error{BadEnvelope, "the Timestamp has the wrong form", nil}
	}
	var ok bool
	if m.Topic, ok = ParseTopic(m.TopicARN); !ok {
		return &Error{BadTopic, "the TopicArn has the wrong form", nil}
	}
	return nil
}

// AppendStringToSign appends what the signature is of. Which names belong to it
// depends on the type, not on what is present: an unsigned name changes nothing.
func (m *Message) AppendStringToSign(text []byte) []byte {
	fields := [...][2]string{{"Message", m.Message}, {"MessageId", m.MessageID}, {}, {"Timestamp", m.Timestamp}, {}, {"TopicArn", m.TopicARN}, {"Type", m.Type}}
	switch {
	case m.Type != TypeNotification:
		fields[2], fields[4] = [2]string{"SubscribeURL", m.SubscribeURL}, [2]string{"Token", m.Token}
	case m.Subject != nil:
		fields[2] = [2]string{"Subject", *m.Subject}
	}
	for _, f := range fields {
		if f[0] != "" {
			text = append(append(append(append(text, f[0]...), '\n'), f[1]...), '\n')
		}
	}
	return text
}

var errNewline = errors.New("it has a line break")

// signature decodes the signature.
func (m *Message) signature() ([]byte, error) {
	sig, err := base64.StdEncoding.Strict().DecodeString(m.Signature)
	if strings.ContainsAny(m.Signature, "\r\n") { // which even Strict passes over
		err = errNewline
	}
	if err != nil {
		return nil, &Error{BadSignature, "the Signature is not base64", err}
	}
	return sig, nil
}

// signedBy checks the signature.
func (m *Message) signedBy(key *rsa.PublicKey, sig []byte) (err error) {
	var room [4 << 10]byte // most messages fit, and need no memory
	if text := m.AppendStringToSign(room[:0]); m.SignatureVersion == "1" {
		digest := sha1.Sum(text)
		err = rsa.VerifyPKCS1v15(key, crypto.SHA1, digest[:], sig)
	} else {
		digest := sha256.Sum256(text)
		err = rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], sig)
	}
	if err != nil {
		return &Error{BadSignature, "the certificate's key did not sign this", err}
	}
	return nil
}

// hashable reports an error if the message's hash must not be computed: under
// GODEBUG=fips140=only, sha1 panics.
func (m *Message) hashable(sha256Only bool) error {
	switch {
	case m.SignatureVersion != "1":
		return nil
	case sha256Only:
		return &Error{BadVersion, "the SignatureVersion is 1 (SHA-1), which the configuration refuses", nil}
	case fips140.Enforced():
		return &Error{NoHash, "the SignatureVersion is 1 (SHA-1), which fips140=only forbids", nil}
	}
	return nil
}

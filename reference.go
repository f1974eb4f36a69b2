package amazonpay

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/google/uuid"
)

// ReferenceID is your own id of one authorization, capture, refund or credit
// reversal, and what makes a repeat safe: Amazon answers the same id with the
// first result and moves no money again. Derive it from what is being paid
// ("subscription 42, November 2026, first try") with [NewReferenceID], store it
// before the call, and use a new one only after a final decline.
//
// At most 32 characters of A-Z a-z 0-9 - _. Authorizations, captures and
// refunds of a seller share one set of ids: never use one id for two of them.
type ReferenceID string

// The namespaces of the ids. A changed one would change every id, and with it
// charge what has been charged already: they are fixed for ever.
var (
	intents = uuid.MustParse("5a6cc1f2-6f0b-5d3e-9b1a-7d9a3c0e4f21")
	steps   = uuid.MustParse("c2b8d7e4-93a1-5c60-8f2d-1e5b7a9c3d46")
)

// NewReferenceID makes the id of an intent to pay, out of what identifies it:
// the shop, and then for example the subscription, the period and the try. The
// same words always make the same id, in every process and version; other
// words, or the same ones divided otherwise, make another. It is 32 characters
// long and says nothing of the words: keep them with it.
//
// The shop keeps apart shops that share a seller account. Name the try, too: a
// charge that was declined for good is tried again with the id of the next one
// (see [Dunning]), and repeated with its own in all other cases.
//
//	id := amazonpay.NewReferenceID("tea.example", "subscription 42", "2026-11", "try 1")
func NewReferenceID(shop string, parts ...string) ReferenceID {
	return hashed(intents, append([]string{shop}, parts...))
}

// Derive makes the id of a further step of the same intent: id.Derive("capture"),
// id.Derive("refund", "1"). It is never that of an intent, nor that of another
// step. Charge makes those that it needs by itself.
func (id ReferenceID) Derive(step ...string) ReferenceID {
	return hashed(steps, append([]string{string(id)}, step...))
}

// hashed is the UUID (version 5) of some words, each behind its length.
func hashed(namespace uuid.UUID, words []string) ReferenceID {
	var text []byte
	for _, w := range words {
		text = binary.AppendUvarint(text, uint64(len(w)))
		text = append(text, w...)
	}
	id := uuid.NewSHA1(namespace, text)
	return ReferenceID(hex.EncodeToString(id[:]))
}

package amazonpay

// ReferenceID is your own id of one authorization, capture, refund or credit
// reversal, and what makes a repeat safe: Amazon answers the same id with the
// first result and moves no money again. Derive it from what is being paid
// ("subscription 42, November 2026, first try"), store it before the call, and
// use a new one only after a final decline.
//
// At most 32 characters of A-Z a-z 0-9 - _. Authorizations, captures and
// refunds of a seller share one set of ids: never use one id for two of them.
type ReferenceID string

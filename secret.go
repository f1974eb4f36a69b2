package amazonpay

import "github.com/amazonpay-go/amazonpay/internal/secret"

// SecretKey holds a secret so that it cannot be printed by accident: no verb
// of fmt, no JSON, no log handler and no debugger's dump shows it, not even as
// an unexported field of somebody else's struct, which fmt prints without
// asking the type. It is empty as it stands; [NewSecretKey] fills it. It can be
// read from text, and refuses the text that it writes.
type SecretKey = secret.Key

const redacted = secret.Redacted

// NewSecretKey wraps a secret.
func NewSecretKey(text string) SecretKey { return secret.New(text) }

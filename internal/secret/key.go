// Package secret holds what must not be printed: a type for keys, shared by
// the packages that take one, and a scrubber for text that others wrote.
package secret

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Key holds a secret so that it cannot be printed by accident: no verb of fmt,
// no JSON, no log handler and no debugger's dump shows it, not even as an
// unexported field of somebody else's struct, which fmt prints without asking
// the type. It is empty as it stands; [New] fills it.
type Key struct {
	// A closure and not a string or a pointer: fmt prints the fields of an
	// unexported field by reflection, and dumpers follow pointers; nothing
	// looks inside a function.
	reveal func() string
}

// Redacted stands where a secret was.
const Redacted = "[redacted]"

// New wraps a secret.
func New(secret string) Key {
	if secret == "" {
		return Key{}
	}
	return Key{func() string { return secret }}
}

// Text is the secret itself. It is a function and no method, so that users of
// the public aliases cannot call it.
func Text(k Key) string {
	if k.reveal == nil {
		return ""
	}
	return k.reveal()
}

// IsZero reports whether there is no secret inside.
func (k Key) IsZero() bool { return k.reveal == nil }

// Equal reports whether both hold the same secret.
func (k Key) Equal(other Key) bool { return Text(k) == Text(other) }

// String hides the secret; it is empty if there is none.
func (k Key) String() string {
	if k.IsZero() {
		return ""
	}
	return Redacted
}

// Format hides the secret from every verb of fmt.
func (k Key) Format(f fmt.State, verb rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue hides the secret from slog.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText hides the secret from encoders such as encoding/json.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a secret, for example from a configuration file. It
// refuses the text that MarshalText writes: a file saved by mistake must not
// become a key.
func (k *Key) UnmarshalText(text []byte) error {
	if string(text) == Redacted {
		return errors.New("amazonpay: the secret key was redacted when it was written and cannot be read back")
	}
	*k = New(string(text))
	return nil
}

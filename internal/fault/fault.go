// Package fault says what is wrong with a config, a request or an argument: all
// of it at once, by the names of the Go fields, and never a value, which may be
// a secret in the wrong field.
package fault

import (
	"cmp"
	"fmt"
	"strings"
)

// Fault is one thing that is wrong.
type Fault struct {
	Field   string // the Go field, with its path, or the argument: "ProviderCreditList[1].ProviderID"
	Problem string // what is wrong, never the value: "is required"
}

// InvalidError lists everything that is wrong with its subject. Nothing was
// sent.
type InvalidError struct {
	Subject string  // "Config", the operation or the function
	Faults  []Fault // at least one, never with a value

	from string // the package
}

// Error lists the faults: "amazonpay: Capture: CaptureAmount is required".
func (e *InvalidError) Error() string {
	texts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		texts[i] = f.Field + " " + f.Problem
	}
	return cmp.Or(e.from, "amazonpay") + ": " + e.Subject + ": " + strings.Join(texts, "; ")
}

// List collects what is wrong.
type List []Fault

// Add notes a problem, if there is one.
func (l *List) Add(field, problem string) {
	if problem != "" {
		*l = append(*l, Fault{field, problem})
	}
}

// AddError notes a problem that comes as an error, if there is one.
func (l *List) AddError(field string, problem error) {
	if problem != nil {
		l.Add(field, problem.Error())
	}
}

// Of is the package's *InvalidError about the subject, or nil if nothing is
// wrong.
func (l List) Of(from, subject string) error {
	if len(l) == 0 {
		return nil
	}
	return &InvalidError{subject, l, from}
}

// Word says what is wrong with a value that travels as one word. A most of 0 is
// no limit.
func Word(s string, most int) string {
	switch {
	case s == "":
		return "is required"
	case most > 0 && len(s) > most:
		return fmt.Sprintf("is longer than %d bytes", most)
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "has a space or a character outside printable ASCII"
	}
	return ""
}

// Optional is [Word] for a value that may be missing.
func Optional(s string, most int) string {
	if s == "" {
		return ""
	}
	return Word(s, most)
}

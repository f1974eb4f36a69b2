package wire

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Fault is something wrong with a request. It never quotes the value.
type Fault struct {
	Field   string // in Go: ProviderCreditList[1].ProviderID
	Problem string // reads on from the field: "is required"
}

// Check returns everything that is wrong with req, a pointer to a struct or nil, in the order of
// its fields: by the rules of the pay tags, and text that is not valid UTF-8 or has control
// characters. These are the rules:
//
//	required   not zero. Inside a struct that is zero itself and not required, nothing is
//	max=N      at most N characters; on a list of strings, each
//	ref        what Amazon accepts as a reference id: at most 32 of A-Z a-z 0-9 - _
//
// each, unless nil, is asked about every value of a [Register]-ed type that is not zero; an answer
// other than "" is a fault.
func Check(req any, each func(field string, value any) (problem string)) []Fault {
	n, v := target(req)
	c := checker{each: each}
	c.fields(n, v, "")
	return c.faults
}

type checker struct {
	faults []Fault
	each   func(field string, value any) string
}

func (c *checker) fields(n *node, v reflect.Value, prefix string) {
	for _, f := range n.fields {
		c.value(f, v.FieldByIndex(f.index), prefix)
	}
}

// value checks v, the value of n.
func (c *checker) value(n *node, v reflect.Value, prefix string) {
	switch {
	case n.group:
		c.fields(n, v, prefix)
		return
	case n.zero(v):
		if n.required {
			c.missing(n, prefix, "is required")
		}
		return
	}
	v, _ = n.elemOf(v)
	switch n.kind {
	case kindStruct:
		c.fields(n, v, prefix)
	case kindList:
		for i := range v.Len() {
			c.element(n.elem, v.Index(i), prefix+n.path+"["+strconv.Itoa(i)+"]")
		}
	case kindCodec:
		c.composite(n, v, prefix+n.path)
	case kindString:
		c.text(n, v.String(), prefix)
	}
}

// element checks an element of a list, which has to say something.
func (c *checker) element(n *node, v reflect.Value, prefix string) {
	if n.zero(v) {
		c.missing(n, prefix, "is empty")
		return
	}
	c.value(n, v, prefix)
}

// missing reports a zero value. If it is a struct that demands fields, these are what is reported.
func (c *checker) missing(n *node, prefix, problem string) {
	before := len(c.faults)
	if n.kind == kindStruct {
		c.fields(n, reflect.New(n.typ).Elem(), prefix)
	}
	if len(c.faults) == before {
		c.fault(prefix+n.path, problem)
	}
}

func (c *checker) composite(n *node, v reflect.Value, field string) {
	if c.each == nil {
		return
	}
	if problem := c.each(field, n.codec.load(v.Addr().Interface())); problem != "" {
		c.fault(field, problem)
	}
}

func (c *checker) fault(field, problem string) {
	c.faults = append(c.faults, Fault{field, problem})
}

func (c *checker) text(n *node, s, prefix string) {
	if n.max > 0 && len(s) > n.max {
		if count := utf8.RuneCountInString(s); count > n.max {
			c.fault(prefix+n.path, fmt.Sprintf("is longer than %d characters (%d)", n.max, count))
		}
	}
	switch {
	case !utf8.ValidString(s):
		c.fault(prefix+n.path, "is not valid UTF-8")
	case n.ref && strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }):
		c.fault(prefix+n.path, "has a character outside A-Z a-z 0-9 - _")
	case !printable(s) && strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' }):
		c.fault(prefix+n.path, "has a control character")
	}
}

// printable reports whether s is printable ASCII, as nearly all text is, and so needs no closer look.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

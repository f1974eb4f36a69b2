package wire

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// A Codec teaches wire a composite leaf: a type that is several child elements on the wire but
// whose Go fields are private. The slices of values are parallel to Names and only lent: the
// strings in them may be kept, the slices not.
type Codec[T any] struct {
	Names  []string                          // of the child elements, sorted
	IsZero func(v *T) bool                   // a zero value is not sent
	Encode func(v *T, values []string)       // sets values, which come empty; what stays empty is not sent
	Decode func(v *T, values []string) error // values are trimmed, "" for a missing child, not all ""; v comes zero
}

type codec struct {
	names  []string
	kind   string // for Problem
	isZero func(p any) bool
	encode func(p any, values []string)
	decode func(p any, values []string) error
	load   func(p any) any
}

// Register makes T a leaf. It is meant for the initialisation of package variables, before wire
// sees any type that contains a T; a second codec for the same type panics.
func Register[T any](c Codec[T]) {
	if len(c.Names) == 0 || !slices.IsSorted(c.Names) {
		panic("wire: the names of a codec must be sorted")
	}
	t := reflect.TypeFor[T]()
	// A pointer in an interface is not boxed, so these closures do not allocate.
	_, taken := codecs.LoadOrStore(t, &codec{
		names:  slices.Clone(c.Names),
		kind:   strings.ToLower(t.Name()),
		isZero: func(p any) bool { return c.IsZero(p.(*T)) },
		encode: func(p any, values []string) { c.Encode(p.(*T), values) },
		decode: func(p any, values []string) error { return c.Decode(p.(*T), values) },
		load:   func(p any) any { return *p.(*T) },
	})
	if taken {
		panic("wire: two codecs for " + t.String())
	}
}

// scratch lends the slices that codecs write to.
var scratch = sync.Pool{New: func() any { return new([]string) }}

// lend calls f with n empty values.
func lend(n int, f func(values []string)) {
	p := scratch.Get().(*[]string)
	*p = slices.Grow((*p)[:0], n)[:n]
	f(*p)
	clear(*p)
	scratch.Put(p)
}

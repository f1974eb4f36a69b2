// Package wire turns request structs into query parameters and XML answers into result structs.
// One struct tag drives both directions:
//
//	no tag              the Go field name is the name on the wire
//	xml:"Name"          another name
//	xml:"Name|Other"    aliases: the first is sent, all are read
//	xml:"A>B"           on a slice: A.B.1, A.B.2 in a query, <A><B/><B/></A> in a document;
//	                    on anything else: A.B and <A><B/></A>
//	xml:"-"             not on the wire
//
// A slice without ">" is sent as Name.1, Name.2 and collects repeated elements. A struct, or a
// pointer to one, nests. An embedded struct without a tag counts as part of its parent. Leaves are
// strings, booleans, integers, [time.Time], pointers to these, and types taught with [Register].
// The zero value of a leaf is not sent; a pointer to a boolean or integer is, unless it is nil.
//
// A second tag is for [Check]: pay:"required,max=255,ref".
//
// What a tag means is worked out once per type. A type that wire cannot carry is a mistake in the
// program and panics then.
package wire

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

type kind uint8

const (
	kindString kind = iota
	kindBool
	kindInt
	kindTime
	kindCodec
	kindStruct
	kindList
)

func (k kind) leaf() bool { return k <= kindCodec }

// A node is what is known about one field: how to reach it and what it is called in Go, in a query
// and in a document. A plan is the tree of nodes of one type. The nodes of a list element, elem,
// have names that start where the list's end, with an index between them.
type node struct {
	kind  kind
	typ   reflect.Type // without the pointer
	ptr   bool         // the field is a pointer to typ
	index []int        // from the enclosing struct; none for a group
	path  string       // in Go: Attributes.SellerNote
	query string       // in a query: OrderReferenceAttributes.SellerNote

	group  bool             // an element that tags of the form A>B share, without a Go field
	fields []*node          // of a struct, in field order
	sorted []*node          // the same in the order of their names
	child  map[string]*node // the same by each of their names

	inner []string // names of the elements inside a list; none: the list is repeated itself
	elem  *node    // of a list

	codec *codec
	parts []string // names of the codec's values in a query

	required, ref bool
	max           int
}

var (
	plans    sync.Map // reflect.Type -> *node
	codecs   sync.Map // reflect.Type -> *codec
	timeType = reflect.TypeFor[time.Time]()
)

// planOf returns the plan of t, a struct.
func planOf(t reflect.Type) *node {
	if n, ok := plans.Load(t); ok {
		return n.(*node)
	}
	if t.Kind() != reflect.Struct {
		panic("wire: " + t.String() + " is not a struct")
	}
	n := &node{kind: kindStruct, typ: t}
	n.addFields(t, nil, "", "", nil)
	got, _ := plans.LoadOrStore(t, n)
	return got.(*node)
}

// target unpacks v, a pointer to a struct, and finds its plan. For nil it is a plan without fields.
func target(v any) (*node, reflect.Value) {
	if v == nil {
		v = new(struct{})
	}
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		panic(fmt.Sprintf("wire: %T is not a pointer to a struct", v))
	}
	return planOf(p.Type().Elem()), p.Elem()
}

// addFields adds the fields of t, which lies at index in n's type. path and query are what the
// fields' names start with; open are the types that t is part of.
func (n *node) addFields(t reflect.Type, index []int, path, query string, open []reflect.Type) {
	if slices.Contains(open, t) {
		panic("wire: " + t.String() + " contains itself")
	}
	open = append(slices.Clip(open), t)
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("xml")
		at := append(slices.Clip(index), i)
		switch {
		case tag == "-":
		case f.Anonymous && !tagged && plainStruct(f.Type):
			n.addFields(f.Type, at, path, query, open)
		case f.IsExported():
			n.addField(f, at, path, query, open)
		}
	}
}

func plainStruct(t reflect.Type) bool {
	_, composite := codecs.Load(t)
	return t.Kind() == reflect.Struct && t != timeType && !composite
}

func (n *node) addField(f reflect.StructField, index []int, path, query string, open []reflect.Type) {
	where := open[len(open)-1].String() + "." + f.Name
	steps := parseTag(f, where)
	c := &node{index: index, path: path + f.Name}
	c.setType(f.Type, where)
	last := len(steps) - 1
	if c.kind == kindList && last > 0 {
		c.inner = steps[last]
		last--
	}
	for _, step := range steps[:last] {
		n = n.addGroup(step, query, where)
		query = n.query + "."
	}
	c.query = query + steps[last][0]
	n.add(c, steps[last], where)

	rules := c
	switch c.kind {
	case kindList:
		if c.inner != nil {
			c.query += "." + c.inner[0]
		}
		c.elem = &node{}
		c.elem.setType(f.Type.Elem(), where)
		switch c.elem.kind {
		case kindList:
			panic("wire: " + where + " is a list of lists")
		case kindStruct:
			c.elem.addFields(c.elem.typ, nil, ".", ".", open)
		}
		rules = c.elem
		c.elem.setParts()
	case kindStruct:
		c.addFields(c.typ, nil, c.path+".", c.query+".", open)
	}
	c.setParts()
	c.parsePay(f.Tag.Get("pay"), rules, where)
}

// addGroup returns the child of n for an element that several tags may name.
func (n *node) addGroup(names []string, query, where string) *node {
	if g := n.child[names[0]]; g != nil && g.group {
		return g
	}
	g := &node{kind: kindStruct, group: true, query: query + names[0]}
	n.add(g, names, where)
	return g
}

func (n *node) add(c *node, names []string, where string) {
	if n.child == nil {
		n.child = make(map[string]*node)
	}
	for _, name := range names {
		if n.child[name] != nil {
			panic("wire: " + where + ": the name " + name + " is taken")
		}
		n.child[name] = c
	}
	n.fields = append(n.fields, c)
	at, _ := slices.BinarySearchFunc(n.sorted, c, func(a, b *node) int { return strings.Compare(a.query, b.query) })
	n.sorted = slices.Insert(n.sorted, at, c)
}

func (n *node) setType(t reflect.Type, where string) {
	if t.Kind() == reflect.Pointer {
		n.ptr, t = true, t.Elem()
	}
	n.typ = t
	c, composite := codecs.Load(t)
	switch k := t.Kind(); {
	case composite:
		n.kind, n.codec = kindCodec, c.(*codec)
	case t == timeType:
		n.kind = kindTime
	case k == reflect.String:
		n.kind = kindString
	case k == reflect.Bool:
		n.kind = kindBool
	case k >= reflect.Int && k <= reflect.Int64:
		n.kind = kindInt
	case k == reflect.Struct:
		n.kind = kindStruct
	case k == reflect.Slice && !n.ptr:
		n.kind = kindList
	default:
		panic("wire: " + where + ": cannot carry a " + t.String())
	}
}

func (n *node) setParts() {
	if n.codec != nil {
		for _, name := range n.codec.names {
			n.parts = append(n.parts, n.query+"."+name)
		}
	}
}

// parseTag returns the names of each step of the xml tag.
func parseTag(f reflect.StructField, where string) [][]string {
	tag := f.Tag.Get("xml")
	if tag == "" {
		tag = f.Name
	}
	var steps [][]string
	for step := range strings.SplitSeq(tag, ">") {
		names := strings.Split(step, "|")
		for _, name := range names {
			if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
				panic("wire: " + where + ": not a name: " + strconv.Quote(name))
			}
		}
		steps = append(steps, names)
	}
	return steps
}

// plain reports whether r may be in a name, and in a reference id.
func plain(r rune) bool { return r < 0x80 && unreserved[r] && r != '.' && r != '~' }

// parsePay reads the words of the pay tag. Those about text belong to rules: the elements, if n is a list.
func (n *node) parsePay(tag string, rules *node, where string) {
	if tag == "" {
		return
	}
	for word := range strings.SplitSeq(tag, ",") {
		key, arg, _ := strings.Cut(word, "=")
		switch limit, err := strconv.Atoi(arg); {
		case word == "required":
			n.required = true
			continue
		case word == "ref":
			rules.ref, rules.max = true, 32
		case key == "max" && err == nil && limit > 0:
			rules.max = limit
		default:
			panic("wire: " + where + ": unknown rule " + strconv.Quote(word))
		}
		if rules.kind != kindString {
			panic("wire: " + where + ": the rule " + word + " is for text")
		}
	}
}

// elemOf follows a pointer field. It reports false for nil.
func (n *node) elemOf(v reflect.Value) (reflect.Value, bool) {
	if !n.ptr {
		return v, true
	}
	return v.Elem(), !v.IsNil()
}

// zero reports whether v, the value of n, has nothing to send.
func (n *node) zero(v reflect.Value) bool {
	v, ok := n.elemOf(v)
	if !ok {
		return true
	}
	switch n.kind {
	case kindBool, kindInt:
		return !n.ptr && v.IsZero()
	case kindString, kindList:
		return v.Len() == 0
	case kindTime:
		return v.Addr().Interface().(*time.Time).IsZero()
	case kindCodec:
		return n.codec.isZero(v.Addr().Interface())
	}
	for _, f := range n.fields {
		if !f.zero(v.FieldByIndex(f.index)) {
			return false
		}
	}
	return true
}

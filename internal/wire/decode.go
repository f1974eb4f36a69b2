package wire

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A Document is what [Decode] learns besides the result.
type Document struct {
	Root      string    // local name of the root element
	RequestID string    // RequestId or RequestID, below the root or in its ResponseMetadata
	Found     bool      // the path was there
	Problems  []Problem // leaves that could not be read, in document order
}

// A Problem is a leaf that could not be read in an otherwise good document. It stays zero. The
// value is not told, as it may be personal.
type Problem struct {
	Path string // from the last element of the path on: AuthorizationDetails/CreationTimestamp
	Kind string // bool, int, time, or the type of a [Codec] in lower case
}

// pinned is the size up to which the strings of a result share one copy of the document. That is
// the fastest way to decode, and no harm as long as one string that is kept does not keep much else.
const pinned = 16 << 10

// Decode reads one document and fills result, a pointer to a struct or nil, from the element that
// path leads to, below the root; without a path, from the root itself.
//
// Names are local names, and what has no field is passed over: elements, attributes, text between
// elements. Elements may come in any order. If one comes again, a leaf takes the last value, a
// struct is filled further, a list grows. Text is trimmed. An empty element leaves a leaf zero and
// a pointer nil; that goes for every struct element without a child. In a list, empty and
// unreadable elements do not count.
//
// A list of structs A>B also reads an A without any B in which the fields of one or more elements
// follow each other, as Amazon's documentation has it for Constraints.
//
// A document is UTF-8 whatever it declares; what is not becomes U+FFFD. When the error, an [Error],
// is not nil, the Document still tells what was read up to there, the request id if possible, and
// result may be filled in part.
func Decode(data []byte, result any, path ...string) (Document, error) {
	n, v := target(result)
	d := &decoder{path: path}
	d.src, d.open = string(data), d.room[:0]
	if !utf8.ValidString(d.src) {
		d.src = strings.ToValidUTF8(d.src, "\uFFFD")
	}
	d.pos = len(d.src) - len(strings.TrimLeft(d.src, "\ufeff \t\r\n"))
	switch {
	case d.pos == len(d.src):
		return d.doc, ErrEmpty
	case d.src[d.pos] != '<':
		return d.doc, ErrNotXML
	}
	if d.child() == "" {
		d.fail(ErrNoRoot)
	} else {
		d.doc.Root = d.own(local(d.name))
		d.fields(n, v)
	}
	for d.err == nil && d.next() != tokenEOF {
		if len(d.open) > 0 {
			d.fail(ErrTwoRoots)
		}
	}
	return d.doc, d.err
}

type decoder struct {
	scanner
	doc    Document
	path   []string
	values []string   // lent to codecs
	buf    []byte     // for text in several pieces
	room   [12]string // for scanner.open
}

// child moves on to the next child of the current element and returns its local name; at the
// element's end, or after an error, "".
func (d *decoder) child() string {
	for {
		switch d.next() {
		case tokenStart:
			return local(d.name)
		case tokenEnd, tokenEOF:
			return ""
		}
	}
}

// fields fills the struct v from the children of the current element, or, as long as that lies on
// the path, from further down. It reports whether there are children.
func (d *decoder) fields(n *node, v reflect.Value) (filled bool) {
	depth := len(d.open)
	above := depth <= len(d.path)
	if depth == len(d.path)+1 {
		d.doc.Found = true
	}
	for name := d.child(); name != ""; name = d.child() {
		filled = true
		if above {
			if name == d.path[depth-1] {
				d.fields(n, v)
			} else {
				d.ignore()
			}
		} else if f := n.child[name]; f != nil {
			d.value(f, v.FieldByIndex(f.index))
		} else {
			d.ignore()
		}
	}
	return filled
}

// ignore passes over the current element. The request id is noted even so.
func (d *decoder) ignore() {
	if d.atRequestID() {
		d.leaf()
		return
	}
	for d.child() != "" {
		d.ignore()
	}
}

func (d *decoder) atRequestID() bool {
	switch local(d.name) {
	case "RequestId", "RequestID":
		return len(d.open) == 2 || len(d.open) == 3 && local(d.open[1]) == "ResponseMetadata"
	}
	return false
}

// value reads the current element into v and reports whether that made a difference.
func (d *decoder) value(n *node, v reflect.Value) (filled bool) {
	if n.kind.leaf() {
		v.SetZero() // the last one counts
	}
	if !n.ptr {
		return d.into(n, v)
	}
	p := v
	if p.IsNil() {
		p = reflect.New(n.typ)
	}
	if filled = d.into(n, p.Elem()); filled {
		v.Set(p)
	}
	return filled
}

// into is value for what is no pointer.
func (d *decoder) into(n *node, v reflect.Value) (filled bool) {
	switch n.kind {
	case kindStruct:
		return d.fields(n, v)
	case kindCodec:
		return d.composite(n, v)
	case kindList:
		if n.inner == nil {
			d.element(n.elem, v)
		} else {
			d.list(n, v)
		}
		return v.Len() > 0
	}
	text := d.leaf()
	return text != "" && d.set(n, v, text)
}

// set reads the text of a leaf.
func (d *decoder) set(n *node, v reflect.Value, s string) (ok bool) {
	what := "bool"
	switch n.kind {
	case kindString:
		v.SetString(s)
		return true
	case kindBool:
		v.SetBool(s == "1" || strings.EqualFold(s, "true"))
		ok = v.Bool() || s == "0" || strings.EqualFold(s, "false")
	case kindInt:
		i, err := strconv.ParseInt(s, 10, n.typ.Bits())
		if what, ok = "int", err == nil; ok {
			v.SetInt(i)
		}
	case kindTime:
		what = "time"
		*v.Addr().Interface().(*time.Time), ok = ParseTime(s)
	}
	if !ok {
		d.problem(what)
	}
	return ok
}

// composite reads the children of the current element for a codec.
func (d *decoder) composite(n *node, v reflect.Value) (filled bool) {
	d.values = append(d.values[:0], make([]string, len(n.codec.names))...)
	for name := d.child(); name != ""; name = d.child() {
		if i := slices.Index(n.codec.names, name); i >= 0 {
			d.values[i] = d.leaf()
			filled = filled || d.values[i] != ""
		} else {
			d.ignore()
		}
	}
	if filled && d.err == nil && n.codec.decode(v.Addr().Interface(), d.values) != nil {
		v.SetZero()
		d.problem(n.codec.kind)
		return false
	}
	return filled
}

// list reads the current element, which wraps the elements of the list v.
func (d *decoder) list(n *node, v reflect.Value) {
	var loose []*node // fields seen of the last element, if it has no XML element of its own
	for name := d.child(); name != ""; name = d.child() {
		f := n.elem.child[name]
		switch {
		case slices.Contains(n.inner, name):
			loose = nil
			d.element(n.elem, v)
		case f == nil:
			d.ignore()
		default:
			if loose == nil || slices.Contains(loose, f) {
				loose = nil
				if e := grow(v); n.elem.ptr {
					e.Set(reflect.New(n.elem.typ))
				}
			}
			loose = append(loose, f)
			e, _ := n.elem.elemOf(v.Index(v.Len() - 1))
			d.value(f, e.FieldByIndex(f.index))
		}
	}
}

// element reads the current element into a new element of the list v.
func (d *decoder) element(n *node, v reflect.Value) {
	if !d.value(n, grow(v)) {
		if v.SetLen(v.Len() - 1); v.Len() == 0 {
			v.SetZero()
		}
	}
}

// grow appends a zero element to the list v and returns it.
func grow(v reflect.Value) reflect.Value {
	i := v.Len()
	v.Grow(1)
	v.SetLen(i + 1)
	e := v.Index(i)
	e.SetZero()
	return e
}

// leaf returns the text of the current element, trimmed, without that of its children.
func (d *decoder) leaf() (text string) {
	depth, isID := len(d.open), d.atRequestID()
	d.buf = d.buf[:0]
	for {
		switch t := d.next(); {
		case t == tokenEOF:
			return ""
		case len(d.open) < depth:
			if len(d.buf) > 0 {
				text = string(d.buf)
			}
			text = d.own(strings.TrimSpace(text))
			if isID {
				d.doc.RequestID = text
			}
			return text
		case len(d.open) > depth || t == tokenEnd:
		case text == "":
			text = d.content(t)
		default:
			if len(d.buf) == 0 {
				d.buf = append(d.buf, text...)
			}
			d.buf = append(d.buf, d.content(t)...)
		}
	}
}

// own returns s in a form that does not keep the whole of a large document in memory.
func (d *decoder) own(s string) string {
	if len(d.src) > pinned {
		return strings.Clone(s)
	}
	return s
}

// problem notes that the element that has just ended could not be understood.
func (d *decoder) problem(kind string) {
	path := slices.Clone(d.open[max(1, len(d.path)) : len(d.open)+1])
	for i, name := range path {
		path[i] = local(name)
	}
	d.doc.Problems = append(d.doc.Problems, Problem{d.own(strings.Join(path, "/")), kind})
}

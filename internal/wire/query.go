package wire

import (
	"reflect"
	"strconv"
	"time"
)

// A Param is one parameter of a request. The value is not escaped yet; the name needs no escaping,
// which is checked once for those that come from tags.
type Param struct{ Name, Value string }

// AppendParams appends the parameters of req, a pointer to a struct or nil. Zero fields are left
// out, and elements of a list that have nothing to send do not count. Parameters come in the order
// of [Sort], except for lists of more than nine elements.
func AppendParams(dst []Param, req any) []Param {
	n, v := target(req)
	return n.append(dst, v, "")
}

// append appends what v, the value of n, has to send. Names start with prefix, that of a list element.
func (n *node) append(dst []Param, v reflect.Value, prefix string) []Param {
	v, ok := n.elemOf(v)
	if !ok {
		return dst
	}
	switch n.kind {
	case kindStruct:
		for _, f := range n.sorted {
			dst = f.append(dst, v.FieldByIndex(f.index), prefix)
		}
		return dst
	case kindList:
		sent := 0
		for i := range v.Len() {
			before := len(dst)
			dst = n.elem.append(dst, v.Index(i), prefix+n.query+"."+strconv.Itoa(sent+1))
			if len(dst) > before {
				sent++
			}
		}
		return dst
	case kindCodec:
		return n.appendParts(dst, v.Addr().Interface(), prefix)
	}
	if s, ok := n.text(v); ok {
		dst = append(dst, Param{prefix + n.query, s})
	}
	return dst
}

func (n *node) appendParts(dst []Param, p any, prefix string) []Param {
	if n.codec.isZero(p) {
		return dst
	}
	lend(len(n.parts), func(values []string) {
		n.codec.encode(p, values)
		for i, s := range values {
			if s != "" {
				dst = append(dst, Param{prefix + n.parts[i], s})
			}
		}
	})
	return dst
}

// text is the text of a leaf with one value, and false if it is not to be sent.
func (n *node) text(v reflect.Value) (string, bool) {
	switch n.kind {
	case kindBool:
		return strconv.FormatBool(v.Bool()), n.ptr || v.Bool()
	case kindInt:
		return strconv.FormatInt(v.Int(), 10), n.ptr || v.Int() != 0
	case kindTime:
		t := *v.Addr().Interface().(*time.Time)
		if t.IsZero() {
			return "", false
		}
		return FormatTime(t), true
	}
	s := v.String()
	return s, s != ""
}

// Sort sorts by name in byte order, in which member.10 comes before member.2. Parameters come in a
// few sorted runs of a few each: for these, insertion at a place found by halving is fastest.
func Sort(params []Param) {
	for i := 1; i < len(params); i++ {
		p := params[i]
		if params[i-1].Name <= p.Name {
			continue
		}
		at, end := 0, i-1
		for at < end {
			if mid := (at + end) / 2; params[mid].Name <= p.Name {
				at = mid + 1
			} else {
				end = mid
			}
		}
		copy(params[at+1:i+1], params[at:i])
		params[at] = p
	}
}

// AppendQuery appends name=value for each parameter, the value escaped, joined with &: of sorted
// parameters, the canonical query that is signed and the body that is posted.
func AppendQuery(dst []byte, params []Param) []byte {
	for i, p := range params {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, p.Name...)
		dst = append(dst, '=')
		dst = AppendEscape(dst, p.Value)
	}
	return dst
}

// AppendEscape appends s escaped by RFC 3986: letters, digits and -_.~ as they are, every other
// byte as %XX in upper case.
func AppendEscape(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	done := 0
	for i := 0; i < len(s); i++ {
		if c := s[i]; !unreserved[c] {
			dst = append(dst, s[done:i]...)
			dst = append(dst, '%', hex[c>>4], hex[c&15])
			done = i + 1
		}
	}
	return append(dst, s[done:]...)
}

var unreserved = func() (set [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~") {
		set[c] = true
	}
	return set
}()

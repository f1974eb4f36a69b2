package sns

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Member is one name and value of a JSON object.
type Member struct {
	Name   string
	Text   string // of a string, its escapes resolved; of anything else, as it stands
	String bool
}

const maxMembers = 32 // a notification has 10, what is inside it at most 12

// The texts tell what is wrong and never quote what was read.
var (
	errNotUTF8   = errors.New("it is not UTF-8")
	errNotJSON   = errors.New("it is not JSON")
	errNotObject = errors.New("it is not a JSON object")
	errTrailing  = errors.New("something follows the JSON object")
	errMany      = errors.New("it has too many names")
	errDuplicate = errors.New("it has the same name twice")
	errEscape    = errors.New("it has a wrong escape")
	errControl   = errors.New("it has a control character in a text")
)

// Members appends the members of a JSON object to dst, which is empty. It is
// stricter than encoding/json, because two readers that understand the same
// bytes differently are how signed messages get forged: a name that comes
// twice, in whatever case, is refused, and so are bytes that are not UTF-8,
// halves of surrogate pairs and anything after the object. A byte order mark
// before it is passed over.
func Members(dst []Member, src string) ([]Member, error) {
	if !utf8.ValidString(src) {
		return dst, errNotUTF8
	}
	r := reader(strings.TrimPrefix(src, "\ufeff"))
	if !r.take('{') {
		return dst, errNotObject
	}
	for more := !r.take('}'); more; more = !r.take('}') {
		if len(dst) > 0 && !r.take(',') {
			return dst, errNotJSON
		}
		m, err := r.member()
		if err != nil {
			return dst, err
		}
		for i := range dst {
			if strings.EqualFold(dst[i].Name, m.Name) {
				return dst, errDuplicate
			}
		}
		if dst = append(dst, m); len(dst) > maxMembers {
			return dst, errMany
		}
	}
	if r.space(); r != "" {
		return dst, errTrailing
	}
	return dst, nil
}

// A reader is what is still to be read.
type reader string

func (r *reader) space() {
	for *r != "" && ((*r)[0] == ' ' || (*r)[0] == '\n' || (*r)[0] == '\r' || (*r)[0] == '\t') {
		*r = (*r)[1:]
	}
}

// take passes over white space and c, if that comes next.
func (r *reader) take(c byte) bool {
	r.space()
	if *r == "" || (*r)[0] != c {
		return false
	}
	*r = (*r)[1:]
	return true
}

// member reads a name, a colon and a value.
func (r *reader) member() (m Member, err error) {
	if !r.take('"') {
		return m, errNotJSON
	}
	if m.Name, err = r.text(); err != nil {
		return m, err
	}
	if !r.take(':') {
		return m, errNotJSON
	}
	if m.String = r.take('"'); m.String {
		m.Text, err = r.text()
		return m, err
	}
	// Seldom, and never of interest beyond true, false and null.
	var raw json.RawMessage
	d := json.NewDecoder(strings.NewReader(string(*r)))
	if d.Decode(&raw) != nil {
		return m, errNotJSON
	}
	m.Text, *r = string(raw), (*r)[d.InputOffset():]
	return m, nil
}

// text reads a string behind its opening quote.
func (r *reader) text() (string, error) {
	s, escapes := string(*r), 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			if *r = reader(s[i+1:]); escapes == 0 {
				return s[:i], nil
			}
			return resolve(s[:i], i-escapes)
		case c == '\\':
			escapes++
			i++
		case c < ' ':
			return "", errControl
		}
	}
	return "", errNotJSON
}

// resolve replaces the escapes of a string, which becomes no longer than size.
func resolve(s string, size int) (string, error) {
	const names, chars = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	var b strings.Builder
	b.Grow(size)
	for {
		plain, escape, found := strings.Cut(s, `\`)
		if b.WriteString(plain); !found {
			return b.String(), nil
		}
		if i := strings.IndexByte(names, escape[0]); i >= 0 { // text saw to it that there is one
			b.WriteByte(chars[i])
			s = escape[1:]
			continue
		}
		char, n := rune(0), 0
		if char, n = unit(escape), 5; utf16.IsSurrogate(char) && len(escape) > n && escape[n] == '\\' {
			char, n = utf16.DecodeRune(char, unit(escape[n+1:])), 11
		}
		if char < 0 || utf16.IsSurrogate(char) || n == 11 && char == utf8.RuneError {
			return "", errEscape
		}
		b.WriteRune(char)
		s = escape[n:]
	}
}

// unit reads the rest of a \u escape; -1 if it is none.
func unit(s string) rune {
	if len(s) >= 5 && s[0] == 'u' {
		if v, err := strconv.ParseUint(s[1:5], 16, 16); err == nil {
			return rune(v)
		}
	}
	return -1
}

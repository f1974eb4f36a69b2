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
	s, found := string(*r), 0
	for i := 0; i < len(s); i++ {
		if plain[s[i]] {
			continue
		}
		switch s[i] {
		case '"':
			if *r = reader(s[i+1:]); found == 0 {
				return s[:i], nil
			}
			return resolve(s[:i], i-found)
		case '\\':
			found++
			i++
		default:
			return "", errControl
		}
	}
	return "", errNotJSON
}

// plain are the bytes that a text may have without a thought.
var plain = func() (plain [256]bool) {
	for c := range plain {
		plain[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return plain
}()

// escapes are the characters that a backslash and another one stand for.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// resolve replaces the escapes of a string, which becomes no longer than size.
func resolve(s string, size int) (string, error) {
	var b strings.Builder
	b.Grow(size)
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 {
			b.WriteString(s)
			return b.String(), nil
		}
		b.WriteString(s[:i])
		if c := escapes[s[i+1]]; c != 0 { // text saw to it that there is one
			b.WriteByte(c)
			s = s[i+2:]
			continue
		}
		s = s[i+1:]
		char, n := unit(s), 5
		if utf16.IsSurrogate(char) && len(s) > n && s[n] == '\\' {
			char, n = utf16.DecodeRune(char, unit(s[n+1:])), 11
		}
		if char < 0 || utf16.IsSurrogate(char) || n == 11 && char == utf8.RuneError {
			return "", errEscape
		}
		b.WriteRune(char)
		s = s[n:]
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

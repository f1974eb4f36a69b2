package wire

import (
	"strconv"
	"strings"
)

// An Error is what is wrong with a document. It never quotes the document.
type Error string

func (e Error) Error() string { return string(e) }

// The errors of [Decode].
const (
	ErrEmpty     Error = "empty document"
	ErrNotXML    Error = "not xml"
	ErrNoRoot    Error = "no root element"
	ErrTwoRoots  Error = "more than one root element"
	ErrTruncated Error = "unexpected end of document"
	ErrMalformed Error = "malformed tag"
	ErrMismatch  Error = "end tag without its start tag"
	ErrTooDeep   Error = "elements nested too deep"
	ErrEntity    Error = "unknown entity"
	ErrDoctype   Error = "document type with declarations" // nothing good defines its own text
)

// maxDepth is how deep elements may lie in each other. Amazon's documents need 8.
const maxDepth = 200

type token uint8

const (
	tokenEOF   token = iota // or an error
	tokenStart              // name is set; <name/> gives a tokenEnd as well
	tokenEnd
	tokenText  // text is set, entities and all
	tokenCDATA // text is set
)

// A scanner splits a document into tokens. It sees to it that tags match, and passes over
// comments, processing instructions, the document type and attributes.
type scanner struct {
	src   string
	pos   int
	err   error    // the first; there are no tokens after it
	name  string   // of the latest start tag, with its prefix
	text  string   // the latest
	open  []string // names of the elements that have not ended
	empty bool     // the latest start tag closed itself
}

func (s *scanner) next() token {
	if s.empty {
		s.empty = false
		s.open = s.open[:len(s.open)-1]
		return tokenEnd
	}
	for s.err == nil && s.pos < len(s.src) {
		switch rest := s.src[s.pos:]; {
		case rest[0] != '<':
			s.text, _, _ = strings.Cut(rest, "<")
			s.pos += len(s.text)
			return tokenText
		case strings.HasPrefix(rest, "</"):
			return s.end()
		case strings.HasPrefix(rest, "<?"):
			s.between("<?", "?>")
		case strings.HasPrefix(rest, "<!--"):
			s.between("<!--", "-->")
		case strings.HasPrefix(rest, "<![CDATA["):
			s.text = s.between("<![CDATA[", "]]>")
			return tokenCDATA
		case strings.HasPrefix(rest, "<!"):
			if s.tag(len("<!")); s.err == ErrMalformed {
				s.err = ErrDoctype
			}
		default:
			return s.start()
		}
	}
	if len(s.open) > 0 {
		s.fail(ErrTruncated)
	}
	return tokenEOF
}

// fail keeps the first error.
func (s *scanner) fail(err Error) token {
	if s.err == nil {
		s.err = err
	}
	return tokenEOF
}

func (s *scanner) start() token {
	n := 1 + nameLen(s.src[s.pos+1:])
	tag := s.tag(n)
	switch {
	case s.err != nil:
		return tokenEOF
	case n == 1 || len(tag) > n && !strings.Contains(" \t\r\n/", tag[n:n+1]):
		return s.fail(ErrMalformed)
	case len(s.open) == maxDepth:
		return s.fail(ErrTooDeep)
	}
	s.name = tag[1:n]
	s.empty = tag[len(tag)-1] == '/'
	s.open = append(s.open, s.name)
	return tokenStart
}

func (s *scanner) end() token {
	name, top := s.between("</", ">"), len(s.open)-1
	switch {
	case s.err != nil:
		return tokenEOF
	case top < 0 || strings.TrimRight(name, " \t\r\n") != s.open[top]:
		return s.fail(ErrMismatch)
	}
	s.open = s.open[:top]
	return tokenEnd
}

// between passes over what is from open to end, and returns what is between.
func (s *scanner) between(open, end string) string {
	text, _, ok := strings.Cut(s.src[s.pos+len(open):], end)
	if !ok {
		s.fail(ErrTruncated)
	}
	s.pos += len(open) + len(text) + len(end)
	return text
}

// tag passes over a tag, of which n bytes have been looked at, and returns it without its >.
func (s *scanner) tag(n int) string {
	rest := s.src[s.pos:]
	for i := n; i < len(rest); i++ {
		switch c := rest[i]; c {
		case '>':
			s.pos += i + 1
			return rest[:i]
		case '<', '[':
			s.fail(ErrMalformed)
			return ""
		case '"', '\'':
			quoted, _, _ := strings.Cut(rest[i+1:], rest[i:i+1])
			i += len(quoted) + 1
		}
	}
	s.fail(ErrTruncated)
	return ""
}

// nameLen returns how long the name is that s begins with.
func nameLen(s string) int {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == ':' || c >= 0x80
		if !letter && (i == 0 || c != '-' && c != '.' && (c < '0' || c > '9')) {
			return i
		}
	}
	return len(s)
}

// local returns a name without its namespace prefix.
func local(name string) string {
	if i := strings.IndexByte(name, ':'); i > 0 && i < len(name)-1 {
		return name[i+1:]
	}
	return name
}

// content returns the latest text as it is meant.
func (s *scanner) content(t token) string {
	text := s.text
	if strings.IndexByte(text, '\r') >= 0 {
		text = newlines.Replace(text)
	}
	if t == tokenCDATA || strings.IndexByte(text, '&') < 0 {
		return text
	}
	var b strings.Builder
	for {
		plain, rest, found := strings.Cut(text, "&")
		b.WriteString(plain)
		if !found {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, ";")
		r := entity(name)
		if r == 0 || len(rest) == len(name) {
			s.fail(ErrEntity)
			return ""
		}
		b.WriteRune(r)
		text = after
	}
}

var (
	newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n")
	entities = map[string]rune{"amp": '&', "lt": '<', "gt": '>', "quot": '"', "apos": '\''}
)

// entity returns the character that &name; stands for, 0 if none.
func entity(name string) rune {
	digits, numeric := strings.CutPrefix(name, "#")
	if !numeric {
		return entities[name]
	}
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	r, err := strconv.ParseUint(digits, base, 32)
	control := r < ' ' && r != '\t' && r != '\n' && r != '\r'
	if err != nil || control || r > 0x10FFFF || r&^1 == 0xFFFE {
		return 0
	}
	return rune(r)
}

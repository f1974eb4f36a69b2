package wire_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/internal/wire"
)

// mirror has tags that mean the same to encoding/xml.
type mirror struct {
	S   string
	B   bool
	BP  *bool
	I   int
	I8  int8
	IP  *int
	At  time.Time
	AtP *time.Time
	In  nested
	InP *nested
	L   []string  `xml:"L>member"`
	LI  []int     `xml:"LI>member"`
	LN  []nested  `xml:"LN>N"`
	LNP []*nested `xml:"LNP>N"`
	R   []nested
	RS  []string
	W   string `xml:"W>Inner"`
	WN  nested `xml:"W>N"`
	authorizationMirror
}

type authorizationMirror struct {
	ID     string   `xml:"AuthorizeOnBillingAgreementResult>AuthorizationDetails>AmazonAuthorizationId"`
	Note   string   `xml:"AuthorizeOnBillingAgreementResult>AuthorizationDetails>SellerAuthorizationNote"`
	Status status   `xml:"AuthorizeOnBillingAgreementResult>AuthorizationDetails>AuthorizationStatus"`
	IDList []string `xml:"AuthorizeOnBillingAgreementResult>AuthorizationDetails>IdList>member"`
}

// FuzzDecode demands that a document which encoding/xml accepts to its end gives the same values
// here, apart from what is different on purpose:
//
//   - refused: text before the first tag, a second root, depth, declarations in a document type
//   - text is trimmed; in lists empty elements do not count; a pointer is nil for an empty element
//   - a list takes the fields of its elements without the element
//   - "t" and "F" are no booleans, a time is what FuzzTime says
func FuzzDecode(f *testing.F) {
	f.Add(document(f, "AuthorizeOnBillingAgreement.xml"))
	for _, seed := range []string{
		"\ufeff<?xml version=\"1.0\" encoding=\"UTF-8\"?><!DOCTYPE a PUBLIC \"x\" 'y'><a:R xmlns:a='u'><a:S b=\"c>\">x&amp;\r\n&#x41;</a:S></a:R>",
		`<R><In><A> a </A><B/></In><InP><Deep><A>x<!-- c -->y<![CDATA[<z>]]></A></Deep></InP></R><!-- end -->`,
		`<R><L><member>a</member><member/></L><LI><member> 7 </member></LI><LN><N><A>a</A></N></LN><LNP><N/></LNP><R><A>1</A></R><R/><RS>1</RS><RS/></R>`,
		`<R><B>true</B><BP>0</BP><I>-1</I><I8>127</I8><IP/><At>2012-11-03T19:10:16.5+01:00</At><AtP>2012-11-03T19:10:16Z</AtP></R>`,
		`<R><W><Inner>i</Inner><N><A>a</A></N></W><W><Inner>j</Inner></W><S>1<S>2</S>3</S><S>4</S></R>`,
		`<R><S>&#xD800;&lt;&#10;</S></R>`, `<R><a><b></a></b></R>`, `{"x":1}`, `<html><br></html>`, `<R>`, `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := wire.Decode(data, new(leaves), "R", "In"); err == nil {
			_, err = wire.Decode(data, new(leaves))
			_ = err // an unknown entity may be read now
		}
		var got, want mirror
		doc, err := wire.Decode(data, &got)
		if xml.Unmarshal(data, &want) != nil {
			return
		}
		if comparable, whole := survey(data); !comparable || !whole {
			return
		}
		require.NoError(t, err)
		if slices.ContainsFunc(doc.Problems, func(p wire.Problem) bool { return p.Kind != "int" }) {
			return
		}
		require.Empty(t, doc.Problems)
		normalize(reflect.ValueOf(&got).Elem())
		normalize(reflect.ValueOf(&want).Elem())
		require.Equal(t, want, got)
	})
}

// survey reports whether a document has none of the differences that values do not show, and
// whether encoding/xml reads it to its end.
func survey(data []byte) (comparable, whole bool) {
	if start := bytes.TrimLeft(data, "\ufeff \t\r\n"); len(start) == 0 || start[0] != '<' {
		return false, true
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	var open []string
	for roots := 0; ; {
		token, err := d.Token()
		if err != nil {
			return true, err == io.EOF
		}
		switch token := token.(type) {
		case xml.StartElement:
			if len(open) == 0 {
				roots++
			}
			parent := ""
			if len(open) > 0 {
				parent = open[len(open)-1]
			}
			open = append(open, token.Name.Local)
			if roots > 1 || len(open) > 200 || (parent == "LN" || parent == "LNP") && token.Name.Local != "N" {
				return false, true
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.Directive:
			name := strings.ToUpper(string(token[:1]))
			if bytes.ContainsAny(token, "[<") || name < "A" || name > "Z" || bytes.Contains(data, []byte("<!--")) {
				return false, true // comments are cut out of a directive
			}
		}
	}
}

// normalize removes from v the differences that Decode documents.
func normalize(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.TrimSpace(v.String()))
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		normalize(v.Elem())
		if v.Elem().IsZero() {
			v.SetZero()
		}
	case reflect.Slice:
		kept := reflect.Zero(v.Type())
		for i := range v.Len() {
			normalize(v.Index(i))
			if !v.Index(i).IsZero() {
				kept = reflect.Append(kept, v.Index(i))
			}
		}
		v.Set(kept)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			at := v.Addr().Interface().(*time.Time)
			*at = at.UTC()
			if at.IsZero() {
				*at = time.Time{}
			}
			return
		}
		for i := range v.NumField() {
			normalize(v.Field(i))
		}
	}
}

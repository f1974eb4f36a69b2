package wire_test

import (
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/internal/wire"
)

func TestDecodeAnswer(t *testing.T) {
	var got authorizeResult
	doc, err := wire.Decode(document(t, "AuthorizeOnBillingAgreement.xml"), &got, "AuthorizeOnBillingAgreementResult")
	require.NoError(t, err)
	assert.Equal(t, wire.Document{
		Root: "AuthorizeOnBillingAgreementResponse", RequestID: "0c8f6f0e-5d7b-4a53-9b7e-52a1c6d1e3aa", Found: true,
	}, doc)
	created := time.Date(2017, 11, 3, 6, 12, 44, 301e6, time.UTC)
	assert.Equal(t, authorizeResult{
		OrderReferenceID: "S01-7654321-1234567",
		Authorization: authorization{
			AmazonAuthorizationID:    "S01-7654321-1234567-A081726",
			AuthorizationReferenceID: "invoice-2017-11-0042",
			SellerAuthorizationNote:  "Tea & biscuits, November",
			AuthorizationAmount:      price{"24.90", "EUR"},
			CapturedAmount:           price{"24.90", "EUR"},
			AuthorizationFee:         price{"0.00", "EUR"},
			IDList:                   []string{"S01-7654321-1234567-C081726"},
			CreationTimestamp:        created,
			ExpirationTimestamp:      created.AddDate(0, 1, 0),
			AuthorizationStatus: status{
				State: "Closed", LastUpdateTimestamp: time.Date(2017, 11, 3, 6, 12, 46, 18e6, time.UTC), ReasonCode: "MaxCapturesProcessed",
			},
			SoftDecline:    ptr(false),
			CaptureNow:     true,
			SoftDescriptor: "AMZ*Tea Club",
		},
	}, got)
}

// leaves is what the tables below decode into.
type leaves struct {
	S    string `xml:"S|Alias"`
	T    string
	B    bool
	BP   *bool
	I    int
	I8   int8
	IP   *int
	At   time.Time
	AtP  *time.Time
	P    price
	PP   *price
	In   nested
	InP  *nested
	L    []string         `xml:"L|Other>member|Id|Member"`
	LI   []int            `xml:"LI>member"`
	LB   []*bool          `xml:"LB>member"`
	LP   []price          `xml:"LP>member"`
	LN   []nested         `xml:"LN>N"`
	LNP  []*nested        `xml:"LNP>N"`
	R    []nested         // repeated
	W    string           `xml:"W|W2>Inner|Inner2"`
	WN   nested           `xml:"W>N"`
	Skip string           `xml:"-"`
	_    map[string]error // nothing unexported is on the wire
	nestedEmbedded
}

type nestedEmbedded struct{ Emb string }

type nested struct {
	A    string
	B    string
	Deep *nestedDeep
}

type nestedDeep struct{ A string }

func TestDecodeFields(t *testing.T) {
	at := time.Date(2012, 11, 3, 19, 10, 16, 0, time.UTC)
	for _, test := range []struct {
		name, in string
		want     leaves
	}{
		{"nothing", ``, leaves{}},
		{"text", `<S>x</S>`, leaves{S: "x"}},
		{"alias", `<Alias>x</Alias>`, leaves{S: "x"}},
		{"prefix", `<a:S>x</a:S>`, leaves{S: "x"}},
		{"case matters", `<s>x</s>`, leaves{}},
		{"order is free, unknown is skipped", `<T>t</T><X><S>no</S><T/></X><S>s</S>`, leaves{S: "s", T: "t"}},
		{"trimmed", "<S>\n  x y\t\u00a0</S>", leaves{S: "x y"}},
		{"attributes", `<S a="1>2" b='<"' c = "</S>">x</S><T a="/"/>`, leaves{S: "x"}},
		{"comments and instructions", `<S>a<!-- <b> -- > -->b<?pi > ?>c</S><!----><T>t</T>`, leaves{S: "abc", T: "t"}},
		{"CDATA", `<S>a<![CDATA[ <b>&amp;]] ]]>c</S>`, leaves{S: "a <b>&amp;]] c"}},
		{"entities", `<S>&amp;&lt;&gt;&quot;&apos;&#10;&#xA;&#x65E5;&#128512;x</S>`, leaves{S: "&<>\"'\n\n日😀x"}},
		{"new lines", "<S>a\r\nb\rc&#13;d</S>", leaves{S: "a\nb\nc\rd"}},
		{"children of a leaf", `<S>a<b>no</b>c<b><c/></b>d</S>`, leaves{S: "acd"}},
		{"stray text", `"<In>x<A>a</A>y</In>z`, leaves{In: nested{A: "a"}}},
		{"the last one counts", `<S>a</S><S>b</S><T>a</T><T/><I>1</I><I></I><IP>1</IP><IP/>`, leaves{S: "b"}},
		{"structs are filled further", `<In><A>a</A></In><In><B>b</B></In><InP><A>a</A></InP><InP><B>b</B></InP>`,
			leaves{In: nested{A: "a", B: "b"}, InP: &nested{A: "a", B: "b"}}},
		{"empty", `<S/><B/><BP></BP><I/><IP/><At> </At><AtP/><P/><PP/><In/><InP/><L/><LN/><R/><W/>`, leaves{}},
		{"booleans", `<B>TRUE</B><BP> 0 </BP>`, leaves{B: true, BP: ptr(false)}},
		{"more booleans", `<B>1</B><BP>False</BP>`, leaves{B: true, BP: ptr(false)}},
		{"integers", `<I>-12</I><I8>127</I8><IP>0</IP>`, leaves{I: -12, I8: 127, IP: ptr(0)}},
		{"times", `<At>2012-11-03T12:10:16-07:00</At><AtP> 2012-11-03T19:10:16 </AtP>`, leaves{At: at, AtP: &at}},
		{"codec", `<P><CurrencyCode> USD</CurrencyCode><x/><Amount>1.00 </Amount></P><PP><a:Amount>2</a:Amount><CurrencyCode>JPY</CurrencyCode></PP>`,
			leaves{P: price{"1.00", "USD"}, PP: &price{"2", "JPY"}}},
		{"codec without values", `<PP><Amount/><CurrencyCode> </CurrencyCode></PP>`, leaves{}},
		{"pointer to a struct", `<InP><Deep><A>a</A></Deep></InP>`, leaves{InP: &nested{Deep: &nestedDeep{"a"}}}},
		{"pointer to a struct with other children", `<InP><X/></InP>`, leaves{InP: &nested{}}},
		{"pointer to a struct with text", `<InP> REMOVED </InP>`, leaves{}},
		{"list", `<L><member>a</member><Id>b</Id><x>no</x><Member>c</Member></L>`, leaves{L: []string{"a", "b", "c"}}},
		{"list by its other name", `<Other><Id>b</Id></Other><L><Id>c</Id></L>`, leaves{L: []string{"b", "c"}}},
		{"empty elements of a list", `<L><member/><member>a</member><member> </member></L><LI><member/></LI><LN><N/></LN>`, leaves{L: []string{"a"}}},
		{"list of leaves", `<LI><member>1</member></LI><LB><member>false</member></LB><LP><member><Amount>1</Amount><CurrencyCode>USD</CurrencyCode></member></LP>`,
			leaves{LI: []int{1}, LB: []*bool{ptr(false)}, LP: []price{{"1", "USD"}}}},
		{"list of structs", `<LN><N><A>a</A></N><N><B>b</B></N></LN><LNP><N><A>a</A></N></LNP>`,
			leaves{LN: []nested{{A: "a"}, {B: "b"}}, LNP: []*nested{{A: "a"}}}},
		{"list of structs without the inner element", `<LN><A>a</A><B>b</B></LN>`, leaves{LN: []nested{{A: "a", B: "b"}}}},
		{"several of them", `<LN><B>b</B><X/><A>a</A><A>a2</A><Deep><A>d</A></Deep><N><A>n</A></N><B>b3</B></LN><LNP><A>a</A><A>b</A></LNP>`,
			leaves{LN: []nested{{A: "a", B: "b"}, {A: "a2", Deep: &nestedDeep{"d"}}, {A: "n"}, {B: "b3"}}, LNP: []*nested{{A: "a"}, {A: "b"}}}},
		{"repeated", `<R><A>a</A></R><S>s</S><R><A>b</A></R><R/>`, leaves{S: "s", R: []nested{{A: "a"}, {A: "b"}}}},
		{"wrapped", `<W><N><A>a</A></N><Inner>i</Inner></W>`, leaves{W: "i", WN: nested{A: "a"}}},
		{"wrapped by other names", `<W2><Inner2>i</Inner2></W2>`, leaves{W: "i"}},
		{"not on the wire", `<Skip>x</Skip><nestedEmbedded><Emb>x</Emb></nestedEmbedded>`, leaves{}},
		{"embedded", `<Emb>e</Emb>`, leaves{nestedEmbedded: nestedEmbedded{"e"}}},
		{"not UTF-8", "<S>a\xff\xfeb</S><\xff/><T>\xc3\xbc</T>", leaves{S: "a\uFFFDb", T: "ü"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got leaves
			doc, err := wire.Decode([]byte("<Root>"+test.in+"</Root>"), &got)
			require.NoError(t, err)
			assert.Equal(t, wire.Document{Root: "Root", Found: true}, doc)
			assert.Equal(t, test.want, got)
		})
	}
}

// What is sent can be read back, by the same tags.
func TestBothDirections(t *testing.T) {
	at := time.Date(2012, 11, 3, 19, 10, 16, 0, time.UTC)
	want := everything{
		Zebra: "z", ID: "i", Yes: true, Maybe: ptr(false), Count: -1, Limit: ptr(0), At: at, Total: price{"1", "USD"},
		NestedP: &address{City: "Ulm"}, Tags: []string{"a", "b"}, Prices: []price{{"2", "EUR"}, {"3", "EUR"}},
		Credits: []credit{{"p", price{"4", "EUR"}}}, Error: []string{"x", "y"}, Range: "r", Far: address{Name: "n"},
		FarList: []string{"f"}, embedded: embedded{SellerID: "s"},
	}
	tree := newElement()
	for _, p := range wire.AppendParams(nil, &want) {
		tree.set(strings.Split(p.Name, "."), p.Value)
	}
	var got everything
	doc, err := wire.Decode([]byte(tree.document("Root")), &got)
	require.NoError(t, err)
	assert.Empty(t, doc.Problems)
	assert.Equal(t, want, got)
}

// An element is a parameter name taken apart; a number belongs to the name before it.
type element struct {
	text     string
	names    []string
	children map[string]*element
}

func newElement() *element { return &element{children: map[string]*element{}} }

func (e *element) set(steps []string, value string) {
	if len(steps) == 0 {
		e.text = value
		return
	}
	name := steps[0]
	if len(steps) > 1 && strings.Trim(steps[1], "0123456789") == "" {
		name, steps = name+"."+steps[1], steps[1:]
	}
	if e.children[name] == nil {
		e.children[name] = newElement()
		e.names = append(e.names, name)
	}
	e.children[name].set(steps[1:], value)
}

func (e *element) document(name string) string {
	name, _, _ = strings.Cut(name, ".")
	out := "<" + name + ">" + e.text
	for _, child := range e.names {
		out += e.children[child].document(child)
	}
	return out + "</" + name + ">"
}

func TestDecodeProblems(t *testing.T) {
	const in = `<x:Root><x:Result><x:Details>
		<At>yesterday</At><B>yes</B><BP>no</BP><I>1.5</I><I8>128</I8><IP>x</IP><AtP>2012-13-01</AtP><S>fine</S>
		<P><Amount>1</Amount></P><PP><CurrencyCode>USD</CurrencyCode></PP>
		<LI><member>1</member><x:member>one</x:member></LI><W><Inner/></W>
		<At>2012-11-03</At><At>tomorrow<b/></At>
	</x:Details></x:Result><RequestId>r</RequestId></x:Root>`
	want := func(prefix string) []wire.Problem {
		var out []wire.Problem
		for _, p := range []wire.Problem{
			{Path: "At", Kind: "time"}, {Path: "B", Kind: "bool"}, {Path: "BP", Kind: "bool"}, {Path: "I", Kind: "int"},
			{Path: "I8", Kind: "int"}, {Path: "IP", Kind: "int"}, {Path: "AtP", Kind: "time"}, {Path: "P", Kind: "price"},
			{Path: "PP", Kind: "price"}, {Path: "LI/member", Kind: "int"}, {Path: "At", Kind: "time"},
		} {
			out = append(out, wire.Problem{Path: prefix + p.Path, Kind: p.Kind})
		}
		return out
	}
	var got leaves
	doc, err := wire.Decode([]byte(in), &got, "Result", "Details")
	require.NoError(t, err)
	assert.Equal(t, wire.Document{Root: "Root", RequestID: "r", Found: true, Problems: want("Details/")}, doc)
	assert.Equal(t, leaves{S: "fine", LI: []int{1}}, got)

	var result struct {
		Result struct{ Details leaves }
	}
	doc, err = wire.Decode([]byte(in), &result)
	require.NoError(t, err)
	assert.Equal(t, want("Result/Details/"), doc.Problems)
}

func TestDecodePath(t *testing.T) {
	const in = `<N><A><X><S>no</S></X><D><S>s</S></D></A><S>top</S><ResponseMetadata><RequestId>r</RequestId><D><S>no</S></D></ResponseMetadata></N>`
	for _, test := range []struct {
		path  string
		found bool
		want  string
	}{
		{"", true, "top"}, {"A/D", true, "s"}, {"A", true, ""}, {"D", false, ""}, {"A/D/S", true, ""}, {"A/D/T", false, ""}, {"N", false, ""},
	} {
		t.Run(test.path, func(t *testing.T) {
			var got leaves
			doc, err := wire.Decode([]byte(in), &got, strings.FieldsFunc(test.path, func(r rune) bool { return r == '/' })...)
			require.NoError(t, err)
			assert.Equal(t, wire.Document{Root: "N", RequestID: "r", Found: test.found}, doc)
			assert.Equal(t, leaves{S: test.want}, got)
		})
	}
	doc, err := wire.Decode([]byte(in), nil, "A", "D")
	require.NoError(t, err)
	assert.Equal(t, wire.Document{Root: "N", RequestID: "r", Found: true}, doc, "nothing to fill")
}

func TestDecodeRequestID(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"metadata", `<R><ResponseMetadata><RequestId> r </RequestId></ResponseMetadata></R>`, "r"},
		{"metadata, other spelling", `<R><a:ResponseMetadata><a:RequestID>r</a:RequestID></a:ResponseMetadata></R>`, "r"},
		{"root", `<R><RequestId>r</RequestId></R>`, "r"},
		{"root, other spelling, before the rest", `<R><RequestID>r</RequestID><Error/></R>`, "r"},
		{"elsewhere", `<R><X><RequestId>no</RequestId></X><ResponseMetadata><X><RequestId>no</RequestId></X></ResponseMetadata></R>`, ""},
		{"the root itself", `<RequestId>no</RequestId>`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			doc, err := wire.Decode([]byte(test.in), nil, "Result")
			require.NoError(t, err)
			assert.Equal(t, test.want, doc.RequestID)
			var all struct {
				RequestID string `xml:"RequestId|RequestID"`
				Metadata  struct {
					RequestID string `xml:"RequestId|RequestID"`
				} `xml:"ResponseMetadata"`
			}
			doc, err = wire.Decode([]byte(test.in), &all)
			require.NoError(t, err)
			assert.Equal(t, test.want, doc.RequestID, "also when a field takes it")
			assert.Equal(t, test.want, all.RequestID+all.Metadata.RequestID)
		})
	}
}

func TestDecodeErrorDocument(t *testing.T) {
	type docError struct{ Type, Code, Message, Detail string }
	const in = `<ErrorResponse xmlns="http://mws.amazonservices.com/doc/2009-01-01/">
		<Error><Type/><Code>RequestThrottled</Code><Message> wait
		</Message><Detail>x<any><thing/></any></Detail></Error>
		<Error><Code>Second</Code></Error><RequestID>r</RequestID></ErrorResponse>`
	var all struct{ Error []docError }
	doc, err := wire.Decode([]byte(in), &all)
	require.NoError(t, err)
	assert.Equal(t, wire.Document{Root: "ErrorResponse", RequestID: "r", Found: true}, doc)
	assert.Equal(t, []docError{{Code: "RequestThrottled", Message: "wait", Detail: "x"}, {Code: "Second"}}, all.Error)
	var one struct{ Error docError }
	_, err = wire.Decode([]byte(in), &one)
	require.NoError(t, err)
	assert.Equal(t, docError{Code: "Second", Message: "wait", Detail: "x"}, one.Error, "the last one counts, leaf by leaf")
}

func TestDecodeProlog(t *testing.T) {
	for _, in := range []string{
		`<R><S>s</S></R>`,
		"\ufeff<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<R><S>s</S></R>\n",
		" \r\n\ufeff <?xml version=\"1.0\"?><R><S>s</S></R>",
		`<?xml version="1.0"?><!-- <R> --><!DOCTYPE R SYSTEM "a>[b"><R ><S>s</S></R ><?end?><!-- --> text`,
		`<?xml version="1.0"?>"<R xmlns:a="u" a:b='c'>"<S >s</S
		></R>`,
	} {
		var got leaves
		doc, err := wire.Decode([]byte(in), &got)
		require.NoError(t, err, in)
		assert.Equal(t, wire.Document{Root: "R", Found: true}, doc)
		assert.Equal(t, leaves{S: "s"}, got)
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     error
	}{
		{"empty", "", wire.ErrEmpty},
		{"white space", "\ufeff \n", wire.ErrEmpty},
		{"text", "Service Unavailable", wire.ErrNotXML},
		{"JSON", `{"a":"<R/>"}`, wire.ErrNotXML},
		{"UTF-16", "\xff\xfe<\x00R\x00/\x00>\x00", wire.ErrNotXML},
		{"no root", `<?xml version="1.0"?><!-- -->`, wire.ErrNoRoot},
		{"two roots", `<R/><R/>`, wire.ErrTwoRoots},
		{"no end", `<R><S>s</S>`, wire.ErrTruncated},
		{"half a tag", `<R><S`, wire.ErrTruncated},
		{"half an attribute", `<R a="><S/></R>`, wire.ErrTruncated},
		{"half an end tag", `<R><S>s</S></R`, wire.ErrTruncated},
		{"half a leaf", `<R><S>s`, wire.ErrTruncated},
		{"half a comment", `<R><!-- </R>`, wire.ErrTruncated},
		{"half CDATA", `<R><S><![CDATA[x</S></R>`, wire.ErrTruncated},
		{"half an instruction", `<?xml version="1.0">`, wire.ErrTruncated},
		{"half a comment at the end", `<R/><!--`, wire.ErrTruncated},
		{"wrong end tag", `<R><S>s</T></R>`, wire.ErrMismatch},
		{"wrong end tag in what is skipped", `<R><X><Y></X></Y></R>`, wire.ErrMismatch},
		{"wrong prefix", `<a:R></b:R>`, wire.ErrMismatch},
		{"HTML", `<html><body>Bad Gateway<br></body></html>`, wire.ErrMismatch},
		{"end without start", `<R/></R>`, wire.ErrMismatch},
		{"end first", `</R>`, wire.ErrMismatch},
		{"no name", `<R>< S/></R>`, wire.ErrMalformed},
		{"name of a number", `<1/>`, wire.ErrMalformed},
		{"tag in a tag", `<R <S>`, wire.ErrMalformed},
		{"odd name", `<R"a">`, wire.ErrMalformed},
		{"unknown entity", `<R><S>&nbsp;</S></R>`, wire.ErrEntity},
		{"entity without an end", `<R><S>a & b</S></R>`, wire.ErrEntity},
		{"entity at the end", `<R><S>a &amp</S></R>`, wire.ErrEntity},
		{"zero", `<R><S>&#0;</S></R>`, wire.ErrEntity},
		{"control character", `<R><S>&#1;</S></R>`, wire.ErrEntity},
		{"no number", `<R><S>&#;</S></R>`, wire.ErrEntity},
		{"signed number", `<R><S>&#+65;</S></R>`, wire.ErrEntity},
		{"too great a number", `<R><S>&#x110000;</S></R>`, wire.ErrEntity},
		{"declarations", `<!DOCTYPE R [<!ENTITY x "y">]><R/>`, wire.ErrDoctype},
		{"declarations inside", `<!DOCTYPE R <!ENTITY x "y">><R/>`, wire.ErrDoctype},
		{"deep", strings.Repeat("<R>", 201), wire.ErrTooDeep},
		{"deep enough", strings.Repeat("<R>", 200), wire.ErrTruncated},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got leaves
			_, err := wire.Decode([]byte(test.in), &got)
			assert.Equal(t, test.want, err)
			_, err = wire.Decode([]byte(test.in), nil, "Result", "Details")
			if test.want != wire.ErrEntity { // nobody reads it
				assert.Equal(t, test.want, err)
			}
		})
	}
	assert.Equal(t, "unexpected end of document", wire.ErrTruncated.Error())
}

func TestDecodeKeepsRequestIDOfABrokenDocument(t *testing.T) {
	doc, err := wire.Decode([]byte(`<R><RequestId>r</RequestId><Result><S>s</S><T`), nil, "Result")
	assert.Equal(t, wire.ErrTruncated, err)
	assert.Equal(t, wire.Document{Root: "R", RequestID: "r", Found: true}, doc)
	doc, err = wire.Decode([]byte(`<R><RequestId>r`), nil)
	assert.Equal(t, wire.ErrTruncated, err)
	assert.Empty(t, doc.RequestID, "half of one is none")
}

// Every start of a document is an error, and none is a panic.
func TestDecodeTruncated(t *testing.T) {
	data := []byte(strings.TrimSpace(string(document(t, "AuthorizeOnBillingAgreement.xml"))))
	for i := range data {
		_, err := wire.Decode(data[:i], new(authorizeResult), "AuthorizeOnBillingAgreementResult")
		assert.Error(t, err, i)
	}
}

// Small documents are shared by the strings of the result, of large ones nothing is kept.
func TestDecodeDoesNotPinLargeDocuments(t *testing.T) {
	padding := strings.Repeat(" ", 20<<10)
	var small, large leaves
	_, err := wire.Decode([]byte("<R><S>s</S><T>t</T></R>"), &small)
	require.NoError(t, err)
	_, err = wire.Decode([]byte("<R><S>s</S>"+padding+"<T>t</T></R>"), &large)
	require.NoError(t, err)
	distance := func(l leaves) int {
		a, b := uintptr(unsafe.Pointer(unsafe.StringData(l.S))), uintptr(unsafe.Pointer(unsafe.StringData(l.T)))
		return int(b - a)
	}
	assert.Equal(t, len("s</S><T>"), distance(small))
	assert.NotEqual(t, len("s</S><T>")+len(padding), distance(large))
}

// The result does not change when the caller uses the buffer again.
func TestDecodeCopies(t *testing.T) {
	data := []byte("<R><S>s</S></R>")
	var got leaves
	_, err := wire.Decode(data, &got)
	require.NoError(t, err)
	clear(data)
	assert.Equal(t, "s", got.S)
}

// A document of many small pieces is read in linear time.
func TestDecodeManyPieces(t *testing.T) {
	var got leaves
	_, err := wire.Decode([]byte("<R><S>"+strings.Repeat("a<!---->b<![CDATA[c]]>&amp;", 1e5)+"</S></R>"), &got)
	require.NoError(t, err)
	assert.Equal(t, strings.Repeat("abc&", 1e5), got.S)
}

func TestDecodeAllocates(t *testing.T) {
	data := document(t, "AuthorizeOnBillingAgreement.xml")
	got := testing.AllocsPerRun(100, func() {
		var result authorizeResult
		if _, err := wire.Decode(data, &result, "AuthorizeOnBillingAgreementResult"); err != nil {
			t.Fatal(err)
		}
	})
	assert.LessOrEqual(t, got, 12.0)
}

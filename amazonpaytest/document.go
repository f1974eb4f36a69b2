package amazonpaytest

import (
	"bytes"
	"encoding/xml"
	"strings"
	"time"
)

// node is an element of an answer; one without a name is left out.
type node struct {
	name string
	text string
	kids []node
}

// el is an element with children, or an empty one.
func el(name string, kids ...node) node { return node{name: name, kids: kids} }

// tx is an element with text, present even if the text is empty.
func tx(name, text string) node { return node{name: name, text: text} }

// opt is an element with text, absent if there is none.
func opt(name, text string) node {
	if text == "" {
		return node{}
	}
	return tx(name, text)
}

// when keeps an element only if the condition holds.
func when(condition bool, n node) node {
	if condition {
		return n
	}
	return node{}
}

func flag(name string, value bool) node {
	if value {
		return tx(name, "true")
	}
	return tx(name, "false")
}

// stamp writes a time as the recordings do: milliseconds and Z.
func stamp(name string, at time.Time) node {
	if at.IsZero() {
		return node{}
	}
	return tx(name, at.UTC().Format("2006-01-02T15:04:05.000Z"))
}

func priced(name string, m money) node {
	return el(name, tx("Amount", m.amount()), tx("CurrencyCode", m.currency))
}

// list is a wrapped list; an empty one is an empty element.
func list(name, item string, values []string) node {
	n := el(name)
	for _, v := range values {
		n.kids = append(n.kids, tx(item, v))
	}
	return n
}

// write renders the element. The schema fixes no order among different
// children, and recorded answers differ; so the children are rotated by turn,
// which changes with every request. Lists stay in order.
func (n node) write(b *bytes.Buffer, turn int) {
	if n.name == "" {
		return
	}
	kids := present(n.kids)
	if len(kids) == 0 && n.text == "" {
		b.WriteString("<" + n.name + "/>")
		return
	}
	b.WriteString("<" + n.name + ">")
	// Errors: bytes.Buffer has none to give.
	_ = xml.EscapeText(b, []byte(n.text))
	shift := 0
	if distinct(kids) && len(kids) > 0 {
		shift = turn % len(kids)
	}
	for i := range kids {
		kids[(i+shift)%len(kids)].write(b, turn)
	}
	b.WriteString("</" + n.name + ">")
}

func present(nodes []node) []node {
	kept := make([]node, 0, len(nodes))
	for _, n := range nodes {
		if n.name != "" {
			kept = append(kept, n)
		}
	}
	return kept
}

func distinct(nodes []node) bool {
	seen := make(map[string]bool, len(nodes))
	for _, n := range nodes {
		if seen[n.name] {
			return false
		}
		seen[n.name] = true
	}
	return true
}

const (
	namespace        = "http://mws.amazonservices.com/schema/OffAmazonPayments/2013-01-01"
	gatewayNamespace = "http://mws.amazonservices.com/doc/2009-01-01/"
)

// render is the results of an action.
func render(results []node, turn int) []byte {
	var b bytes.Buffer
	for _, n := range results {
		n.write(&b, turn)
	}
	return bytes.Clone(b.Bytes()) // without the buffer's spare room: it may be kept
}

// document is a whole answer: the results of an action and its metadata.
func document(action, requestID string, results []byte, turn int) []byte {
	var b bytes.Buffer
	root := action + "Response"
	b.WriteString("<" + root + ` xmlns="` + namespace + `">`)
	b.Write(results)
	el("ResponseMetadata", tx("RequestId", requestID)).write(&b, turn)
	b.WriteString("</" + root + ">\n")
	return b.Bytes()
}

// errorDocument is the answer to a request that was refused.
func errorDocument(r *refusal, requestID string, shout bool) []byte {
	space, idName := namespace, "RequestId"
	if gatewayCodes[r.code] {
		// What the gateway in front of all of Amazon's seller APIs refuses
		// comes in its own dialect.
		space, shout = gatewayNamespace, true
	}
	if shout {
		idName = "RequestID"
	}
	kind := "Sender"
	switch {
	case r.code == "RequestThrottled":
		kind, idName = "", "RequestID" // as recorded
	case r.status >= 500:
		kind = "Receiver"
	}
	var b bytes.Buffer
	el("Error", tx("Type", kind), tx("Code", r.code), tx("Message", r.message)).write(&b, 0)
	tx(idName, requestID).write(&b, 0)
	return []byte("<ErrorResponse xmlns=\"" + space + "\">\n" + b.String() + "\n</ErrorResponse>\n")
}

// printable drops what XML cannot carry, so that a strange value in an error
// message does not break the document.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0xFFFE || r == 0xFFFF || r == 0xFFFD {
			return '?'
		}
		return r
	}, s)
}

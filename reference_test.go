package amazonpay_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/amazonpay-go/amazonpay"
)

// TestNewReferenceID pins the ids for ever: a merchant that made one with an
// older version must get the same, or the buyer pays twice.
func TestNewReferenceID(t *testing.T) {
	intent := amazonpay.NewReferenceID("tea.example", "subscription 42", "2026-11", "try 1")
	tests := map[string]struct {
		id   amazonpay.ReferenceID
		want amazonpay.ReferenceID
	}{
		"an intent":              {intent, "7801220f35f25eee896e9dee1581cea1"},
		"its next try":           {amazonpay.NewReferenceID("tea.example", "subscription 42", "2026-11", "try 2"), "f41b894e16c750fc92bdc49dafb78028"},
		"of another shop":        {amazonpay.NewReferenceID("cake.example", "subscription 42", "2026-11", "try 1"), "cfe6fa876e7b53f5a70efc0e62796ef9"},
		"without words":          {amazonpay.NewReferenceID(""), "3b3b10a2a6845b1aaaac1a0206d88c68"},
		"of an empty word":       {amazonpay.NewReferenceID("", ""), "0070870c47e252f8a6a575325c06fa84"},
		"of 200 bytes":           {amazonpay.NewReferenceID(strings.Repeat("x", 200), "茶"), "ead88ca15ee35f05836231bc0cf89691"},
		"its capture":            {intent.Derive("capture"), "8f4ec94bc4ea5ffd8702495dfcbb00f1"},
		"its fall-back":          {intent.Derive("asynchronous"), "77babc39a60255a7b76d93d0f66aa045"},
		"its first refund":       {intent.Derive("refund", "1"), "c2f55eed18ff52cc9e94556c0bcbe536"},
		"its second refund":      {intent.Derive("refund", "2"), "cb2551d9bae95a28aa16c7d10cb78358"},
		"the capture's refund":   {intent.Derive("capture").Derive("refund", "1"), "f601a0ffae295f15b6f8b2ca12160ffa"},
		"of a merchant's own id": {amazonpay.ReferenceID("sub-42-2026-11").Derive("capture"), "3957c3687bc5595fa55f4546cc7a8e0a"},
	}
	seen := make(map[amazonpay.ReferenceID]string)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, tt.id)
			assert.Regexp(t, `^[0-9a-f]{32}$`, tt.id)
			assert.Empty(t, seen[tt.id])
			seen[tt.id] = name
		})
	}
}

// FuzzNewReferenceID looks for two lists of words with one id: the same text,
// divided in two ways.
func FuzzNewReferenceID(f *testing.F) {
	f.Add("tea.example|subscription 4|2", "tea.example|subscription 42")
	f.Add("a||b", "a|b")
	f.Add("a", "a|")
	f.Add("\x01a", "a")
	f.Add(strings.Repeat("x", 127)+"|y", strings.Repeat("x", 128))
	f.Fuzz(func(t *testing.T, one, other string) {
		a, b := strings.Split(one, "|"), strings.Split(other, "|")
		first, second := amazonpay.NewReferenceID(a[0], a[1:]...), amazonpay.NewReferenceID(b[0], b[1:]...)
		assert.Equal(t, slices.Equal(a, b), first == second)
		assert.Len(t, first, 32)
		assert.Equal(t, first, amazonpay.NewReferenceID(a[0], a[1:]...))
		steps := amazonpay.ReferenceID(a[0]).Derive(a[1:]...)
		assert.NotEqual(t, first, steps, "a step is never an intent")
		assert.Equal(t, slices.Equal(a, b), steps == amazonpay.ReferenceID(b[0]).Derive(b[1:]...))
	})
}

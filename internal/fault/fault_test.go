package fault_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/internal/fault"
)

func TestList(t *testing.T) {
	var wrong fault.List
	wrong.Add("A", "")
	wrong.AddError("B", nil)
	require.NoError(t, wrong.Of("lwa", "Config"), "nothing is wrong")
	wrong.Add("A", "is required")
	wrong.AddError("B[1].C", errors.New("is unknown"))
	err := wrong.Of("lwa", "Config")
	require.EqualError(t, err, "lwa: Config: A is required; B[1].C is unknown")
	invalid, ok := errors.AsType[*fault.InvalidError](err)
	require.True(t, ok)
	assert.Equal(t, "Config", invalid.Subject)
	assert.Equal(t, []fault.Fault{{Field: "A", Problem: "is required"}, {Field: "B[1].C", Problem: "is unknown"}}, invalid.Faults)

	own := &fault.InvalidError{Subject: "Charge", Faults: wrong} // in a program's test
	assert.EqualError(t, own, "amazonpay: Charge: A is required; B[1].C is unknown")
}

func TestWord(t *testing.T) {
	for _, test := range []struct {
		value string
		most  int
		want  string
	}{
		{"", 3, "is required"}, {"", 0, "is required"},
		{"abc", 3, ""}, {"abcd", 3, "is longer than 3 bytes"}, {strings.Repeat("a", 1<<16), 0, ""},
		{"a b", 9, "has a space or a character outside printable ASCII"},
		{"a\n", 9, "has a space or a character outside printable ASCII"},
		{"a\x7f", 9, "has a space or a character outside printable ASCII"},
		{"ä", 9, "has a space or a character outside printable ASCII"},
		{"!~", 9, ""},
	} {
		assert.Equal(t, test.want, fault.Word(test.value, test.most), "%.9q", test.value)
		if test.value != "" {
			assert.Equal(t, test.want, fault.Optional(test.value, test.most), "%.9q", test.value)
		}
	}
	assert.Empty(t, fault.Optional("", 3))
}

func TestAddress(t *testing.T) {
	const (
		form  = `wants the form "https://host[:port]"`
		host  = "wants a host of ASCII letters, digits, dots and hyphens"
		http  = "is plain http, which production takes for this machine only"
		noURL = "is not a URL"
	)
	for _, test := range []struct{ address, url, baseURL string }{
		{"https://shop.example", "", ""},
		{"HTTPS://Shop.Example:8443/a/b/", "", ""},
		{"https://[2001:db8::1]/", "", ""},
		{"https://shop.example/a?b=c", "", "takes no query"},
		{"https://shop.example/a?", "", "takes no query"},
		{"https://shop.example/a#b", "takes no user or fragment", "takes no user or fragment"},
		{"https://shop.example/a#", "takes no user or fragment", "takes no user or fragment"},
		{"https://me@shop.example/", "takes no user or fragment", "takes no user or fragment"},
		{"https://täglich.example/", "", host},
		{"https://[fe80::1%25lo]/", "", host},
		{"https://shop.example;x/", "", host},
		{"https://:8443/", form, form},
		{"https:shop.example", form, form},
		{"//shop.example", form, form},
		{"ftp://shop.example", form, form},
		{"", form, form},
		{"https://shop example", noURL, noURL},
		{"https://shop.example\n", noURL, noURL},
		{"http://shop.example", http, http},
		{"http://127.0.0.1.example", http, http},
		{"http://notlocalhost", http, http},
		{"http://0.0.0.0", http, http},
		{"http://10.0.0.1", http, http},
		{"http://127.0.0.1:8080", "", ""},
		{"http://127.9.9.9", "", ""},
		{"http://[::1]:8080", "", ""},
		{"http://localhost:8080", "", ""},
		{"http://LOCALHOST:8080", "", ""},
	} {
		assert.Equal(t, test.url, fault.URL(test.address, false), "URL %s", test.address)
		assert.Equal(t, test.baseURL, fault.BaseURL(test.address, false), "BaseURL %s", test.address)
		if test.url == http {
			assert.Empty(t, fault.URL(test.address, true), "plain URL %s", test.address)
			assert.Empty(t, fault.BaseURL(test.address, true), "plain BaseURL %s", test.address)
		} else {
			assert.Equal(t, test.url, fault.URL(test.address, true), "plain URL %s", test.address)
		}
	}
}

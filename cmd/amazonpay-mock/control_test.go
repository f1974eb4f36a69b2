package main

import (
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// What a web page can make a browser send, and what a name that a stranger lets
// point here looks like.
func TestStrangersCannotSteer(t *testing.T) {
	p := begin(t, "-name", "mock.test")
	port := p.HTTP[0][strings.LastIndex(p.HTTP[0], ":"):]
	cases := []struct {
		name, method, host string
		header             map[string]string
		status             int
	}{
		{"a script of ours", "POST", "127.0.0.1" + port, nil, 200},
		{"localhost", "POST", "localhost" + port, nil, 200},
		{"IPv6", "POST", "[::1]" + port, nil, 200},
		{"a name of ours", "POST", "mock.test" + port, nil, 200},
		{"our own page", "POST", "localhost" + port, map[string]string{"Origin": "http://localhost" + port, "Sec-Fetch-Site": "same-origin"}, 200},
		{"typed into the browser", "GET", "localhost" + port, map[string]string{"Sec-Fetch-Site": "none"}, 200},
		{"JSON with a charset", "POST", "localhost" + port, map[string]string{"Content-Type": "application/json; charset=utf-8"}, 200},

		{"rebound DNS", "POST", "evil.example" + port, nil, 403},
		{"rebound DNS, reading", "GET", "evil.example" + port, nil, 403},
		{"rebound DNS, same origin", "POST", "evil.example" + port, map[string]string{"Origin": "http://evil.example" + port, "Sec-Fetch-Site": "same-origin"}, 403},
		{"a name that looks like ours", "POST", "localhost.evil.example" + port, nil, 403},
		{"a name that ends like ours", "POST", "evil-mock.test" + port, nil, 403},
		{"Amazon's name", "POST", "www.amazon.com" + port, nil, 403},
		{"no host", "POST", "%", nil, 403},
		{"another site's page", "POST", "localhost" + port, map[string]string{"Origin": "https://evil.example"}, 403},
		{"another port's page", "POST", "localhost" + port, map[string]string{"Origin": "http://localhost:3000"}, 403},
		{"a page without an origin", "POST", "localhost" + port, map[string]string{"Origin": "null"}, 403},
		{"another site, old browser's form", "POST", "localhost" + port, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 415},
		{"another site's form with JSON in it", "POST", "localhost" + port, map[string]string{"Content-Type": "text/plain"}, 415},
		{"no content type", "POST", "localhost" + port, map[string]string{"Content-Type": ""}, 415},
		{"another site's image", "GET", "localhost" + port, map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"another port's script", "GET", "localhost" + port, map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			body := ""
			if c.method == "POST" {
				body = `{"factor":0}`
			}
			req, err := http.NewRequest(c.method, p.HTTP[0]+"/mock/quota", strings.NewReader(body))
			require.NoError(t, err)
			if c.method == "GET" {
				req.URL.Path = "/mock/clock"
			}
			req.Host = c.host
			req.Header.Set("Content-Type", "application/json")
			for name, value := range c.header {
				req.Header.Set(name, value)
			}
			resp, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			defer func() { _ = resp.Body.Close() }()
			assert.Equal(t, c.status, resp.StatusCode)
			assert.Empty(t, resp.Header.Get("Access-Control-Allow-Origin"))
			if c.status == 200 {
				assert.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
				assert.Equal(t, "same-origin", resp.Header.Get("Cross-Origin-Resource-Policy"))
			}
		})
	}
}

// Errors are JSON that names the field.
func TestControlErrors(t *testing.T) {
	p := begin(t)
	cases := []struct {
		name, method, path, body string
		status                   int
		field, message           string
	}{
		{"no such path", "GET", "/mock/nothing", "", 404, "", "no such path"},
		{"wrong method", "DELETE", "/mock/clock", "", 405, "", "takes GET and POST"},
		{"no JSON", "POST", "/mock/clock", "{", 400, "", "must be JSON"},
		{"no body", "POST", "/mock/clock", " ", 400, "", "must be JSON"},
		{"two values", "POST", "/mock/clock", `{"advance":"1h"} {}`, 400, "", "more than one value"},
		{"unknown field", "POST", "/mock/clock", `{"advnace":"1h"}`, 400, "advnace", "no field"},
		{"wrong type", "POST", "/mock/clock", `{"advance":1}`, 400, "advance", "must be of type string"},
		{"too long", "POST", "/mock/clock", `{"advance":"` + strings.Repeat("1", maxBody) + `h"}`, 413, "", "longer"},
		{"deeply nested", "POST", "/mock/clock", strings.Repeat("[", 20000), 400, "", "must be"},
		{"unknown region", "GET", "/mock/state?region=XX", "", 400, "region", "unknown"},
		{"unknown parameter", "GET", "/mock/state?regoin=NA", "", 400, "regoin", "is no parameter"},
		{"a parameter twice", "GET", "/mock/state?id=1&id=2", "", 400, "id", "twice"},
		{"bad query", "GET", "/mock/state?%zz", "", 400, "", "cannot be read"},
		{"bad limit", "GET", "/mock/ledger?limit=-1", "", 400, "limit", "whole number"},
		{"bad offset", "GET", "/mock/calls?offset=x", "", 400, "offset", "whole number"},
		{"bad buyers", "GET", "/mock/state?buyers=some", "", 400, "buyers", "true or false"},
		{"clock: nothing", "POST", "/mock/clock", `{}`, 400, "advance", "either"},
		{"clock: both", "POST", "/mock/clock", `{"advance":"1h","to":"2030-01-01T00:00:00Z"}`, 400, "advance", "either"},
		{"clock: backwards", "POST", "/mock/clock", `{"advance":"-1h"}`, 400, "advance", "advance is negative"},
		{"clock: no duration", "POST", "/mock/clock", `{"advance":"P1M"}`, 400, "advance", "advance is \"P1M\"; it is a text like"},
		{"clock: backwards in time", "POST", "/mock/clock", `{"to":"2001-01-01T00:00:00Z"}`, 400, "to", "has passed"},
		{"clock: far", "POST", "/mock/clock", `{"advance":"2000000h"}`, 400, "advance", "20 years"},
		{"clock: too far", "POST", "/mock/clock", `{"to":"9000-01-01T00:00:00Z"}`, 400, "to", "20 years"},
		{"fault: kind", "POST", "/mock/faults", `{"kind":"Gremlin"}`, 400, "kind", `kind is "Gremlin"; there are [RequestLost`},
		{"fault: no kind", "POST", "/mock/faults", `{}`, 400, "kind", "kind is missing"},
		{"fault: action", "POST", "/mock/faults", `{"kind":"Slow","action":"Steal"}`, 400, "action", `action is "Steal"; there is no such action`},
		{"fault: delay", "POST", "/mock/faults", `{"kind":"Slow","delay":"2"}`, 400, "delay", `delay is "2"`},
		{"fault: endless delay", "POST", "/mock/faults", `{"kind":"Slow","delay":"9000h"}`, 400, "delay", "at most"},
		{"fault: probability", "POST", "/mock/faults", `{"kind":"Slow","probability":2}`, 400, "probability", "between 0 and 1"},
		{"act: endless delay", "POST", "/mock/acts", `{"do":"Inject","kind":"Slow","duration":"99999h"}`, 400, "duration", "at most 1h"},
		{"act: fault's action", "POST", "/mock/acts", `{"do":"Inject","kind":"Slow","action":"Steal"}`, 400, "action", "no such action"},
		{"act: fault's probability", "POST", "/mock/acts", `{"do":"Inject","kind":"Slow","probability":2}`, 400, "probability", "between 0 and 1"},
		{"act: the end of time", "POST", "/mock/acts", `{"do":"AdvanceTo","to":"9999-12-31T23:59:58Z"}`, 400, "to", "20 years"},
		{"act: two centuries", "POST", "/mock/acts?region=uk", `{"do":"Advance","duration":"2000000h"}`, 400, "duration", "20 years"},
		{"act: unknown field of a field", "POST", "/mock/acts", `{"do":"SignIn","buyer":{"nam":"x"}}`, 400, "buyer.nam", "is no field"},
		{"act: a number that is none", "POST", "/mock/acts", `{"do":"SetQuota","quota":1e400}`, 400, "quota", "must be a smaller or a whole number, not 1e400"},
		{"act: half a number", "POST", "/mock/acts", `{"do":"Resend","number":1.5}`, 400, "number", "whole number, not 1.5"},
		{"act: no number", "POST", "/mock/acts", `{"do":"Resend","number":"1"}`, 400, "number", "must be of type number, not string"},
		{"act: no truth", "POST", "/mock/acts", `{"do":"OpenBillingAgreement","digital":1}`, 400, "digital", "must be of type boolean"},
		{"unknown environment", "GET", "/mock/state?environment=moon", "", 400, "environment", "unknown"},
		{"quota", "POST", "/mock/quota", `{"factor":-1}`, 400, "factor", "zero or above"},
		{"act: unknown", "POST", "/mock/acts", `{"do":"Dance"}`, 400, "do", `no act "Dance"`},
		{"act: missing", "POST", "/mock/acts", `{"do":"Cancel"}`, 400, "id", "missing"},
		{"act: too much", "POST", "/mock/acts", `{"do":"Cancel","id":"C01-1-1","amount":"1 USD"}`, 400, "amount", "does not belong"},
		{"act: unknown object", "POST", "/mock/acts", `{"do":"Cancel","id":"C01-1-1"}`, 400, "id", "C01-1-1"},
		{"act: a price of another shape", "POST", "/mock/acts", `{"do":"OpenOrderReference","amount":{"value":1}}`, 400, "amount", "must be of type string, not object"},
		{"act: a buyer of another shape", "POST", "/mock/acts", `{"do":"SignIn","buyer":"B"}`, 400, "buyer", "must be of type object, not string"},
		{"act: bad price", "POST", "/mock/acts", `{"do":"OpenOrderReference","amount":"1.234 USD"}`, 400, "amount", "cannot be read: price"},
		{"act: bad time", "POST", "/mock/acts", `{"do":"AdvanceTo","to":"tomorrow"}`, 400, "to", "cannot parse"},
		{"reset: fields", "POST", "/mock/reset", `{"all":true}`, 400, "all", "no field"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			status, text := p.request(c.method, c.path, c.body)
			assert.Equal(t, c.status, status, text)
			var answer struct {
				Error struct{ Field, Message string }
			}
			require.NoError(t, json.Unmarshal([]byte(text), &answer))
			assert.Equal(t, c.field, answer.Error.Field)
			assert.Contains(t, answer.Error.Message, c.message)
		})
	}
}

// Every line of the table answers, and its example is a good request.
func TestControlTable(t *testing.T) {
	p := begin(t)
	for _, line := range get[[]struct {
		Method, Path string
		Body         json.RawMessage
	}](p, "/mock/") {
		t.Run(line.Method+" "+line.Path, func(t *testing.T) {
			assert.True(t, strings.Contains(readmeText(t), strings.TrimPrefix(line.Path, "/mock/")), "it is told in the README")
			if strings.HasSuffix(line.Path, ".pem") {
				return // no JSON
			}
			status, text := p.request(line.Method, line.Path, string(line.Body))
			assert.Equal(t, http.StatusOK, status, text)
			assert.NotContains(t, text, ": null", "a list is a list")
		})
	}
}

// A story that is steered from outside from beginning to end.
func TestSteering(t *testing.T) {
	p := begin(t, "-manual-clock", "-start", "2026-03-01T00:00:00Z")
	client := p.client(amazonpay.RegionNA)
	id := p.agree(amazonpay.RegionNA)

	status, text := p.request("POST", "/mock/faults", `{"action":"AuthorizeOnBillingAgreement","kind":"AnswerLost","times":-1}`)
	require.Equal(t, 200, status, text)
	var unknown *amazonpay.OutcomeUnknownError
	require.ErrorAs(t, p.charge(client, amazonpay.RegionNA, id, "lost"), &unknown)
	status, text = p.request("DELETE", "/mock/faults", "")
	require.Equal(t, 200, status, text)
	require.NoError(t, p.charge(client, amazonpay.RegionNA, id, "lost"))
	require.Len(t, get[[]movement](p, "/mock/ledger"), 1, "the money moved once")
	assert.Len(t, get[[]movement](p, "/mock/ledger?id="+string(id)), 1)
	assert.Empty(t, get[[]movement](p, "/mock/ledger?id=C01-0000000-0000000"))

	calls := get[[]callRecord](p, "/mock/calls?action=AuthorizeOnBillingAgreement")
	require.Greater(t, len(calls), 1)
	assert.Equal(t, amazonpaytest.AnswerLost, calls[0].Fault)
	assert.True(t, calls[len(calls)-1].Replay)
	assert.Equal(t, "(hidden)", calls[0].Params["Signature"])
	assert.Equal(t, calls[len(calls)-1:], get[[]callRecord](p, "/mock/calls?limit=1"))

	status, text = p.request("POST", "/mock/clock", `{"advance":"720h"}`)
	require.Equal(t, 200, status, text)
	type clock struct{ Now time.Time }
	want := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	assert.Equal(t, want, get[clock](p, "/mock/clock").Now)
	for _, region := range []string{"UK", "EU", "JP"} {
		assert.Equal(t, want, get[amazonpaytest.Snapshot](p, "/mock/state?region="+region).Now, "the regions have one time")
	}
	p.act("uk", `{"do":"Advance","duration":"24h"}`)
	assert.Equal(t, want.Add(24*time.Hour), get[clock](p, "/mock/clock").Now, "an act moves all clocks, too")

	p.act("", `{"do":"OpenBillingAgreement","seller":"AFAKESELLER01JP"}`)
	assert.Len(t, get[amazonpaytest.Snapshot](p, "/mock/state?region=jp").Agreements, 1, "the seller says the region")
	assert.Len(t, get[amazonpaytest.Snapshot](p, "/mock/state").Agreements, 1)

	status, text = p.request("POST", "/mock/reset", `{}`)
	require.Equal(t, 200, status, text)
	assert.Empty(t, get[amazonpaytest.Snapshot](p, "/mock/state").Agreements)
	assert.Empty(t, get[[]callRecord](p, "/mock/calls"))
	assert.Equal(t, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), get[clock](p, "/mock/clock").Now)
}

// Buyers are shown to those who ask for them.
func TestBuyersAreAskedFor(t *testing.T) {
	p := begin(t)
	p.act("", `{"do":"OpenBillingAgreement","buyer":{"Name":"Ada Example","Email":"ada@example.com"}}`)
	_, text := p.request("GET", "/mock/state", "")
	assert.NotContains(t, text, "Ada")
	_, text = p.request("GET", "/mock/state?buyers=true", "")
	assert.Contains(t, text, "Ada Example")
}

func TestQuotaIsApplied(t *testing.T) {
	p := begin(t, "-quota", "1")
	client, id := p.client(amazonpay.RegionNA), p.agree(amazonpay.RegionNA)
	throttled := false
	for range 20 {
		_, err := client.GetBillingAgreementDetails(t.Context(), amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: id})
		throttled = throttled || err != nil
	}
	assert.True(t, throttled)
}

var (
	readmePost = regexp.MustCompile(`^post '?([a-z?=]+)'? '(\{.*\})'`)
	readmeGet  = regexp.MustCompile(`^curl -sS (?:-X (DELETE) )?"?\$m/([^"\s]+)"?(\s|$)`)
)

// The commands of the README do what they say, one after the other.
func TestReadmeCommands(t *testing.T) {
	p := begin(t)
	done := 0
	for line := range strings.Lines(readmeText(t)) {
		method, path, body := "", "", ""
		if m := readmePost.FindStringSubmatch(line); m != nil {
			method, path, body = "POST", m[1], m[2]
		} else if m := readmeGet.FindStringSubmatch(line); m != nil {
			method, path = cmp.Or(m[1], "GET"), m[2]
		} else {
			continue
		}
		done++
		status, text := p.request(method, "/mock/"+path, body)
		assert.Equal(t, http.StatusOK, status, "%s%s", line, text)
	}
	assert.Equal(t, strings.Count(readmeText(t), "\npost ")+strings.Count(readmeText(t), "\ncurl "), done)
}

// A client in another language learns of every field of an act what can stand in
// it.
func TestActFields(t *testing.T) {
	p := begin(t)
	fields := get[[]actField](p, "/mock/fields")
	byName := make(map[string]actField)
	for _, f := range fields {
		byName[f.Name] = f
		assert.NotEmpty(t, f.Doc, f.Name)
		require.NotNil(t, f.Example, f.Name)
		text, err := json.Marshal(map[string]any{"do": "Heal", f.Name: f.Example})
		require.NoError(t, err)
		if f.Name == "to" || f.Name == "do" {
			continue
		}
		_, answer := p.request("POST", "/mock/acts", string(text))
		assert.Contains(t, answer, "does not belong to it", "the example of %s can be read", f.Name)
	}
	assert.Len(t, actNotes, len(fields), "and nothing else is told of")
	for _, a := range amazonpaytest.Acts() {
		for _, name := range slices.Concat(a.Needs, a.Takes) {
			assert.NotEmpty(t, byName[name].Type, name)
		}
	}
	assert.Equal(t, []string{"object", "string", "number", "boolean", "object", "string"},
		[]string{byName["buyer"].Type, byName["to"].Type, byName["times"].Type, byName["soft"].Type, byName["options"].Type, byName["amount"].Type})
	assert.Contains(t, byName["payment"].Values, "ShortOnce")
	assert.Contains(t, byName["buyer"].Fields, actField{Name: "Email", Type: "string"})
}

// Faults are told as they are injected.
func TestFaultsInState(t *testing.T) {
	p := begin(t)
	status, text := p.request("POST", "/mock/faults", `{"kind":"Slow","delay":"PT2S","probability":0.5}`)
	require.Equal(t, 200, status, text)
	type state struct{ Faults []map[string]any }
	assert.Equal(t, []map[string]any{{"kind": "Slow", "delay": "2s", "times": 1.0, "probability": 0.5}}, get[state](p, "/mock/state").Faults)
}

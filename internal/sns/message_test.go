package sns_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/amazonpay-go/amazonpay/internal/sns"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The string to sign, type by type.
func TestStringToSign(t *testing.T) {
	subject := ""
	for _, c := range []struct {
		name string
		m    sns.Message
		want string
	}{
		{
			"notification", sns.Message{Type: "Notification", Message: "é\nb", MessageID: "1", Timestamp: "t", TopicARN: "a", Token: "x", SubscribeURL: "x"},
			"Message\né\nb\nMessageId\n1\nTimestamp\nt\nTopicArn\na\nType\nNotification\n",
		},
		{
			"with an empty subject", sns.Message{Type: "Notification", Message: "m", MessageID: "1", Subject: &subject, Timestamp: "t", TopicARN: "a"},
			"Message\nm\nMessageId\n1\nSubject\n\nTimestamp\nt\nTopicArn\na\nType\nNotification\n",
		},
		{
			"subscription", sns.Message{Type: "SubscriptionConfirmation", Message: "m", MessageID: "1", Subject: &subject, Timestamp: "t", TopicARN: "a", Token: "k", SubscribeURL: "u"},
			"Message\nm\nMessageId\n1\nSubscribeURL\nu\nTimestamp\nt\nToken\nk\nTopicArn\na\nType\nSubscriptionConfirmation\n",
		},
		{
			"end of a subscription", sns.Message{Type: "UnsubscribeConfirmation", Message: "m", MessageID: "1", Timestamp: "t", TopicARN: "a", Token: "k", SubscribeURL: "u"},
			"Message\nm\nMessageId\n1\nSubscribeURL\nu\nTimestamp\nt\nToken\nk\nTopicArn\na\nType\nUnsubscribeConfirmation\n",
		},
	} {
		assert.Equal(t, "x"+c.want, string(c.m.AppendStringToSign([]byte("x"))), c.name)
	}
	long := sns.Message{Type: "Notification", Message: strings.Repeat("m", 1<<16)}
	assert.Contains(t, string(long.AppendStringToSign(nil)), long.Message)
}

func TestParseTopic(t *testing.T) {
	got, ok := sns.ParseTopic("arn:aws:sns:us-gov-west-1:012345678901:My-Topic_1")
	require.True(t, ok)
	assert.Equal(t, sns.Topic{Region: "us-gov-west-1", Account: "012345678901", Name: "My-Topic_1"}, got)
	for _, region := range []string{"us-east-1", "eu-west-1", "us-west-2", "ap-southeast-10"} {
		_, ok := sns.ParseTopic("arn:aws:sns:" + region + ":012345678901:t")
		assert.True(t, ok, region)
	}
	for _, arn := range []string{
		"", "arn:aws:sns", "arn:aws:sns:us-east-1", "arn:aws:sns:us-east-1:012345678901", "arn:aws:sns:us-east-1:012345678901:",
		"arn:aws:sqs:us-east-1:012345678901:t", "arn:aws-cn:sns:us-east-1:012345678901:t", "ARN:aws:sns:us-east-1:012345678901:t", " arn:aws:sns:us-east-1:012345678901:t",
		"arn:aws:sns:us-east-1:01234567890:t", "arn:aws:sns:us-east-1:0123456789012:t", "arn:aws:sns:us-east-1:01234567890a:t",
		"arn:aws:sns:us-east-1:012345678901:t:u", "arn:aws:sns:us-east-1:012345678901:t.fifo", "arn:aws:sns:us-east-1:012345678901:t\n", "arn:aws:sns:us-east-1:012345678901:é",
		"arn:aws:sns:us-east-1:012345678901:" + strings.Repeat("t", 257),
		"arn:aws:sns::012345678901:t", "arn:aws:sns:us:012345678901:t", "arn:aws:sns:us-1:012345678901:t", "arn:aws:sns:us-east:012345678901:t", "arn:aws:sns:us-east-:012345678901:t",
		"arn:aws:sns:us--1:012345678901:t", "arn:aws:sns:usa-east-1:012345678901:t", "arn:aws:sns:s3-us-west-2:012345678901:t", "arn:aws:sns:us-east1-1:012345678901:t",
		"arn:aws:sns:US-EAST-1:012345678901:t", "arn:aws:sns:us-east-1.evil:012345678901:t", "arn:aws:sns:us-east/-1:012345678901:t", "arn:aws:sns:us-" + strings.Repeat("east-", 6) + "1:012345678901:t",
	} {
		_, ok := sns.ParseTopic(arn)
		assert.False(t, ok, "%q", arn)
	}
}

// What the JSON reader takes and refuses.
func TestMembers(t *testing.T) {
	got, err := sns.Members(nil, "\ufeff { \"a\" : \"b\\u00e9\\n\\\"\\\\\\/\\b\\f\\r\\t\" ,\r\n\t\"\\u0063\":true,\"n\":null,\"o\":{\"a\":[1,{}]} , \"e\":\"\", \"p\":\"\\ud83d\\uDE00\",\"d\":-1.5E+3} \n")
	require.NoError(t, err)
	assert.Equal(t, []sns.Member{
		{Name: "a", Text: "bé\n\"\\/\b\f\r\t", String: true}, {Name: "c", Text: "true"}, {Name: "n", Text: "null"}, {Name: "o", Text: `{"a":[1,{}]}`},
		{Name: "e", String: true}, {Name: "p", Text: "😀", String: true}, {Name: "d", Text: "-1.5E+3"},
	}, got)
	got, err = sns.Members(nil, "{}")
	require.NoError(t, err)
	assert.Empty(t, got)

	for name, src := range map[string]string{
		"nothing": "", "array": "[]", "text": `"a"`, "open": "{", "name only": `{"a"`, "no value": `{"a":`, "no end": `{"a":"b"`, "open text": `{"a":"b`, "open escape": `{"a":"b\`,
		"quote escaped away": `{"a":"b\"}`, "bare name": `{a:"b"}`, "bare value": `{"a":b}`, "comma first": `{,"a":"b"}`, "comma last": `{"a":"b",}`, "no comma": `{"a":"b" "c":"d"}`, "two commas": `{"a":"b",,"c":"d"}`,
		"no colon": `{"a" "b"}`, "semicolon": `{"a":"b";"c":"d"}`, "single quotes": `{'a':'b'}`, "comment": `{/**/"a":"b"}`, "two objects": `{}{}`, "trailing comma": `{},`, "NUL": "{}\x00", "two marks": "\ufeff\ufeff{}",
		"plus": `{"a":+1}`, "leading zero": `{"a":01}`, "point first": `{"a":.5}`, "point last": `{"a":1.}`, "NaN": `{"a":NaN}`, "wrong word": `{"a":nul}`, "word and more": `{"a":nulll}`,
		"open array": `{"a":[1}`, "crossed": `{"a":[}]}`, "deep": `{"a":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}",
		"twice": `{"a":"b","a":"b"}`, "twice in other case": `{"Type":"b","tYPE":"b"}`, "twice by folding": `{"SigningCertURL":"b","ſigningCertURL":"b"}`, "twice by an escape": `{"a":"b","\u0061":"b"}`, "twice, once nested": `{"a":{},"a":"b"}`,
		"line break": "{\"a\":\"\n\"}", "tab": "{\"a\":\"\t\"}", "unit separator": "{\"a\":\"\x1f\"}", "line break in a name": "{\"a\n\":\"\"}",
		"not UTF-8": "{\"a\":\"\xff\"}", "overlong": "{\"a\":\"\xc0\x80\"}", "surrogate in UTF-8": "{\"a\":\"\xed\xa0\x80\"}", "not UTF-8 outside": "{\"a\":\"\"}\xff",
		"escape x": `{"a":"\x41"}`, "escape apostrophe": `{"a":"\'"}`, "short escape": `{"a":"\u00e"}`, "escape with sign": `{"a":"\u+0e9"}`, "escape with underscore": `{"a":"\u0_e9"}`, "capital U": `{"a":"\U000000e9"}`,
		"high half": `{"a":"\ud83d"}`, "low half": `{"a":"\ude00"}`, "halves the wrong way": `{"a":"\ude00\ud83d"}`, "half and letter": `{"a":"\ud83dx"}`, "half and escape": `{"a":"\ud83d\n"}`, "half and no half": `{"a":"\ud83d\u0041"}`, "half and short": `{"a":"\ud83d\ude0"}`,
		"many": "{" + numbered(33) + "}",
	} {
		_, err := sns.Members(nil, src)
		assert.Error(t, err, name)
	}
	got, err = sns.Members(nil, "{"+numbered(32)+"}")
	require.NoError(t, err)
	assert.Len(t, got, 32)
	_, err = sns.Members(nil, `{"a":"\ufffd","b":"\uFFFF","c":"\u0000","d":"\ue000"}`)
	require.NoError(t, err, "characters that only look like errors")
}

func numbered(n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf(`"n%d":""`, i)
	}
	return strings.Join(parts, ",")
}

// What the reader takes, encoding/json takes too and understands alike.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{
		`{"a":"b\u00e9\ud83d\ude00\/","c":null,"d":{"x":[1,2]},"e":true}`, "\ufeff{}", `{"a":"\ud83d"}`, `{"a":1e5,"A":2}`, "{\"a\":\"\\\"\"}", `{"Message":"{\"a\":\"<b>\\/<\\/b>\"}"}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		members, err := sns.Members(nil, src)
		plain := strings.TrimPrefix(src, "\ufeff")
		var want map[string]json.RawMessage
		if wrong := json.Unmarshal([]byte(plain), &want); wrong != nil || want == nil {
			if err == nil {
				t.Fatalf("took what encoding/json refuses: %v", wrong)
			}
			return
		}
		if err != nil {
			return // stricter; TestMembers says where
		}
		if len(want) != len(members) {
			t.Fatalf("%d members instead of %d", len(members), len(want))
		}
		for _, m := range members {
			var s string
			raw := want[m.Name]
			if isText := len(raw) > 0 && raw[0] == '"'; isText != m.String {
				t.Fatalf("%q: kind", m.Name)
			} else if isText && (json.Unmarshal(raw, &s) != nil || s != m.Text) {
				t.Fatalf("%q: %q instead of %q", m.Name, m.Text, s)
			} else if !isText && string(raw) != m.Text {
				t.Fatalf("%q: %q instead of %q", m.Name, m.Text, raw)
			}
		}
	})
}

var region = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)

// A topic is taken apart without remainder, and its region can be no bucket.
func FuzzTopic(f *testing.F) {
	f.Add(topic)
	f.Add("arn:aws:sns:s3-us-west-2:012345678901:t")
	f.Fuzz(func(t *testing.T, arn string) {
		got, ok := sns.ParseTopic(arn)
		if !ok {
			return
		}
		if "arn:aws:sns:"+got.Region+":"+got.Account+":"+got.Name != arn || !region.MatchString(got.Region) || strings.ContainsAny(arn, "\n/@.#?") {
			t.Fatalf("took %q", arn)
		}
	})
}

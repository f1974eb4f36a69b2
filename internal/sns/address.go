package sns

import (
	"net/url"
	"strings"
)

const (
	digits       = "0123456789"
	alphanumeric = digits + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// only reports whether s consists of the given characters, and is not empty.
func only(s, chars string) bool { return s != "" && strings.Trim(s, chars) == "" }

// Topic is the name of a topic in parts: arn:aws:sns:REGION:ACCOUNT:NAME.
type Topic struct {
	Region  string
	Account string // 12 digits: whose topic it is
	Name    string
}

// ParseTopic reads a TopicArn.
func ParseTopic(arn string) (Topic, bool) {
	rest, ok := strings.CutPrefix(arn, "arn:aws:sns:")
	region, rest, _ := strings.Cut(rest, ":")
	account, name, _ := strings.Cut(rest, ":")
	ok = ok && isRegion(region) && len(account) == 12 && only(account, digits) &&
		len(name) <= 256 && only(name, alphanumeric+"-_")
	return Topic{region, account, name}, ok
}

// isRegion reports whether s looks like us-east-1: two letters, at least one
// word, a number. The point is what does not: s3-us-west-2 would make
// sns.s3-us-west-2.amazonaws.com, a bucket that anybody may own.
func isRegion(s string) bool {
	parts := strings.Split(s, "-")
	last := len(parts) - 1
	if len(s) > 32 || last < 2 || len(parts[0]) != 2 || !only(parts[last], digits) {
		return false
	}
	for _, word := range parts[:last] {
		if !only(word, "abcdefghijklmnopqrstuvwxyz") {
			return false
		}
	}
	return true
}

// host is the only one that a topic's certificates and confirmations are at.
func (t Topic) host() string { return "sns." + t.Region + ".amazonaws.com" }

// checkCertificateURL is the rule for a SigningCertURL: it is compared as text
// with the one form that Amazon uses, so that no two URL parsers can disagree
// about it.
func (m *Message) checkCertificateURL() error {
	name, ok := strings.CutPrefix(m.SigningCertURL, "https://"+m.Topic.host()+"/SimpleNotificationService-")
	name, pem := strings.CutSuffix(name, ".pem")
	if !ok || !pem || len(name) > 64 || !only(name, alphanumeric) {
		return &Error{BadCertificateURL, "the SigningCertURL is not that of an SNS certificate in the topic's region", nil}
	}
	return nil
}

// confirmURL is where a verified confirmation is to be fetched. It is put
// together from what was checked; the message's own must say the same.
func (m *Message) confirmURL() (string, error) {
	u, err := url.Parse(m.SubscribeURL)
	bad := &Error{BadSubscribeURL, "the SubscribeURL is not the confirmation of the message's topic", nil}
	if err != nil || u.Scheme != "https" || u.Host != m.Topic.host() || u.User != nil || u.Path != "/" || u.Fragment != "" {
		return "", bad
	}
	query, err := url.ParseQuery(u.RawQuery)
	want := url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {m.TopicARN}, "Token": {m.Token}}
	if err != nil || query.Encode() != want.Encode() {
		return "", bad
	}
	return "https://" + m.Topic.host() + "/?" + want.Encode(), nil
}

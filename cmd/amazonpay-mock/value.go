package main

import (
	"errors"
	"math"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parsed is a flag that is read by a function.
func parsed[T any](field *T, parse func(string) (T, error)) func(string) error {
	return func(s string) (err error) {
		value, err := parse(s)
		if err == nil {
			*field = value
		}
		return err
	}
}

func oneOf(field *string, values ...string) func(string) error {
	return func(s string) error {
		if !slices.Contains(values, s) {
			return errors.New("must be one of " + strings.Join(values, ", "))
		}
		*field = s
		return nil
	}
}

func plain(s string) error {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("must be printable ASCII without spaces")
	}
	return nil
}

func plainText(s string) (string, error) { return s, plain(s) }

func parseStart(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Before(holdsFrom.AddDate(1, 0, 0)) || t.After(holdsUntil.AddDate(-50, 0, 0)) {
		return t, errors.New("must be a time such as 2026-01-31T12:00:00Z, from 1991 to 2140")
	}
	return t.UTC(), nil
}

func parseFactor(s string) (float64, error) {
	factor, err := strconv.ParseFloat(s, 64)
	if err != nil || factor < 0 || math.IsInf(factor, 0) || math.IsNaN(factor) {
		return 0, errors.New("must be a number, zero or above")
	}
	return factor, nil
}

func parseCount(s string) (int, error) {
	count, err := strconv.Atoi(s)
	if err != nil || count < 0 {
		return 0, errors.New("must be a whole number, zero or above")
	}
	return count, nil
}

func parseSeed(s string) (uint64, error) {
	seed, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, errors.New("must be a whole number, zero or above")
	}
	return seed, nil
}

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, errors.New("must be a duration above zero, such as 10s")
	}
	return d, nil
}

func address(s string) error {
	if s == "off" {
		return nil
	}
	if _, port, err := net.SplitHostPort(s); err != nil || port == "" {
		return errors.New("must be host:port, such as 127.0.0.1:8080 or [::1]:8080, or off")
	}
	return nil
}

func hostName(s string) error {
	u, err := url.Parse("https://" + s + "/")
	if err != nil || u.Host != s || u.Port() != "" || net.ParseIP(s) != nil || strings.ToLower(s) != s || plain(s) != nil {
		return errors.New("must be a name in lower case without a port")
	}
	return nil
}

func notifyURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Fragment != "" {
		return errors.New("must be an http or https URL")
	}
	return nil
}

func returnURL(s string) error {
	u, err := url.Parse(s)
	local := err == nil && u.Scheme == "http" && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1")
	if err != nil || u.Host == "" || strings.Contains(s, "#") || u.Scheme != "https" && !local {
		return errors.New("must be an https URL, or http on localhost, without a fragment")
	}
	return nil
}

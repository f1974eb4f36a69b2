package wire

import "time"

// FormatTime is how a time is sent: in UTC, to the second.
func FormatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// ParseTime reads the forms of time that occur in documents, and returns UTC:
//
//	2015-10-30T21:02:38.508Z   any number of decimals, or none
//	2018-10-31T22:36:46-07:00  or -0700
//	2004-02-14T10:44:14        without a zone: UTC
//	2006-01-02                 midnight, UTC
//
// It is written by hand because time.Parse tries one layout after the other, each with an error
// of its own.
func ParseTime(s string) (time.Time, bool) {
	p := timeParser{s: s, ok: true}
	year, month, day := p.digits(4, 9999), p.after('-', 12), p.after('-', 31)
	var hour, minute, second, nano, offset int
	if p.s != "" {
		hour, minute, second = p.after('T', 23), p.after(':', 59), p.after(':', 59)
		nano, offset = p.fraction(), p.zone()
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nano, time.UTC)
	if !p.ok || p.s != "" || month == 0 || t.Day() != day { // time.Date makes 30 February a day in March
		return time.Time{}, false
	}
	return t.Add(-time.Duration(offset) * time.Second), true
}

type timeParser struct {
	s  string
	ok bool
}

func (p *timeParser) byte(c byte) bool {
	if p.s == "" || p.s[0] != c {
		return false
	}
	p.s = p.s[1:]
	return true
}

func (p *timeParser) after(c byte, limit int) int {
	p.ok = p.byte(c) && p.ok
	return p.digits(2, limit)
}

func (p *timeParser) digits(n, limit int) int {
	v := 0
	for range n {
		if p.s == "" || p.s[0] < '0' || p.s[0] > '9' {
			p.ok = false
			return 0
		}
		v = v*10 + int(p.s[0]-'0')
		p.s = p.s[1:]
	}
	p.ok = p.ok && v <= limit
	return v
}

// fraction reads decimals; those beyond nanoseconds are cut off.
func (p *timeParser) fraction() int {
	if !p.byte('.') {
		return 0
	}
	nano, before := 0, len(p.s)
	for unit := int(time.Second) / 10; p.s != "" && p.s[0] >= '0' && p.s[0] <= '9'; unit /= 10 {
		nano += int(p.s[0]-'0') * unit
		p.s = p.s[1:]
	}
	p.ok = p.ok && len(p.s) < before
	return nano
}

// zone reads the offset from UTC in seconds.
func (p *timeParser) zone() int {
	sign := 1
	switch {
	case p.s == "" || p.byte('Z'):
		return 0
	case p.byte('-'):
		sign = -1
	case !p.byte('+'):
		p.ok = false
		return 0
	}
	hours := p.digits(2, 23)
	p.byte(':')
	return sign * (hours*3600 + p.digits(2, 59)*60)
}

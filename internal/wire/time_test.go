package wire_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/internal/wire"
)

func TestParseTime(t *testing.T) {
	for _, test := range []struct{ in, want string }{ // want in RFC 3339, "" for unreadable
		{"2015-10-30T21:02:38.508Z", "2015-10-30T21:02:38.508Z"},
		{"2012-11-03T19:10:16Z", "2012-11-03T19:10:16Z"},
		{"2018-10-31T22:36:46-07:00", "2018-11-01T05:36:46Z"},
		{"2018-10-31T22:36:46.5+05:30", "2018-10-31T17:06:46.5Z"},
		{"2018-10-31T22:36:46+0000", "2018-10-31T22:36:46Z"},
		{"2018-10-31T22:36:46-0700", "2018-11-01T05:36:46Z"},
		{"2004-02-14T10:44:14", "2004-02-14T10:44:14Z"},
		{"2004-02-14T10:44:14.1", "2004-02-14T10:44:14.1Z"},
		{"2020-02-29T00:00:00.123456789999Z", "2020-02-29T00:00:00.123456789Z"},
		{"2020-02-29", "2020-02-29T00:00:00Z"},
		{"", ""}, {"2", ""}, {"2020-02", ""}, {"2019-02-29", ""}, {"2020-00-01", ""}, {"2020-13-01", ""},
		{"2020-01-00", ""}, {"2020-01-32", ""}, {"2020-01-01T", ""}, {"2020-01-01T24:00:00Z", ""},
		{"2020-01-01T00:60:00Z", ""}, {"2020-01-01T00:00:60Z", ""}, {"2020-01-01T00:00Z", ""},
		{"2020-01-01T00:00:00.Z", ""}, {"2020-01-01T00:00:00Zx", ""}, {"2020-01-01T00:00:00+24:00", ""},
		{"2020-01-01T00:00:00+1", ""}, {"2020-01-01T00:00:00 +01:00", ""}, {"2020-01-01 00:00:00Z", ""},
		{"2020-01-01T00:00:00+01:0", ""}, {"+020-01-01", ""}, {"2020-01-01T00:00:00,5Z", ""}, {"2020-01-01T0:00:00Z", ""}, {"2020-01-01Z", ""}, {"Thu, 1 Jan 2020", ""},
	} {
		t.Run(test.in, func(t *testing.T) {
			got, ok := wire.ParseTime(test.in)
			assert.Equal(t, test.want != "", ok)
			if ok {
				assert.Equal(t, test.want, got.Format(time.RFC3339Nano))
				assert.Equal(t, time.UTC, got.Location())
			} else {
				assert.Equal(t, time.Time{}, got)
			}
		})
	}
}

func TestFormatTime(t *testing.T) {
	at := time.Date(2018, 10, 31, 22, 36, 46, 999, time.FixedZone("", -7*3600))
	assert.Equal(t, "2018-11-01T05:36:46Z", wire.FormatTime(at))
}

// rfc3339 is what time.Parse should keep to; it also takes a comma and hours of one digit.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// FuzzTime compares with time.Parse: both read the same texts, as the same time.
func FuzzTime(f *testing.F) {
	for _, seed := range []string{
		"2015-10-30T21:02:38.508Z", "2018-10-31T22:36:46-07:00", "2004-02-14T10:44:14", "2018-10-31T22:36:46+0000",
		"2020-02-29", "2019-02-29", "2020-01-01T24:00:00Z", "2020-01-01T00:00:00,508Z", "2020-01-01T00:00:00.1234567891Z", "0000-01-01T00:00:00Z",
	} {
		f.Add(seed)
	}
	layouts := []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05-0700", "2006-01-02"}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := wire.ParseTime(s)
		if _, err := time.Parse(time.RFC3339, s); err == nil && rfc3339.MatchString(s) {
			require.True(t, ok, "%q", s)
		}
		if !ok {
			return
		}
		for _, layout := range layouts {
			if want, err := time.Parse(layout, s); err == nil {
				require.True(t, want.Equal(got), "%q: %v", s, got)
				return
			}
		}
		t.Errorf("%q: time.Parse does not read it", s)
	})
}

func BenchmarkParseTime(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		wire.ParseTime("2015-10-30T21:02:38.508Z")
	}
}

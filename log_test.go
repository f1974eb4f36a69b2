package amazonpay_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

// logLines makes a logger for every level and returns what it has written.
func logLines() (*slog.Logger, func(t *testing.T) (lines []map[string]any, text string)) {
	var buffer bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&buffer, &slog.HandlerOptions{Level: slog.Level(-100), AddSource: false}))
	return logger, func(t *testing.T) (lines []map[string]any, text string) {
		text = buffer.String()
		for line := range strings.Lines(text) {
			var record map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &record))
			lines = append(lines, record)
		}
		return lines, text
	}
}

// TestOneRecordPerAttempt with all that support will ask for.
func TestOneRecordPerAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, written := logLines()
		client := stageClient(t, &stage{scenes: []scene{
			slowScene(time.Second, resetScene),
			slowScene(2*time.Second, throttledScene),
			slowScene(3*time.Second, answerScene(502, "<html>", "x-mws-request-id", "header-1")),
			slowScene(4*time.Second, answerScene(200, "<html>")),
			slowScene(5*time.Second, goodScene),
		}}, func(c *amazonpay.Config) { c.Logger = logger })
		_, err := client.Capture(t.Context(), stageCapture)
		require.NoError(t, err)
		lines, _ := written(t)
		require.Len(t, lines, 5)
		for i, want := range []map[string]any{
			{"status": 0.0, "code": "", "requestId": "", "level": "WARN"},
			{"status": 503.0, "code": "RequestThrottled", "requestId": "refusal-1", "level": "WARN"},
			{"status": 502.0, "code": "", "requestId": "header-1", "level": "WARN"},
			{"status": 200.0, "code": "", "requestId": "", "level": "WARN"},
			{"status": 200.0, "code": "", "requestId": "success-1", "level": "DEBUG"},
		} {
			want["action"], want["attempt"] = "Capture", float64(i+1)
			want["duration"] = float64(time.Duration(i+1) * time.Second)
			for key, value := range want {
				assert.Equal(t, value, lines[i][key], "%s of attempt %d", key, i+1)
			}
		}
	})
}

// TestLogHoldsNothingOfTheBody at any level, whether the call succeeds or not.
func TestLogHoldsNothingOfTheBody(t *testing.T) {
	const token = "Atza|IwEBIExampleToken"
	buyer := `<Buyer><Name>Jane Roe</Name><Email>jane.roe@example.com</Email><Phone>555-0100</Phone></Buyer>` +
		`<Destination><PhysicalDestination><AddressLine1>1 Main Street</AddressLine1><City>Springfield</City><PostalCode>99999</PostalCode></PhysicalDestination></Destination>`
	private := []string{token, "IwEBI", "Jane", "Roe", "jane.roe", "555-0100", "Main Street", "Springfield", "99999", "secret note",
		stageSecret, stageKey, "amzn.mws", "Signature", "AmazonOrderReferenceId="}
	for _, test := range []struct {
		name  string
		scene scene
	}{
		{"good", answerScene(200, "<{Action}Response><{Action}Result><OrderReferenceDetails><AmazonOrderReferenceId>S01-1234567-1234567</AmazonOrderReferenceId>"+
			buyer+"<CreationTimestamp>Jane Roe</CreationTimestamp><OrderTotal><Amount>jane.roe@example.com</Amount><CurrencyCode>USD</CurrencyCode></OrderTotal></OrderReferenceDetails></{Action}Result></{Action}Response>")},
		{"unreadable", answerScene(200, "<{Action}Response>"+buyer)},
		{"refused", answerScene(400, "<ErrorResponse><Error><Code>InvalidParameterValue</Code><Message>The token "+token+" of jane.roe@example.com, Jane Roe, 555-0100, is invalid.</Message></Error></ErrorResponse>")},
		{"HTML", answerScene(500, "<html>"+buyer+token+"</html>")},
		{"no answer", resetScene},
	} {
		t.Run(test.name, func(t *testing.T) {
			logger, written := logLines()
			client := stageClient(t, &stage{scenes: []scene{test.scene}}, func(c *amazonpay.Config) {
				c.Logger, c.Backoff = logger, amazonpay.Spacing()
			})
			client, err := client.OnBehalfOf("A2OTHERSELLER", "amzn.mws.0123-4567")
			require.NoError(t, err)
			_, _ = client.GetOrderReferenceDetails(t.Context(), amazonpay.GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: "S01-1234567-1234567", AccessToken: token})
			_, _ = client.SetOrderReferenceDetails(t.Context(), amazonpay.SetOrderReferenceDetailsRequest{AmazonOrderReferenceID: "S01-1234567-1234567",
				OrderReferenceAttributes: amazonpay.OrderReferenceAttributes{OrderTotal: stageAmount, SellerNote: "secret note for Jane Roe"}})
			lines, text := written(t)
			assert.GreaterOrEqual(t, len(lines), 2)
			for _, p := range private {
				assert.NotContains(t, text, p)
			}
		})
	}
}

// TestUnreadableFieldsDoNotFailACall: money has moved; a date must not turn
// that into an error. The log names the fields.
func TestUnreadableFieldsDoNotFailACall(t *testing.T) {
	logger, written := logLines()
	client := stageClient(t, &stage{scenes: []scene{answerScene(200, `<CaptureResponse><CaptureResult><CaptureDetails>
		<AmazonCaptureId>S01-1234567-1234567-C000001</AmazonCaptureId>
		<CaptureAmount><Amount>twenty</Amount><CurrencyCode>USD</CurrencyCode></CaptureAmount>
		<CaptureFee><Amount>0.50</Amount><CurrencyCode>XXX</CurrencyCode></CaptureFee>
		<CreationTimestamp>yesterday</CreationTimestamp>
		<CaptureStatus><State>Completed</State><LastUpdateTimestamp>soon</LastUpdateTimestamp></CaptureStatus>
		</CaptureDetails></CaptureResult><ResponseMetadata><RequestId>success-1</RequestId></ResponseMetadata></CaptureResponse>`)}},
		func(c *amazonpay.Config) { c.Logger = logger })
	got, err := client.Capture(t.Context(), stageCapture)
	require.NoError(t, err)
	assert.Equal(t, &amazonpay.Capture{AmazonCaptureID: "S01-1234567-1234567-C000001", CaptureStatus: amazonpay.Status{State: amazonpay.StateCompleted}}, got)
	lines, text := written(t)
	require.Len(t, lines, 5)
	for i, want := range [][2]string{
		{"CaptureAmount", "price"}, {"CaptureFee", "price"}, {"CreationTimestamp", "time"}, {"LastUpdateTimestamp", "time"},
	} {
		line := lines[i+1]
		assert.Equal(t, "WARN", line["level"])
		assert.Equal(t, "Capture", line["action"])
		assert.Equal(t, "success-1", line["requestId"])
		assert.Equal(t, want[1], line["kind"])
		assert.True(t, strings.HasSuffix(fmt.Sprint(line["field"]), want[0]), "%v is not %s", line["field"], want[0])
	}
	for _, value := range []string{"twenty", "XXX", "yesterday", "soon"} {
		assert.NotContains(t, text, value)
	}
}

// TestLoggerMayBeAbsent: silence is the default.
func TestLoggerMayBeAbsent(t *testing.T) {
	var buffer bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&buffer, &slog.HandlerOptions{Level: slog.Level(-100)})))
	defer slog.SetDefault(before)
	client := stageClient(t, &stage{scenes: []scene{internalScene}}, func(c *amazonpay.Config) { c.Backoff = amazonpay.Spacing() })
	_, err := client.Capture(t.Context(), stageCapture)
	require.Error(t, err)
	assert.Empty(t, buffer.String())
}

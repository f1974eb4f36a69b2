// Package tracing sends what the SDK does to OpenTelemetry: a span for each call
// under Amazon's name of the operation, below it one for each request, and a
// histogram of the calls. Copy it: it is one function on two seams.
package tracing

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Traced is the config of a client whose calls are traced and measured. Nothing
// of a request or an answer becomes an attribute but Amazon's request id, the
// status and the code: no key, token, note or name. Amazon gets no trace header.
func Traced(config amazonpay.Config, traces trace.TracerProvider, metrics metric.MeterProvider) (amazonpay.Config, error) {
	tracer := traces.Tracer("amazonpay")
	durations, err := metrics.Meter("amazonpay").Float64Histogram("amazonpay.call.duration", metric.WithUnit("s"))
	if err != nil {
		return config, err
	}
	var client http.Client
	if config.HTTPClient != nil {
		client = *config.HTTPClient // the caller's own stays as it is
	} else {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = transport.MaxIdleConns // all requests go to one host
		client.Transport = transport
	}
	client.Transport = otelhttp.NewTransport(client.Transport, otelhttp.WithTracerProvider(traces), otelhttp.WithMeterProvider(metrics),
		otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator()))
	config.HTTPClient = &client

	spans := func(ctx context.Context, op *amazonpay.Operation, next func(context.Context) error) error {
		start := time.Now()
		ctx, span := tracer.Start(ctx, op.Action, trace.WithSpanKind(trace.SpanKindClient))
		defer span.End()
		err := next(ctx)
		outcome := outcome(err)
		if err != nil {
			span.SetStatus(codes.Error, outcome)
		}
		span.SetAttributes(attribute.String("amazonpay.outcome", outcome), attribute.Int("amazonpay.attempts", op.Attempts),
			attribute.String("amazonpay.request_id", op.RequestID))
		durations.Record(ctx, time.Since(start).Seconds(), metric.WithAttributes(
			attribute.String("amazonpay.action", op.Action), attribute.String("amazonpay.outcome", outcome)))
		return err
	}
	config.Middleware = append([]amazonpay.Middleware{spans}, config.Middleware...)
	return config, nil
}

// outcome is one of few words: "ok", "unknown", Amazon's code, or "failed".
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	if _, unknown := errors.AsType[*amazonpay.OutcomeUnknownError](err); unknown {
		return "unknown"
	}
	if code, ok := errors.AsType[amazonpay.ErrorCode](err); ok {
		return string(code)
	}
	return "failed"
}

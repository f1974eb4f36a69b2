package main

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTraffic(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(context.Background(), &out))
	text := out.String()
	assert.Contains(t, text, "6 notifications accepted, each once; 8 forgeries refused.")
	assert.Equal(t, 1, strings.Count(text, "PaymentCapture"), "each is sent twice and worked on once")
	assert.Equal(t, 2, strings.Count(text, "refusal=signature"))
}

package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A mock that is killed and started again catches up with the days that it has
// missed: otherwise what waits for them waits for ever.
func TestMockClockGoesOn(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var calls int
	var ahead time.Duration
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls <= 2 {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		var body struct{ Advance string }
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&body))
		d, err := time.ParseDuration(body.Advance)
		assert.NoError(t, err)
		ahead += d
		_, _ = w.Write([]byte("{}"))
	}))
	defer server.Close()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	begun := time.Now()
	go func() {
		mock{server.URL}.turn(ctx, calendar{speed: 1000}, quiet)
		close(ended)
	}()
	moved := func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return ahead
	}
	require.Eventually(t, func() bool { return moved() > 0 }, 30*time.Second, 10*time.Millisecond)
	assert.GreaterOrEqual(t, moved(), 3*500*time.Millisecond*1000, "with the two turns that were lost")
	assert.LessOrEqual(t, moved(), time.Since(begun)*1000)
	stop()
	<-ended
}

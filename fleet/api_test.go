package fleet_test

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/internal/surface"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestAPI holds what the packages export against the list beside that of the
// main module.
func TestAPI(t *testing.T) {
	packages, err := surface.Of(".", "./pgquota", "./redisquota")
	require.NoError(t, err)
	require.Len(t, packages, 2)
	for path, lines := range packages {
		file := filepath.Join("..", "testdata", "api", filepath.Base(path)+".txt")
		added, gone, err := surface.Compare(file, lines, *update)
		require.NoError(t, err)
		assert.Empty(t, gone, "gone or changed in %s: this breaks programs", path)
		assert.Empty(t, added, "new in %s, and not in %s", path, file)
	}
}

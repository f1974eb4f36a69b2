package amazonpay_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/internal/surface"
)

// TestAPI holds what the packages export against testdata/api. A line that is
// gone breaks somebody's program: see docs/compatibility.md, then run with
// -update.
func TestAPI(t *testing.T) {
	packages, err := surface.Of(".", ".", "./lwa", "./widgets", "./amazonpaytest")
	require.NoError(t, err)
	require.Len(t, packages, 4)
	for path, lines := range packages {
		file := filepath.Join("testdata", "api", filepath.Base(path)+".txt")
		added, gone, err := surface.Compare(file, lines, *updateGoldens)
		require.NoError(t, err)
		assert.Empty(t, gone, "gone or changed in %s: this breaks programs", path)
		assert.Empty(t, added, "new in %s, and not in %s", path, file)
	}
}

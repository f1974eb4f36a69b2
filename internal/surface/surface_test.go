package surface_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/internal/surface"
)

func TestOf(t *testing.T) {
	packages, err := surface.Of(".", ".", "../endpoint")
	require.NoError(t, err)
	const module = "github.com/amazonpay-go/amazonpay/internal/"
	assert.Equal(t, "func Compare(file string, lines string, update bool) (added []string, gone []string, err error)\n"+
		"func Of(dir string, patterns ...string) (map[string]string, error)\n", packages[module+"surface"])
	for _, line := range []string{
		"const Sandbox Environment = \"sandbox\"\n", "func ParseRegion(s string) (Region, error)\n",
		"method (Region) Valid() bool\n", "type Region string\n",
	} {
		assert.Contains(t, packages[module+"endpoint"], line)
	}
}

func TestCompare(t *testing.T) {
	file := filepath.Join(t.TempDir(), "golden.txt")
	_, _, err := surface.Compare(file, "", false)
	require.Error(t, err, "a package without a list")
	_, _, err = surface.Compare(file, "func A()\nfunc B()\n", true)
	require.NoError(t, err)
	for _, c := range []struct {
		name, lines string
		added, gone []string
	}{
		{"as it was", "func A()\nfunc B()\n", nil, nil},
		{"a new one", "func A()\nfunc B()\nfunc C()\n", []string{"func C()"}, nil},
		{"one is gone", "func B()\n", nil, []string{"func A()"}},
		{"one has changed", "func A(int)\nfunc B()\n", []string{"func A(int)"}, []string{"func A()"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			added, gone, err := surface.Compare(file, c.lines, false)
			require.NoError(t, err)
			assert.Equal(t, c.added, added)
			assert.Equal(t, c.gone, gone)
		})
	}
}

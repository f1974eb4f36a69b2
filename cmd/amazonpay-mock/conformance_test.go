package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func beginWithCA(t *testing.T) (p *process, caFile string) {
	t.Helper()
	dir := t.TempDir()
	return beginWith(t, nil, append(onFreePorts(dir), "-provider", "AFAKEPROVIDER01")), filepath.Join(dir, "ca.pem")
}

// missing is said where a test cannot do its work. In the gate, which installs what
// is absent, all of them do it.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		require.FailNow(t, what)
	}
	t.Skip(what)
}

// judge runs the client of testdata/conformance against a server. It is written
// in another language and from Amazon's reference alone, so that this module's
// client and its fake cannot be wrong together.
func judge(t *testing.T, p *process, caFile string, args ...string) (verdict string, err error) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		missing(t, "the judge needs python3")
	}
	if exec.Command(python, "-c", "import sys; sys.exit(sys.version_info < (3, 8))").Run() != nil {
		missing(t, "the judge needs python3 of version 3.8 or later")
	}
	files, err := filepath.Glob("testdata/conformance/*.py")
	require.NoError(t, err)
	require.Len(t, files, 3)
	for _, file := range files {
		_, err := os.Stat(file) // a changed judge is a changed test
		require.NoError(t, err)
	}
	args = append([]string{
		"-B", "testdata/conformance/flow.py", "--ca", caFile,
		"--https", strings.TrimPrefix(p.HTTPS[0], "https://"), "--control", p.HTTP[0],
	}, args...)
	text, err := exec.CommandContext(t.Context(), python, args...).CombinedOutput()
	return string(text), err
}

// A whole month in all regions at Amazon's own names, as the reference tells it;
// then in production, where other ids, topics and quotas count.
func TestConformance(t *testing.T) {
	t.Parallel()
	p, caFile := beginWithCA(t)
	for _, run := range []struct {
		regions []string
		args    []string
	}{
		{[]string{"NA", "UK", "EU", "JP"}, nil},
		{[]string{"NA", "UK"}, []string{"--environment", "production", "--region", "NA", "--region", "UK"}},
	} {
		verdict, err := judge(t, p, caFile, run.args...)
		require.NoError(t, err, verdict)
		t.Log("\n" + verdict)
		for _, region := range run.regions {
			assert.Contains(t, verdict, "ok    "+region+" next_month", "the last step")
		}
		assert.NotContains(t, verdict, "FAIL")
	}
}

// The judge is not to be pleased by anything.
func TestConformanceCanFail(t *testing.T) {
	t.Parallel()
	p, caFile := beginWithCA(t)
	_, otherFile := beginWithCA(t)
	for _, tc := range []struct {
		name, caFile string
		args         []string
		verdict      string
	}{
		{"another authority", otherFile, nil, "CERTIFICATE_VERIFY_FAILED"},
		{"another secret key", caFile, []string{"--secret-key", "another"}, "SignatureDoesNotMatch"},
		{"another access key", caFile, []string{"--access-key", "AKIANOBODY"}, "InvalidAccessKeyId"},
		{"another login secret", caFile, []string{"--login-secret", "another"}, "invalid_grant"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			verdict, err := judge(t, p, tc.caFile, append(tc.args, "--region", "UK")...)
			require.Error(t, err, verdict)
			assert.Contains(t, verdict, tc.verdict)
		})
	}
}

// The signature once more, from a language that encodes in a way of its own.
func TestSignatureFromNode(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "this judge needs node")
	}
	p, caFile := beginWithCA(t)
	id := p.act("NA", `{"do":"NewBillingAgreement"}`).ID
	text, err := exec.CommandContext(t.Context(), node, "testdata/conformance/signature.js",
		strings.TrimPrefix(p.HTTPS[0], "https://"), caFile, p.SellerID, id).CombinedOutput()
	require.NoError(t, err, string(text))
	assert.Equal(t, "ok    6 calls\n", string(text))
}

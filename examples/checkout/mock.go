package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// mock is an amazonpay-mock of the shop's own, in a process beside it.
type mock struct {
	url  string
	stop func() // ends the process, and removes its program
}

// startMock builds the mock with the Go toolchain, which is there if the shop
// was started by go run, and waits until it answers.
func startMock(ctx context.Context, region, notify string, stderr io.Writer) (*mock, error) {
	dir, err := os.MkdirTemp("", "amazonpay-checkout-")
	if err != nil {
		return nil, err
	}
	program, ready := filepath.Join(dir, "amazonpay-mock"), filepath.Join(dir, "ready.json")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/amazonpay-go/amazonpay/cmd/amazonpay-mock")
	build.Stderr = stderr
	if err := build.Run(); err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("the mock could not be built; start one yourself and name it with -mock: %w", err)
	}
	process := exec.Command(program, "-http", "127.0.0.1:0", "-https", "off", "-quiet",
		"-region", region, "-notify", notify, "-ready-file", ready)
	process.Stderr = stderr
	if err := process.Start(); err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	ended := make(chan struct{})
	go func() { _ = process.Wait(); close(ended) }()
	m := &mock{stop: func() {
		if process.Process.Signal(os.Interrupt) != nil { // as on Windows
			_ = process.Process.Kill()
		}
		select {
		case <-ended:
		case <-time.After(15 * time.Second):
			_ = process.Process.Kill()
		}
		_ = os.RemoveAll(dir)
	}}
	if m.url, err = awaitMock(ctx, ready, ended); err != nil {
		m.stop()
		return nil, err
	}
	return m, nil
}

// awaitMock waits for the ready-file, which is written at once.
func awaitMock(ctx context.Context, ready string, ended <-chan struct{}) (string, error) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-ended:
			return "", errors.New("the mock has ended before it was ready")
		case <-ticker.C:
		}
		text, err := os.ReadFile(ready)
		if err != nil {
			continue
		}
		var is struct{ HTTP []string }
		if err := json.Unmarshal(text, &is); err != nil || len(is.HTTP) == 0 {
			return "", errors.New("the mock does not say where it listens")
		}
		return is.HTTP[0], nil
	}
}

// mockAccount asks a mock for its seller of the region. Its keys are those that
// every mock has, unless it was given others.
func mockAccount(ctx context.Context, base, region string) (config, error) {
	base = strings.TrimSuffix(base, "/")
	where, err := amazonpay.ParseRegion(region)
	if err != nil {
		return config{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/mock/regions", nil)
	if err != nil {
		return config{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return config{}, fmt.Errorf("the mock does not answer: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	var regions []struct {
		Region      amazonpay.Region `json:"region"`
		Seller      string           `json:"seller"`
		LoginClient string           `json:"loginClient"`
	}
	if err := json.NewDecoder(response.Body).Decode(&regions); err != nil {
		return config{}, fmt.Errorf("the mock does not list its regions: %w", err)
	}
	for _, r := range regions {
		if r.Region != where {
			continue
		}
		keys := amazonpaytest.New(amazonpaytest.Settings{Region: where}).Config()
		return config{Demo: true, ScriptURL: base, LoginServer: base, Amazon: amazonpay.Config{
			SellerID: r.Seller, AccessKey: keys.AccessKey, SecretKey: keys.SecretKey, Region: where,
			Environment: amazonpay.Sandbox, LoginClientID: r.LoginClient, BaseURL: base,
			Limiter: amazonpay.NoLimit, // the sandbox allows a request every two seconds; the mock waits for nobody
		}}, nil
	}
	return config{}, fmt.Errorf("the mock has no seller in %s", where)
}

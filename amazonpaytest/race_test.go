//go:build race

package amazonpaytest_test

const usualOperations = 500

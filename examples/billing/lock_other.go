//go:build !unix

package main

// lockFile does nothing: this system has no advisory locks in the standard
// library.
func lockFile(string) (release func(), err error) { return func() {}, nil }

//go:build !unix

package main

import "os"

// lock does nothing: this system has no advisory locks in the standard library.
func lock(*os.File) error { return nil }

//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
)

// lockFile keeps other processes out until it is released, or the process ends
// in whatever way: two of them on one SQLite file would have two queues for one
// quota.
func lockFile(name string) (release func(), err error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%s: another process has this database: a SQLite file is for one, PostgreSQL for many", name)
	}
	return func() { _ = file.Close() }, nil
}

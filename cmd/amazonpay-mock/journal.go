package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

// journal is a file that a fake reads its past from and writes its present to.
// What a fake writes before anything has happened waits for the first thing that
// does: a region that nobody uses leaves no file.
type journal struct {
	name string

	mu     sync.Mutex
	file   *os.File // nil if there is none yet
	begun  bool
	held   []byte // to be written first
	closed bool
}

func newJournal(name string) *journal { return &journal{name: name} }

var errClosedJournal = errors.New("the journal has been closed")

// Read reads what was there at the start.
func (j *journal) Read(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch err := j.open(os.O_RDWR | os.O_APPEND); {
	case errors.Is(err, fs.ErrNotExist):
		return 0, io.EOF
	case err != nil:
		return 0, err
	}
	return j.file.Read(p)
}

// Write appends, straight to the system: what was written survives a process
// that is killed.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.begun {
		j.held = append(j.held, p...)
		return len(p), nil
	}
	return len(p), j.write(p)
}

// write appends what was held and p, at once.
func (j *journal) write(p []byte) error {
	if err := j.open(os.O_RDWR | os.O_APPEND | os.O_CREATE); err != nil {
		return err
	}
	text := append(j.held, p...)
	j.held = nil
	_, err := j.file.Write(text)
	return err
}

// begin is said when the fake has been set up. The journal that must exist is
// written now: if it cannot be, the start is the time to say so.
func (j *journal) begin(exist bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.begun = true
	if !exist {
		return nil
	}
	return j.write(nil)
}

// open opens the file, for its owner's eyes only: buyers are in it.
func (j *journal) open(flags int) error {
	if j.closed {
		return errClosedJournal
	}
	if j.file != nil {
		return nil
	}
	f, err := os.OpenFile(j.name, flags, 0o600)
	if err != nil {
		return err
	}
	if err := lock(f); err != nil {
		_ = f.Close() // nothing was written
		return fmt.Errorf("%s is in use by another process: %w", j.name, err)
	}
	if err := f.Chmod(0o600); err != nil { // it may be older than this program
		_ = f.Close()
		return err
	}
	j.file = f
	return nil
}

// Close ends the journal and writes it to the disk.
func (j *journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	if j.file == nil {
		return nil
	}
	f := j.file
	j.file = nil
	return errors.Join(f.Sync(), f.Close())
}

// renew ends the journal, throws it away and begins a new one.
func (j *journal) renew() (*journal, error) {
	if err := j.Close(); err != nil {
		return nil, err
	}
	if err := os.Remove(j.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return newJournal(j.name), nil
}

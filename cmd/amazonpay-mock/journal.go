package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
)

// journal is a file that a fake reads its past from and writes its present to.
// What a fake writes before anything has happened waits for the first thing that
// does: books that nobody uses leave no file.
type journal struct {
	name string
	log  *slog.Logger
	old  bool // there was something in the file at the start

	mu     sync.Mutex
	file   *os.File // nil if it is not open
	begun  bool
	held   []byte // to be written first
	closed bool
}

func newJournal(name string, log *slog.Logger) *journal {
	info, err := os.Stat(name)
	old := err == nil && info.Size() > 0 || err != nil && !errors.Is(err, fs.ErrNotExist)
	return &journal{name: name, log: log, old: old}
}

var errClosedJournal = errors.New("the journal has been closed")

// Read reads what was there at the start.
func (j *journal) Read(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.old {
		return 0, io.EOF
	}
	if err := j.open(); err != nil {
		return 0, err
	}
	return j.file.Read(p)
}

// Write appends, straight to the system: what was written survives a process
// that is killed. A fake writes nothing more after the first error.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.begun {
		j.held = append(j.held, p...)
		return len(p), nil
	}
	if err := j.write(p); err != nil {
		if !j.closed {
			j.log.Error("the state can no longer be kept: what would change it is refused until a reset or a restart", "file", j.name, "problem", err)
		}
		return 0, err
	}
	return len(p), nil
}

// write appends what was held and p, at once.
func (j *journal) write(p []byte) error {
	if err := j.open(); err != nil {
		return err
	}
	text := append(j.held, p...)
	j.held = nil
	_, err := j.file.Write(text)
	return err
}

// begin is said when the fake has been set up, and the file is known to be ours.
// The journal that must exist is written now: if it cannot be, the start is the
// time to say so.
func (j *journal) begin(exist bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.begun = true
	if j.file != nil {
		if err := j.file.Chmod(0o600); err != nil { // it may be older than this program
			return err
		}
	}
	if !exist {
		return nil
	}
	return j.write(nil)
}

// open opens the file, for its owner's eyes only: buyers are in it. One that was
// not there at the start must not have come from elsewhere.
func (j *journal) open() error {
	if j.closed {
		return errClosedJournal
	}
	if j.file != nil {
		return nil
	}
	f, err := os.OpenFile(j.name, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := lock(f); err != nil {
		_ = f.Close() // nothing was written
		return fmt.Errorf("%s is in use by another process: %w", j.name, err)
	}
	if info, err := f.Stat(); err != nil || !j.old && info.Size() > 0 {
		_ = f.Close()
		return errors.Join(err, fmt.Errorf("%s has been written by another process", j.name))
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

// renew empties the file and goes on with it in a new journal: the old one takes
// nothing more of what the old fake has still to say. The lock is kept.
func (j *journal) renew() (*journal, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file != nil {
		if err := j.file.Truncate(0); err != nil {
			return nil, err
		}
	}
	fresh := &journal{name: j.name, log: j.log, file: j.file}
	j.file, j.closed = nil, true
	return fresh, nil
}

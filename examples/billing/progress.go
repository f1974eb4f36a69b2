package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// show draws how far the run is, until done says so or the context ends.
func (s *service) show(ctx context.Context, out io.Writer, expected int, done func(*report) bool) (*report, error) {
	terminal := isTerminal(out)
	every, begun := 250*time.Millisecond, time.Now()
	if !terminal {
		every = 2 * time.Second
	}
	for next := begun; ; {
		r, err := s.report(ctx)
		if err != nil {
			return nil, err
		}
		if end := done(r); terminal || end || time.Now().After(next) {
			drawLine(out, r, expected, time.Since(begun), terminal)
			if next = time.Now().Add(every); end {
				if terminal {
					fmt.Fprintln(out)
				}
				return r, nil
			}
		}
		if err := s.hold.err(); err != nil {
			return r, err
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return r, ctx.Err()
		}
	}
}

const barWidth = 30

func drawLine(out io.Writer, r *report, expected int, elapsed time.Duration, terminal bool) {
	settled := r.Obligations - r.undecided()
	expected = max(expected, r.Obligations)
	full := 0
	if expected > 0 {
		full = min(barWidth, settled*barWidth/expected)
	}
	line := fmt.Sprintf("[%s%s] %5.1f s  %d of %d decided: %d paid, %d wait for the buyer, %d given up, %d open, %d unknown",
		strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), elapsed.Seconds(), settled, expected,
		r.Paid, r.Waiting, settled-r.Paid-r.Waiting, r.undecided(), r.Open[unknown])
	if terminal {
		fmt.Fprintf(out, "\r%-125s", line)
	} else {
		fmt.Fprintln(out, line)
	}
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

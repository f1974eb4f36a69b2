// Command plots draws the pictures of docs/performance.md from the tables of that
// page, so that a picture cannot say something else than the figures beside it:
//
//	go run -C docs/plots .
//
// It measures nothing. The page names the commands that do.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run("../performance.md", "../images"); err != nil {
		fmt.Fprintln(os.Stderr, "plots:", err)
		os.Exit(1)
	}
}

// run draws every picture of a page into a folder.
func run(page, folder string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	for _, d := range drawings {
		png, err := d.png(string(text))
		if err != nil {
			return fmt.Errorf("%s: %w", d.file, err)
		}
		if err := os.WriteFile(filepath.Join(folder, d.file), png, 0o644); err != nil {
			return err
		}
	}
	return nil
}

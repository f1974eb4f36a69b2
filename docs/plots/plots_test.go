package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot/cmpimg"
)

// The pictures beside the page are those of its tables as they stand.
func TestPicturesAreThoseOfThePage(t *testing.T) {
	drawn := t.TempDir()
	if err := run("../performance.md", drawn); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../performance.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range drawings {
		now, err := os.ReadFile(filepath.Join(drawn, d.file))
		if err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(filepath.Join("../images", d.file))
		if err != nil {
			t.Fatal(err)
		}
		same, err := cmpimg.EqualApprox("png", now, kept, 0.1) // other processors round otherwise
		if err != nil {
			t.Fatal(err)
		}
		if !same {
			t.Errorf("%s shows other figures than the page: go run -C docs/plots .", d.file)
		}
		if !strings.Contains(string(page), "(images/"+d.file+")") {
			t.Errorf("the page does not show %s", d.file)
		}
	}
}

func TestTableFaults(t *testing.T) {
	columns := []column{{"ratio", 0}, {"goal", 1}}
	for _, c := range []struct{ name, page, want string }{
		{"no table", "ratio and goal", `no table with the column "ratio"`},
		{"another table", "| ratio |\n|---|\n| 1 |\n", `no table with the column "ratio"`},
		{"a row that is short", "| what | ratio | goal |\n|---|---|---|\n| decode | 1 |\n", `the row "decode" has 2 cells of 3`},
		{"a cell without the figure", "| what | ratio | goal |\n|---|---|---|\n| decode | 1 | 2 |\n", `no figure in the column "goal"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := drawing{columns: columns}.png(c.page)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestFigures(t *testing.T) {
	page := "| what | ratio |\n|:--|--:|\n| a | 18,440 |\n| b | 37 %, 4.67, 626 s |\n"
	for _, c := range []struct {
		row, number int
		want        float64
	}{{0, 0, 18440}, {1, 0, 37}, {1, 1, 4.67}, {1, 2, 626}} {
		columns := []column{{"ratio", c.number}}
		table, err := tableWith(page, columns)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := table.number(c.row, columns[0]); err != nil || got != c.want {
			t.Errorf("row %d, figure %d: got %v %v, want %v", c.row, c.number, got, err, c.want)
		}
	}
}

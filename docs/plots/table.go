package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// table is one of the page's tables, cell by cell.
type table struct {
	header []string
	rows   [][]string
}

// tableWith finds the table that has all those columns.
func tableWith(page string, columns []column) (table, error) {
	var t table
	for line := range strings.Lines(page + "\n") {
		line = strings.TrimSpace(line)
		switch cells := cut(line); {
		case !strings.HasPrefix(line, "|"):
			if t.has(columns) {
				return t, nil
			}
			t = table{}
		case t.header == nil:
			t.header = cells
		case strings.Trim(line, "|-: ") != "":
			t.rows = append(t.rows, cells)
		}
	}
	return t, fmt.Errorf("the page has no table with the column %q", columns[0].header)
}

func cut(line string) []string {
	cells := strings.Split(strings.Trim(line, "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

func (t table) has(columns []column) bool {
	for _, c := range columns {
		if !slices.Contains(t.header, c.header) {
			return false
		}
	}
	return len(t.rows) > 0
}

// figure is a number as the page writes it: 1.75, 18,440, 0.11.
var figure = regexp.MustCompile(`\d+(?:,\d{3})*(?:\.\d+)?`)

// number is the figure of a column in a row.
func (t table) number(row int, c column) (float64, error) {
	cells := t.rows[row]
	if len(cells) != len(t.header) {
		return 0, fmt.Errorf("the row %q has %d cells of %d", cells[0], len(cells), len(t.header))
	}
	found := figure.FindAllString(cells[slices.Index(t.header, c.header)], -1)
	if c.number >= len(found) {
		return 0, fmt.Errorf("the row %q has no figure in the column %q", cells[0], c.header)
	}
	return strconv.ParseFloat(strings.ReplaceAll(found[c.number], ",", ""), 64)
}

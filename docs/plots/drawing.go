package main

import (
	"bytes"
	"image/color"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// drawing is a picture of some columns of one table: a group of bars for each
// row, a bar for each column.
type drawing struct {
	file    string
	title   string
	axis    string
	columns []column // they tell which table it is, too
	least   float64  // where a logarithmic axis begins; 0 for a plain one
}

// column is where the figure of a bar stands.
type column struct {
	header string // of the table
	number int    // which of the figures in the cell, from 0
}

var drawings = []drawing{
	{"night-failed.png", "1,000 charges against the quota: how many failed", "%", workers(0), 0},
	{"night-requests.png", "The same nights: requests for every charge taken", "requests", workers(1), 0.5},
	{"floor.png", "Time taken, as a multiple of the floor", "ratio", []column{{"ratio", 0}, {"goal", 0}}, 0},
	{"sdks.png", "One operation, by SDK", "µs", []column{
		{"sign + encode", 0}, {"decode", 0}, {"one notification", 0}, {"32 callers, TLS, per call", 0},
	}, 0.5},
}

// workers are the columns of the night's table, each cell of which holds the
// share that failed, the requests for each charge, and the time.
func workers(number int) []column {
	return []column{{"1 worker", number}, {"8 workers", number}, {"64 workers", number}}
}

var palette = []color.Color{
	color.RGBA{0x4c, 0x72, 0xb0, 0xff}, color.RGBA{0xdd, 0x84, 0x52, 0xff},
	color.RGBA{0x55, 0xa8, 0x68, 0xff}, color.RGBA{0x81, 0x72, 0xb3, 0xff},
}

const (
	width     = 24 * vg.Centimeter
	margins   = 2.5 * vg.Centimeter
	thickness = 0.3 * vg.Centimeter // of a bar
	edge      = 0.3 * vg.Centimeter
	dpi       = 110
)

// png draws the picture.
func (d drawing) png(page string) ([]byte, error) {
	t, err := tableWith(page, d.columns)
	if err != nil {
		return nil, err
	}
	plot.DefaultFont.Variant = "Sans"
	p := plot.New()
	p.Title.Text, p.X.Label.Text = d.title, d.axis
	p.Title.Padding, p.Legend.Padding, p.Legend.Top = 4*vg.Millimeter, vg.Millimeter, true
	if d.least > 0 {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
	grid := plotter.NewGrid()
	grid.Horizontal.Width = 0
	p.Add(grid)
	if err := d.addBars(p, t); err != nil {
		return nil, err
	}
	rows := len(t.rows)
	names := make([]string, rows)
	for i, row := range t.rows {
		names[rows-1-i] = wrapped(strings.ReplaceAll(row[0], "`", "")) // the first row on top
	}
	p.NominalY(names...)
	perRow := max(thickness*vg.Length(len(d.columns)+1), 1.4*vg.Centimeter) // names have up to three lines
	room := float64(vg.Length(len(d.columns)) * vg.Centimeter / 2 / perRow) // above the first row, for the legend
	p.Y.Min, p.Y.Max = -0.6, float64(rows)-0.4+room
	canvas := vgimg.PngCanvas{Canvas: vgimg.NewWith(
		vgimg.UseWH(width, margins+perRow*vg.Length(float64(rows)+room)), vgimg.UseDPI(dpi))}
	p.Draw(draw.Crop(draw.New(canvas), edge, -2*edge, edge, -edge))
	var b bytes.Buffer
	_, err = canvas.WriteTo(&b)
	return b.Bytes(), err
}

// addBars adds those of all columns. They stand on a bar that is not drawn,
// because a logarithmic axis has no zero to begin at.
func (d drawing) addBars(p *plot.Plot, t table) error {
	rows := len(t.rows)
	start := make(plotter.Values, rows)
	for i := range start {
		start[i] = d.least
	}
	base, err := plotter.NewBarChart(start, thickness)
	if err != nil {
		return err
	}
	for i, c := range d.columns {
		values := make(plotter.Values, rows)
		for row := range t.rows {
			seen, err := t.number(row, c)
			if err != nil {
				return err
			}
			values[rows-1-row] = seen - d.least
		}
		bars, err := plotter.NewBarChart(values, thickness)
		if err != nil {
			return err
		}
		bars.StackOn(base)
		bars.Horizontal, bars.Color, bars.LineStyle.Width = true, palette[i], 0
		bars.Offset = thickness * vg.Length(float64(len(d.columns)-1)/2-float64(i))
		p.Add(bars)
		p.Legend.Add(c.header, bars)
	}
	return nil
}

// wrapped breaks a long name into lines.
func wrapped(name string) string {
	const longest = 26
	var b strings.Builder
	line := 0
	for i, word := range strings.Fields(name) {
		switch {
		case i == 0:
		case line+1+len(word) > longest:
			b.WriteByte('\n')
			line = 0
		default:
			b.WriteByte(' ')
			line++
		}
		b.WriteString(word)
		line += len(word)
	}
	return b.String()
}

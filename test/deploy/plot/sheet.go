package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	// columns is the width of Grafana's grid, and column and row are the size of
	// a cell of it, in pixels.
	columns = 24
	column  = 54
	row     = 27
	// The room round the axes of a panel, in pixels: for what is written there.
	left, right, top, bottom = 92, 152, 34, 44
	// line is the height of one of a legend, in pixels.
	line = 16
	// fewest is the number that gnuplot itself divides into whole ones, from it on.
	fewest = 8
)

// A unit is how the values of a panel are written: times scale, with suffix.
type unit struct {
	scale  float64
	suffix string
}

var units = map[string]unit{
	"": {1, ""}, "none": {1, ""}, "short": {1, ""}, "reqps": {1, ""}, "percentunit": {100, " %"}, "s": {1000, " ms"},
}

// A box is where a panel stands on the sheet, in pixels from its upper left corner.
type box struct{ x, y, width, height int }

func (p *panel) box() box {
	return box{p.GridPos.X * column, p.GridPos.Y * row, p.GridPos.W * column, p.GridPos.H * row}
}

func (b box) overlaps(other box) bool {
	return b.x < other.x+other.width && other.x < b.x+b.width && b.y < other.y+other.height && other.y < b.y+b.height
}

// height is that of a sheet with all the panels, in pixels.
func height(panels []panel) int {
	lowest := 0
	for i := range panels {
		b := panels[i].box()
		lowest = max(lowest, b.y+b.height)
	}
	return lowest
}

// sheet is gnuplot's script for a picture of the panels. measured gives the series
// of an expression, with a legend in Grafana's form.
func sheet(panels []panel, measured func(expr, legend string) ([]series, error)) (string, error) {
	s := drawing{height: height(panels)}
	for i := range panels {
		p := &panels[i]
		lines, err := p.measure(measured)
		if err != nil {
			return "", fmt.Errorf("panel %d, %q: %w", p.ID, p.Title, err)
		}
		switch p.Type {
		case "row":
			s.heading(p)
		case "stat":
			s.stat(p, lines)
		case "timeseries":
			s.timeseries(p, lines)
		}
	}
	return fmt.Sprintf(`set terminal pngcairo size %d,%d font 'sans,10'
set multiplot
unset border
unset tics
unset key
%splot [0:1][0:1] 2 notitle
unset label
set border 3 lc rgb '#8b949e'
set xtics nomirror out textcolor rgb '#57606a'
set ytics nomirror out textcolor rgb '#57606a'
set autoscale xfix
set grid ytics lc rgb '#dddddd'
set format x '%%g s'
%s`, columns*column, s.height, s.texts.String(), s.plots.String()), nil
}

// measure gives the lines of a panel, in the order of its overrides.
func (p *panel) measure(measured func(expr, legend string) ([]series, error)) ([]series, error) {
	var all []series
	for _, target := range p.Targets {
		lines, err := measured(target.Expr, target.LegendFormat)
		if err != nil {
			return nil, err
		}
		all = append(all, lines...)
	}
	slices.SortFunc(all, func(a, b series) int {
		return cmp.Or(p.rank(a.legend)-p.rank(b.legend), strings.Compare(a.legend, b.legend))
	})
	return all, nil
}

// A drawing is a sheet as it grows: first all texts, which one plot that shows
// nothing writes, then the plots.
type drawing struct {
	height       int
	texts, plots strings.Builder
}

// text writes at a place in pixels.
func (d *drawing) text(x, y int, text, font, colour string) {
	fmt.Fprintf(&d.texts, "set label %s at screen %s left font %s textcolor rgb %s noenhanced\n",
		quoted(text), d.at(x, y), quoted(font), quoted(colour))
}

// at is a place on the screen of gnuplot, whose corner is the lower left one.
func (d *drawing) at(x, y int) string { return d.across(x) + "," + d.up(y) }

func (d *drawing) across(x int) string {
	return strconv.FormatFloat(float64(x)/(columns*column), 'f', 5, 64)
}
func (d *drawing) up(y int) string {
	return strconv.FormatFloat(1-float64(y)/float64(d.height), 'f', 5, 64)
}

func (d *drawing) heading(p *panel) {
	d.text(p.box().x+14, p.box().y+p.box().height/2, p.Title, "sans:Bold,13", "#1f2328")
}

func (d *drawing) title(p *panel) {
	d.text(p.box().x+14, p.box().y+16, p.Title, "sans:Bold,10", "#1f2328")
}

// stat writes the last value of a panel.
func (d *drawing) stat(p *panel, lines []series) {
	d.title(p)
	for _, one := range lines {
		if len(one.values) == 0 {
			continue
		}
		value, u := one.values[slices.Max(slices.Collect(maps.Keys(one.values)))], units[p.FieldConfig.Defaults.Unit]
		d.text(p.box().x+14, p.box().y+p.box().height*3/5, strconv.FormatFloat(value*u.scale, 'f', 0, 64)+u.suffix, "sans,26", p.shade(value))
	}
}

// timeseries plots a panel, as lines or as areas one upon the other.
func (d *drawing) timeseries(p *panel, lines []series) {
	d.title(p)
	b, u := p.box(), units[p.FieldConfig.Defaults.Unit]
	stacked := p.FieldConfig.Defaults.Custom.Stacking.Mode == "normal"
	fmt.Fprintf(&d.plots, "set lmargin at screen %s\nset rmargin at screen %s\nset tmargin at screen %s\nset bmargin at screen %s\n",
		d.across(b.x+left), d.across(b.x+b.width-right), d.up(b.y+top), d.up(b.y+b.height-bottom))
	fmt.Fprintf(&d.plots, "set ylabel %s noenhanced\nset format y %s\nset yrange [0:1<*]\n",
		quoted(p.FieldConfig.Defaults.Custom.AxisLabel), quoted("%g"+strings.ReplaceAll(u.suffix, "%", "%%")))
	if u.scale != 1 {
		fmt.Fprintln(&d.plots, "set yrange [0:*]")
	}
	d.legend(p, lines, stacked)
	below, highest := map[int64]float64{}, 0.0
	var curves []string
	for i, one := range lines {
		fmt.Fprintf(&d.plots, "$p%d_%d << EOD\n", p.ID, i)
		for _, second := range slices.Sorted(maps.Keys(one.values)) {
			floor := below[second]
			if stacked {
				below[second] += one.values[second]
			}
			highest = max(highest, floor+one.values[second])
			fmt.Fprintf(&d.plots, "%d %g %g\n", second, floor*u.scale, (floor+one.values[second])*u.scale)
		}
		fmt.Fprintln(&d.plots, "EOD")
		style := "using 1:3 with lines lw 2 lc rgb "
		if stacked {
			style = "using 1:2:3 with filledcurves fs solid noborder lc rgb "
		}
		curves = append(curves, fmt.Sprintf("$p%d_%d %s%s notitle", p.ID, i, style, quoted(p.colour(one.legend))))
	}
	// What is counted has no halves.
	if decimals := p.FieldConfig.Defaults.Decimals; decimals != nil && *decimals == 0 && highest < fewest {
		fmt.Fprintln(&d.plots, "set ytics 1")
	} else {
		fmt.Fprintln(&d.plots, "set ytics autofreq")
	}
	if len(curves) > 0 {
		fmt.Fprintln(&d.plots, "plot "+strings.Join(curves, ", "))
	}
}

// legend names the lines of a panel beside it, beginning with what is on top, as
// far as there is room.
func (d *drawing) legend(p *panel, lines []series, stacked bool) {
	b := p.box()
	x, y, room := b.x+b.width-right+10, b.y+top+4, max(1, (b.height-top)/line)
	for i := range lines {
		name := lines[i].legend
		if stacked {
			name = lines[len(lines)-1-i].legend
		}
		if i == room-1 && len(lines) > room {
			d.text(x, y+i*line, fmt.Sprintf("and %d more", len(lines)-i), "sans,9", "#57606a")
			return
		}
		d.text(x, y+i*line, "■", "sans,11", p.colour(name))
		d.text(x+16, y+i*line, name, "sans,9", "#1f2328")
	}
}

// quoted is a string of gnuplot, taken as it is.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

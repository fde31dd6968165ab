package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	dashboard     = "../../../deploy/grafana/fakemx.json"
	sinkDashboard = "../../../deploy/sink/dashboard.json"
)

// one measures the same for every expression: the legend without its labels.
func one(_, legend string) ([]series, error) {
	return []series{{legend, map[int64]float64{0: 1, 1: 2}}}, nil
}

func TestDashboardsOnOneSheetEach(t *testing.T) {
	for _, file := range []string{dashboard, sinkDashboard} {
		t.Run(filepath.Base(file), func(t *testing.T) { onOneSheet(t, file) })
	}
}

func onOneSheet(t *testing.T, file string) {
	panels, err := readPanels(file)
	if err != nil {
		t.Fatal(err)
	}
	script, err := sheet(panels, one)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("each panel is on it, with its title and its data", func(t *testing.T) {
		for i := range panels {
			p := &panels[i]
			b := p.box()
			if b.width <= 0 || b.height <= 0 || b.x < 0 || b.y < 0 || b.x+b.width > columns*column || b.y+b.height > height(panels) {
				t.Errorf("%q is at %+v, beyond the sheet", p.Title, b)
			}
			if n := strings.Count(script, "set label "+quoted(p.Title)+" at "); n != 1 {
				t.Errorf("%q is written %d times, want once", p.Title, n)
			}
		}
		drawn := strings.Count(script, "\nplot $")
		if want := countOf(panels, "timeseries"); drawn != want || want == 0 {
			t.Errorf("%d plots, want %d", drawn, want)
		}
		if written := strings.Count(script, "'sans,26'"); written != countOf(panels, "stat") {
			t.Errorf("%d values, want %d", written, countOf(panels, "stat"))
		}
	})
	t.Run("no two overlap", func(t *testing.T) {
		for i := range panels {
			for j := range panels[:i] {
				if a, b := panels[i].box(), panels[j].box(); a.overlaps(b) {
					t.Errorf("%q at %+v overlaps %q at %+v", panels[i].Title, a, panels[j].Title, b)
				}
			}
		}
	})
	t.Run("each axis says what it counts", func(t *testing.T) {
		for i := range panels {
			if p := &panels[i]; p.Type == "timeseries" && p.FieldConfig.Defaults.Custom.AxisLabel == "" {
				t.Errorf("%q has no axisLabel", p.Title)
			}
		}
	})
	t.Run("a name has one colour in all panels", func(t *testing.T) {
		colours := make(map[string]string)
		for i := range panels {
			for _, o := range panels[i].FieldConfig.Overrides {
				name, colour := o.Matcher.Options, o.Properties[0].Value.FixedColor
				if before := cmp.Or(colours[name], colour); before != colour {
					t.Errorf("%q: %s is %s, and %s in another panel", panels[i].Title, name, colour, before)
				}
				colours[name] = colour
			}
		}
	})
	t.Run("every line has a colour of the dashboard", func(t *testing.T) {
		for i := range panels {
			p := &panels[i]
			if p.Type != "timeseries" {
				continue
			}
			for _, target := range p.Targets {
				// What labels make up is known by the overrides that are for it.
				if !strings.Contains(target.LegendFormat, "{{") && p.rank(target.LegendFormat) == len(p.FieldConfig.Overrides) {
					t.Errorf("%q: no override is for %q", p.Title, target.LegendFormat)
				}
			}
		}
	})
}

func countOf(panels []panel, kind string) (n int) {
	for i := range panels {
		if panels[i].Type == kind {
			n++
		}
	}
	return n
}

func TestBoxes(t *testing.T) {
	a := box{0, 0, 12, 9}
	for _, c := range []struct {
		name string
		b    box
		want bool
	}{
		{"the same place overlaps", box{0, 0, 12, 9}, true},
		{"a corner in common overlaps", box{11, 8, 12, 9}, true},
		{"side by side does not", box{12, 0, 12, 9}, false},
		{"one below the other does not", box{0, 9, 12, 9}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if a.overlaps(c.b) != c.want || c.b.overlaps(a) != c.want {
				t.Errorf("overlaps = %v, want %v", !c.want, c.want)
			}
		})
	}
}

func TestOverrides(t *testing.T) {
	panels, err := read(t, `{"panels": [{"id": 1, "type": "timeseries", "fieldConfig": {"overrides": [
		{"matcher": {"id": "byName", "options": "a.b"}, "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": "#111111"}}]},
		{"matcher": {"id": "byRegexp", "options": "/ good$/"}, "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": "#222222"}}]},
		{"matcher": {"id": "byName", "options": "c good"}, "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": "#333333"}}]}
	]}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	for legend, want := range map[string]string{
		"a.b": "#111111", "axb": grey, "192.0.2.1 good": "#222222", "192.0.2.1 goods": grey, "c good": "#333333", "xc good": "#222222",
	} {
		if got := panels[0].colour(legend); got != want {
			t.Errorf("colour of %q = %s, want %s", legend, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct{ panel, want string }{
		"an unknown matcher":      {`"fieldConfig": {"overrides": [{"matcher": {"id": "byType", "options": "number"}}]}`, `panel 7, "P": matcher "byType", expected byName or byRegexp`},
		"a pattern with flags":    {`"fieldConfig": {"overrides": [{"matcher": {"id": "byRegexp", "options": "/a/i"}}]}`, `byRegexp "/a/i", expected a pattern between slashes, without flags`},
		"a pattern that is none":  {`"fieldConfig": {"overrides": [{"matcher": {"id": "byRegexp", "options": "/(/"}}]}`, "missing closing )"},
		"an override of a unit":   {`"fieldConfig": {"overrides": [{"matcher": {"id": "byName", "options": "a"}, "properties": [{"id": "unit"}]}]}`, `override of unit "", expected a fixed color`},
		"an unknown unit":         {`"fieldConfig": {"defaults": {"unit": "furlongs"}}`, `unit "furlongs", expected one that plot knows`},
		"a row that is folded up": {`"panels": [{}]`, "expected an open one"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(t, `{"panels": [{"id": 7, "type": "timeseries", "title": "P", `+c.panel+`}]}`)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error = %v, want one line with %q", err, c.want)
			}
		})
	}
	t.Run("an unknown kind of panel", func(t *testing.T) {
		if _, err := read(t, `{"panels": [{"type": "gauge"}]}`); err == nil || !strings.Contains(err.Error(), `type "gauge"`) {
			t.Errorf("error = %v", err)
		}
	})
}

func read(t *testing.T, text string) ([]panel, error) {
	file := filepath.Join(t.TempDir(), "dashboard.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return readPanels(file)
}

func TestStackedAreas(t *testing.T) {
	panels, err := read(t, `{"panels": [{"id": 3, "type": "timeseries", "gridPos": {"w": 12, "h": 9}, "targets": [{"expr": "x", "legendFormat": "x"}],
		"fieldConfig": {"defaults": {"custom": {"stacking": {"mode": "normal"}}}}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	script, err := sheet(panels, func(string, string) ([]series, error) {
		return []series{{"b", map[int64]float64{0: 5}}, {"a", map[int64]float64{0: 1, 1: 2}}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("stand one upon the other, where both have a value", func(t *testing.T) {
		if want := "$p3_0 << EOD\n0 0 1\n1 0 2\nEOD\n$p3_1 << EOD\n0 1 6\nEOD\n"; !strings.Contains(script, want) {
			t.Errorf("script has no %q:\n%s", want, script)
		}
	})
	t.Run("and the legend begins with the uppermost", func(t *testing.T) {
		if a, b := strings.Index(script, "set label 'a' "), strings.Index(script, "set label 'b' "); a < b || b < 0 {
			t.Errorf("a at %d, b at %d", a, b)
		}
	})
}

func TestLegend(t *testing.T) {
	panels, err := read(t, `{"panels": [{"id": 3, "type": "timeseries", "gridPos": {"w": 12, "h": 9}, "targets": [{"expr": "x", "legendFormat": "x"}]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	script, err := sheet(panels, func(string, string) ([]series, error) {
		all := make([]series, 1000)
		for i := range all {
			all[i] = series{fmt.Sprintf("line %04d", i), map[int64]float64{0: 1}}
		}
		return all, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("of many lines ends where the panel does, and says how many are left", func(t *testing.T) {
		named := strings.Count(script, "set label 'line ")
		if want := (9*row - top) / line; named != want-1 || !strings.Contains(script, fmt.Sprintf("set label 'and %d more' ", 1000-named)) {
			t.Errorf("%d lines are named, want %d and the rest as a number", named, want-1)
		}
	})
}

func TestShades(t *testing.T) {
	panels, err := readPanels(dashboard)
	if err != nil {
		t.Fatal(err)
	}
	share := &panels[slices.IndexFunc(panels, func(p panel) bool { return p.Title == "Sets with fakes" })]
	for value, want := range map[float64]string{0: "#cf222e", 0.71: "#d4a72c", 1: "#2da44e"} {
		if got := share.shade(value); got != want {
			t.Errorf("colour of %g = %s, want %s", value, got, want)
		}
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// grey is for what a dashboard gives no colour.
const grey = "#8b949e"

// A panel is one of a dashboard's, as Grafana's JSON has it.
type panel struct {
	ID      int
	Type    string
	Title   string
	GridPos struct{ X, Y, W, H int }
	// Panels are those of a row that is folded up.
	Panels  []json.RawMessage
	Targets []struct {
		Expr         string
		LegendFormat string
	}
	FieldConfig struct {
		Defaults struct {
			Unit       string
			Decimals   *int
			Color      struct{ Mode, FixedColor string }
			Thresholds struct{ Steps []step }
			Custom     struct {
				AxisLabel string
				Stacking  struct{ Mode string }
			}
		}
		Overrides []override
	}
}

// A step is a threshold: its colour is for values from its own on. The first
// has none.
type step struct {
	Color string
	Value float64
}

// An override is what a dashboard says of the series that its matcher takes.
type override struct {
	Matcher struct {
		ID      string
		Options string
	}
	Properties []struct {
		ID    string
		Value struct{ Mode, FixedColor string }
	}
	takes *regexp.Regexp
}

// readPanels reads the panels of the dashboard in file. It refuses what a picture
// of them would get wrong.
func readPanels(file string) ([]panel, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var dashboard struct{ Panels []panel }
	if err := json.Unmarshal(text, &dashboard); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for i := range dashboard.Panels {
		if err := dashboard.Panels[i].check(); err != nil {
			return nil, fmt.Errorf("%s: panel %d, %q: %w", file, dashboard.Panels[i].ID, dashboard.Panels[i].Title, err)
		}
	}
	return dashboard.Panels, nil
}

func (p *panel) check() error {
	if !slices.Contains([]string{"row", "stat", "timeseries"}, p.Type) {
		return fmt.Errorf("type %q, expected row, stat or timeseries", p.Type)
	}
	if len(p.Panels) > 0 {
		return fmt.Errorf("a row that is folded up, expected an open one")
	}
	if _, known := units[p.FieldConfig.Defaults.Unit]; !known {
		return fmt.Errorf("unit %q, expected one that plot knows", p.FieldConfig.Defaults.Unit)
	}
	for i := range p.FieldConfig.Overrides {
		if err := p.FieldConfig.Overrides[i].check(); err != nil {
			return err
		}
	}
	return nil
}

// check refuses an override that isn't understood, and learns which series it takes.
func (o *override) check() error {
	switch pattern, between := strings.CutPrefix(o.Matcher.Options, "/"); {
	case o.Matcher.ID == "byName":
		o.takes = regexp.MustCompile("^" + regexp.QuoteMeta(o.Matcher.Options) + "$")
	case o.Matcher.ID != "byRegexp":
		return fmt.Errorf("matcher %q, expected byName or byRegexp", o.Matcher.ID)
	case !between || !strings.HasSuffix(pattern, "/"):
		return fmt.Errorf("byRegexp %q, expected a pattern between slashes, without flags", o.Matcher.Options)
	default:
		var err error
		if o.takes, err = regexp.Compile(strings.TrimSuffix(pattern, "/")); err != nil {
			return err
		}
	}
	for _, property := range o.Properties {
		if property.ID != "color" || property.Value.Mode != "fixed" {
			return fmt.Errorf("override of %s %q, expected a fixed color", property.ID, property.Value.Mode)
		}
	}
	return nil
}

// rank is the place of the override that takes a series, among all of the panel;
// one that none takes comes last.
func (p *panel) rank(legend string) int {
	i := slices.IndexFunc(p.FieldConfig.Overrides, func(o override) bool { return o.takes.MatchString(legend) })
	if i < 0 {
		return len(p.FieldConfig.Overrides)
	}
	return i
}

// colour is that of a series: as in Grafana, the last override that takes it counts.
func (p *panel) colour(legend string) string {
	colour := grey
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			if o.takes.MatchString(legend) {
				colour = property.Value.FixedColor
			}
		}
	}
	return colour
}

// shade is the colour of a single value, by the thresholds.
func (p *panel) shade(value float64) string {
	if p.FieldConfig.Defaults.Color.Mode == "fixed" {
		return p.FieldConfig.Defaults.Color.FixedColor
	}
	colour := grey
	for i, step := range p.FieldConfig.Defaults.Thresholds.Steps {
		if i == 0 || value >= step.Value {
			colour = step.Color
		}
	}
	return colour
}

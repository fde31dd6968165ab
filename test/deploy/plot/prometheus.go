package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// A series is a line of a panel: its value at some seconds since the picture's
// first. There are none where nothing was measured.
type series struct {
	legend string
	values map[int64]float64
}

// A prometheus is what was measured between two Unix times, every second.
type prometheus struct {
	url      string
	from, to int64
}

// The variables of the dashboard, as Grafana would fill them in.
var variables = strings.NewReplacer("$__rate_interval", "10s", "$job", "fakemx", "$instance", ".+")

// series asks for an expression of a dashboard.
func (api prometheus) series(expr, legend string) ([]series, error) {
	answer, err := http.PostForm(api.url+"/query_range", url.Values{
		"query": {variables.Replace(expr)}, "step": {"1"},
		"start": {strconv.FormatInt(api.from, 10)}, "end": {strconv.FormatInt(api.to, 10)},
	})
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var body struct {
		Error string
		Data  struct {
			Result []struct {
				Metric map[string]string
				Values [][2]any
			}
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		return nil, fmt.Errorf("%s: %w", api.url, err)
	}
	if body.Error != "" {
		return nil, fmt.Errorf("%s: %s", api.url, body.Error)
	}
	var all []series
	for _, result := range body.Data.Result {
		one := series{legendOf(legend, result.Metric), map[int64]float64{}}
		for _, sample := range result.Values {
			second, _ := sample[0].(float64)
			text, _ := sample[1].(string)
			// What divides by nothing is no value.
			if value, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(value) {
				one.values[int64(second)-api.from] = value
			}
		}
		all = append(all, one)
	}
	return all, nil
}

var label = regexp.MustCompile(`{{\s*(\w+)\s*}}`)

// legendOf fills the labels of a metric into Grafana's form of a legend.
func legendOf(form string, metric map[string]string) string {
	return label.ReplaceAllStringFunc(form, func(name string) string { return metric[label.FindStringSubmatch(name)[1]] })
}

// Command plot draws a Grafana dashboard without Grafana, as a picture for the
// documents: every panel where its gridPos puts it, in the colours of its
// overrides, with the values that Prometheus has.
//
//	plot DASHBOARD.json API FROM TO FILE.png
//
// API is Prometheus' (http://host:port/api/v1), FROM and TO are Unix times. It
// needs gnuplot. What a dashboard may have that it doesn't know, it refuses.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "plot:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 5 {
		return fmt.Errorf("%d arguments, expected DASHBOARD.json API FROM TO FILE.png", len(args))
	}
	panels, err := readPanels(args[0])
	if err != nil {
		return err
	}
	from, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return fmt.Errorf("FROM is %q, expected a Unix time", args[2])
	}
	to, err := strconv.ParseInt(args[3], 10, 64)
	if err != nil || to <= from {
		return fmt.Errorf("TO is %q, expected a Unix time after FROM", args[3])
	}
	api := prometheus{url: args[1], from: from, to: to}
	script, err := sheet(panels, api.series)
	if err != nil {
		return err
	}
	picture, err := os.Create(args[4])
	if err != nil {
		return err
	}
	gnuplot := exec.Command("gnuplot")
	gnuplot.Stdin, gnuplot.Stdout, gnuplot.Stderr = strings.NewReader(script), picture, os.Stderr
	if err := gnuplot.Run(); err != nil {
		return fmt.Errorf("gnuplot: %w", err)
	}
	return picture.Close()
}

package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// smoke runs a little of everything. The figures mean nothing, and none is held
// against a threshold; but a single lost, mixed or wrong answer is an error.
func smoke(args []string) error {
	flags := flag.NewFlagSet("smoke", flag.ExitOnError)
	binary := flags.String("coredns", "", "CoreDNS with fakemx; built if empty")
	flags.Parse(args)
	env, err := newEnvironment(*binary)
	if err != nil {
		return err
	}
	defer env.remove()
	if err := env.describe(os.Stdout); err != nil {
		return err
	}
	e := effort{rounds: 1, seconds: 200 * time.Millisecond}
	for _, m := range modes {
		if err := measureMode(io.Discard, env, m, 2, e); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	if err := runSoak(os.Stdout, env, 15*time.Second, 2*time.Second); err != nil {
		return fmt.Errorf("soak: %w", err)
	}
	if err := env.write(rootFile, rootZone); err != nil {
		return err
	}
	if err := swaps(os.Stdout, env, 10_000, writings[1:2]); err != nil {
		return fmt.Errorf("swaps: %w", err)
	}
	return nil
}

package main

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// name completes the list of what took part.
func (l *laboratory) name(ctx context.Context, binary string, r *result) error {
	out, err := exec.CommandContext(ctx, binary, "-version").Output()
	if err != nil {
		return err
	}
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(out), "\n")
	r.versions["CoreDNS"] = strings.TrimPrefix(first, "CoreDNS-")
	r.versions["Linux"], _, _ = strings.Cut(strings.TrimSpace(string(kernel)), "-")
	r.versions["Go"] = strings.TrimPrefix(runtime.Version(), "go")
	return nil
}

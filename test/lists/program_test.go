package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// patience is how long a program may take to do what it does in less than a
// second on an idle machine.
const patience = 60 * time.Second

// program returns the path of a program from a Debian package, and skips the test
// where it is missing.
func program(t *testing.T, name, debian string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(path); err == nil {
			return path
		}
	}
	const missing = "%s is not installed: apt-get install %s"
	if os.Getenv("CI") == "true" {
		t.Fatalf(missing, name, debian)
	}
	t.Skipf(missing, name, debian)
	return ""
}

// launch starts a daemon that stays in the foreground, and stops it when the test
// ends. What it writes is shown if the test fails.
func launch(t *testing.T, argv ...string) {
	t.Helper()
	output, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(cmd); err != nil {
			t.Errorf("%s: %v", argv[0], err)
		}
		output.Close()
		if text, err := os.ReadFile(output.Name()); t.Failed() && err == nil {
			const most = 2000
			t.Logf("%s wrote at the end:\n%s", argv[0], text[max(0, len(text)-most):])
		}
	})
}

// eventually waits until what is expected is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

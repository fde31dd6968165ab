package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
)

// The program is executed again under one of these names to play another part.
const (
	roleContained = "fakemx-mail-contained"
	roleInit      = "fakemx-mail-init"
)

// place is where the laboratory's own tmpfs is mounted. The mount exists only
// in the laboratory's private mount namespace; the directory must merely exist
// and hold nothing that a build needs.
const place = "/media"

// contain runs the laboratory in mount, PID and IPC namespaces of its own and
// returns its exit status.
//
// Nothing has to be removed afterwards, by whatever signal it ends: every
// process lives in the PID namespace, which the kernel empties when its first
// process dies; that process dies with this one (Pdeathsig); mounts and network
// namespaces are held by those processes only; and all files lie on a tmpfs
// that is one of those mounts. The signal handler is the second layer: it ends
// the first process at once and waits until the namespace is empty.
func contain(args []string, stdout, stderr io.Writer) int {
	// Pdeathsig is sent when the thread that forked ends, not the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	// The seconds shall be the senders' own, not those of other work on the
	// machine. The thread's priority is inherited by all that it starts.
	const priority = -10
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, priority); err != nil {
		fmt.Fprintf(stderr, "mail: raise priority: %v\n", err)
		return 1
	}

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)

	cmd := &exec.Cmd{
		Path:   "/proc/self/exe",
		Args:   append([]string{roleContained}, args...),
		Stdout: stdout,
		Stderr: stderr,
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
			Pdeathsig:  syscall.SIGKILL,
		},
	}
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(stderr, "mail: start in new namespaces: %v\n", err)
		return 1
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case sig := <-signals:
		_ = cmd.Process.Kill() // already gone is as good
		<-done
		fmt.Fprintf(stderr, "mail: %v: stopped, nothing left behind\n", sig)
		return 128 + int(sig.(syscall.Signal))
	case err := <-done:
		return exitCode(err, stderr)
	}
}

func exitCode(err error, stderr io.Writer) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode()
	default:
		fmt.Fprintf(stderr, "mail: %v\n", err)
		return 1
	}
}

// furnish gives the new namespaces what contain promises: no mount that leaks
// out, a /proc of the new PID namespace, and a tmpfs for every file.
func furnish() error {
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := syscall.Mount("tmpfs", place, "tmpfs", 0, "size=3g,mode=755"); err != nil {
		return fmt.Errorf("mount a tmpfs on %s: %w", place, err)
	}
	// Tools that are killed half-way leave their temporary files there too.
	return os.Setenv("TMPDIR", place)
}

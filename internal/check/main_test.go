package check

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// inside says that the process is in the network namespace of the tests. There
// every address is one of the machine, but for those of the void, so that hosts
// have addresses as on the Internet.
const inside = "FAKEMX_CHECK_NAMESPACE"

// unfurnished is the exit status of a process inside that could not furnish the
// namespace. No test has run then.
const unfurnished = 3

func TestMain(m *testing.M) {
	if os.Getenv(inside) == "" {
		os.Exit(enter())
	}
	if err := furnish(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(unfurnished)
	}
	os.Exit(m.Run())
}

// enter runs the tests in a network namespace of their own, which ends with
// them. Where none can be had they are skipped, but not in CI.
func enter() int {
	child := exec.Command(os.Args[0], os.Args[1:]...)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	child.Env = append(os.Environ(), inside+"=yes")
	child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Getuid() != 0 {
		child.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		child.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		child.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	err := child.Run()
	if err == nil {
		return 0
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() != unfurnished {
		fmt.Fprintln(os.Stderr, "tests in a network namespace:", err)
		return 1
	}
	if os.Getenv("CI") == "true" {
		fmt.Fprintln(os.Stderr, "no network namespace, and CI needs one: root or user namespaces, and ip (apt-get install iproute2):", err)
		return 1
	}
	fmt.Fprintln(os.Stderr, "skipped: the tests need a network namespace, so root or user namespaces, and ip (apt-get install iproute2):", err)
	return 0
}

// furnish makes every address local, and the void a place that swallows packets.
func furnish() error {
	for _, command := range []string{
		"ip link set lo up",
		"ip route add local 0.0.0.0/0 dev lo",
		"ip -6 route add local ::/0 dev lo",
		"ip addr add 2606:11::1/128 dev lo nodad",
		"ip link add void type veth peer name nobody",
		"ip link set void arp off up",
		"ip link set nobody arp off up",
		"ip addr add 45.67.255.1/32 dev void",
		"ip route add unicast 45.67.0.0/16 dev void table local",
	} {
		words := strings.Fields(command)
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", command, err, out)
		}
	}
	return nil
}

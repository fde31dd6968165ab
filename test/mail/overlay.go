package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// A root is a file-system tree of its own over the machine's: packages
// installed into one are not seen by the others, nor by the machine.
type root struct {
	dir   string // where it is mounted
	upper string // what differs from the machine's
}

// newRoot makes a root over the machine's tree, or over a sealed one.
func newRoot(name string, over *root) (*root, error) {
	base := filepath.Join(place, "roots", name)
	dir := map[string]string{}
	for _, d := range []string{"upper", "work", "merged"} {
		dir[d] = filepath.Join(base, d)
		if err := os.MkdirAll(dir[d], 0o755); err != nil {
			return nil, err
		}
	}
	lower := "/"
	if over != nil {
		lower = over.upper + ":/"
	}
	options := "lowerdir=" + lower + ",upperdir=" + dir["upper"] + ",workdir=" + dir["work"]
	if err := syscall.Mount("overlay", dir["merged"], "overlay", 0, options); err != nil {
		return nil, fmt.Errorf("mount an overlay for %s: %w", name, err)
	}
	return &root{dir: dir["merged"], upper: dir["upper"]}, nil
}

// seal ends all changes to r, which can then lie below any number of others.
func (r *root) seal() error { return syscall.Unmount(r.dir, syscall.MNT_DETACH) }

// write puts a file into the root.
func (r *root) write(path, text string, mode os.FileMode) error {
	full := filepath.Join(r.dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	// The name may stand for a link into a run-time directory that is not there.
	if err := os.Remove(full); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(full, []byte(text), mode); err != nil {
		return err
	}
	return os.Chmod(full, mode)
}

// A container is a running root: PID, mount, IPC and host-name namespaces,
// and one process that holds them and reaps what daemons leave.
type container struct {
	root *root
	init *exec.Cmd
}

// boot starts a container over r. Its network is n's, or the machine's when n
// is nil.
func (r *root) boot(n *node, hostname string) (*container, error) {
	up, ready, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer up.Close()
	var complaint bytes.Buffer
	cmd := &exec.Cmd{
		Path:       "/proc/self/exe",
		Args:       []string{roleInit, r.dir, hostname},
		Stderr:     &complaint,
		ExtraFiles: []*os.File{ready},
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		},
	}
	start := cmd.Start
	if n != nil {
		start = func() error { return n.do(cmd.Start) }
	}
	err = start()
	ready.Close()
	if err != nil {
		return nil, fmt.Errorf("boot %s: %w", hostname, err)
	}
	if _, err := io.ReadFull(up, make([]byte, 1)); err != nil {
		return nil, fmt.Errorf("boot %s: %w: %s", hostname, errors.Join(err, cmd.Wait()), complaint.String())
	}
	return &container{root: r, init: cmd}, nil
}

// halt ends every process of the container.
func (c *container) halt() error {
	if err := c.init.Process.Kill(); err != nil {
		return err
	}
	_ = c.init.Wait() // "signal: killed" is what was asked for
	return nil
}

// run executes argv inside the container and returns what it wrote.
func (c *container) run(ctx context.Context, stdin io.Reader, argv ...string) (string, error) {
	enter := slices.Concat([]string{"-t", strconv.Itoa(c.init.Process.Pid), "-m", "-p", "-u", "-i", "-n", "-r", "-w", "--"}, argv)
	cmd := exec.CommandContext(ctx, "nsenter", enter...)
	cmd.Env = environment()
	cmd.Stdin = stdin
	// Files, not pipes: a daemon that keeps its parent's output open would
	// otherwise be waited for.
	out, err := os.CreateTemp(place, "out")
	if err != nil {
		return "", err
	}
	defer out.Close()
	defer os.Remove(out.Name())
	cmd.Stdout, cmd.Stderr = out, out
	failed := cmd.Run()
	text, err := os.ReadFile(out.Name())
	if err != nil {
		return "", err
	}
	if failed != nil {
		return string(text), fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), failed, bytes.TrimSpace(text))
	}
	return string(text), nil
}

// environment is a plain one for daemons, with the caller's proxies for apt.
func environment() []string {
	env := []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root", "USER=root", "LOGNAME=root", "LANG=C.UTF-8",
		"DEBIAN_FRONTEND=noninteractive",
	}
	for _, name := range []string{"http_proxy", "https_proxy", "no_proxy"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// initMain is the first process of a container.
func initMain(args []string) int {
	if err := enterRoot(args[0], args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if _, err := os.NewFile(3, "ready").Write([]byte{1}); err != nil {
		return 1
	}
	orphans := make(chan os.Signal, 1)
	signal.Notify(orphans, syscall.SIGCHLD)
	for range orphans {
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != nil || pid <= 0 {
				break
			}
		}
	}
	return 0
}

func enterRoot(dir, hostname string) error {
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := mountDev(filepath.Join(dir, "dev")); err != nil {
		return err
	}
	if err := syscall.Mount("proc", filepath.Join(dir, "proc"), "proc", 0, ""); err != nil {
		return err
	}
	if err := syscall.Chroot(dir); err != nil {
		return err
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	return syscall.Sethostname([]byte(hostname))
}

// mountDev gives a container the devices that mail servers use and no other.
func mountDev(dev string) error {
	if err := syscall.Mount("tmpfs", dev, "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		target := filepath.Join(dev, name)
		if err := os.WriteFile(target, nil, 0o600); err != nil {
			return err
		}
		if err := syscall.Mount("/dev/"+name, target, "", syscall.MS_BIND, ""); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(dev, "shm"), 0o755); err != nil {
		return err
	}
	if err := os.Chmod(filepath.Join(dev, "shm"), 0o777|os.ModeSticky); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(dev, "pts"), 0o755); err != nil {
		return err
	}
	if err := syscall.Mount("devpts", filepath.Join(dev, "pts"), "devpts", 0, "newinstance,ptmxmode=0666"); err != nil {
		return err
	}
	for name, target := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd",
		"stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(target, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	return nil
}

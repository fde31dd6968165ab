package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// A software is what a host of the laboratory has installed.
type software struct {
	packages []string // the first one carries the version
	answers  string   // for debconf
}

// key tells software apart.
func (s software) key() string { return strings.Join(s.packages, " ") + "\n" + s.answers }

// An installed one can be used by any number of hosts, each with a root of its
// own over it.
type installed struct {
	root    *root
	version string
}

// install gets everything that is wanted, once each, some at a time.
func (l *laboratory) install(ctx context.Context, cache string, wanted ...software) (map[string]*installed, error) {
	found := map[string]*installed{}
	var mu sync.Mutex
	var errs []error
	slots := make(chan struct{}, runtime.NumCPU())
	var all sync.WaitGroup
	for _, s := range wanted {
		if found[s.key()] != nil {
			continue
		}
		made := &installed{}
		found[s.key()] = made
		name := "software" + strconv.Itoa(len(found))
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := made.fill(ctx, name, cache, s); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
				return
			}
			l.say("installed %s %s", s.packages[0], made.version)
		})
	}
	all.Wait()
	return found, errors.Join(errs...)
}

func (i *installed) fill(ctx context.Context, name, cache string, s software) error {
	var err error
	if i.root, err = newRoot(name, nil); err != nil {
		return err
	}
	if err := i.root.install(ctx, cache, s.answers, s.packages...); err != nil {
		return err
	}
	if i.version, err = i.root.version(ctx, s.packages[0]); err != nil {
		return err
	}
	return i.root.seal()
}

// install puts Debian packages into r from the machine's own package sources.
// No service starts. cache, if not empty, is a directory in which the packages
// are kept for the next run.
func (r *root) install(ctx context.Context, cache, answers string, packages ...string) error {
	resolv, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return err
	}
	// policy-rc.d: 101 is "action forbidden by policy" to invoke-rc.d.
	for path, text := range map[string]string{
		"/usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
		"/etc/resolv.conf":      string(resolv),
	} {
		if err := r.write(path, text, 0o755); err != nil {
			return err
		}
	}
	archives := filepath.Join("/var/cache/fakemx", packages[0])
	if err := os.MkdirAll(filepath.Join(r.dir, archives), 0o755); err != nil {
		return err
	}
	if cache != "" {
		kept := filepath.Join(cache, packages[0])
		if err := os.MkdirAll(kept, 0o755); err != nil {
			return err
		}
		if err := syscall.Mount(kept, filepath.Join(r.dir, archives), "", syscall.MS_BIND, ""); err != nil {
			return err
		}
	}
	c, err := r.boot(nil, "install")
	if err != nil {
		return err
	}
	defer c.halt()
	// The index of manual pages takes longer than the packages.
	answers += "man-db man-db/auto-update boolean false\n"
	if _, err := c.run(ctx, strings.NewReader(answers), "debconf-set-selections"); err != nil {
		return err
	}
	get := append([]string{"apt-get", "--quiet", "--yes", "--no-install-recommends",
		"-o", "Dir::Cache::archives=" + archives, "-o", "APT::Keep-Downloaded-Packages=true", "install"}, packages...)
	if _, err := c.run(ctx, nil, get...); err == nil {
		return nil
	}
	// The machine's package lists may be missing, or too old for the mirror.
	if _, err := c.run(ctx, nil, "apt-get", "--quiet", "update"); err != nil {
		return err
	}
	if _, err := c.run(ctx, nil, get...); err != nil {
		return fmt.Errorf("install %s: %w", packages[0], err)
	}
	return nil
}

// version tells which version of a package the root holds.
func (r *root) version(ctx context.Context, pkg string) (string, error) {
	c, err := r.boot(nil, "version")
	if err != nil {
		return "", err
	}
	defer c.halt()
	return c.run(ctx, nil, "dpkg-query", "--show", "--showformat", "${Version}", pkg)
}

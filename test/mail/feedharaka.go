package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Haraka, and the Node.js that runs it, whichever the machine has.
const (
	harakaVersion = "3.3.4"
	nodeVersion   = "22.23.3"
)

// Where they are in their root.
const (
	harakaDir  = "/opt/haraka"
	harakaLog  = "/var/log/haraka.log"
	harakaConf = "/etc/haraka"
)

// nodePackage is npm's for this machine, a program without anything else.
func nodePackage() string {
	return "node-linux-" + strings.Replace(runtime.GOARCH, "amd64", "x64", 1)
}

// harakaCommand is the command, before its arguments.
func harakaCommand() []string {
	modules := filepath.Join(harakaDir, "node_modules")
	return []string{filepath.Join(modules, nodePackage(), "bin", "node"), filepath.Join(modules, "Haraka", "bin", "haraka")}
}

// feedHaraka is what "haraka -i" makes, but for the domain, and without plugins that
// are packages of their own.
func feedHaraka(g *guide) *feedHost {
	lines := g.block("haraka")
	command := strings.Join(harakaCommand(), " ")
	h := newFeedHost(g, "Haraka", harakaLog, "-feed mail="+harakaLog, &sender{
		setup: func(ctx context.Context, c *container, _ string) error {
			if _, err := c.run(ctx, nil, append(harakaCommand(), "-i", harakaConf)...); err != nil {
				return err
			}
			return errors.Join(
				c.root.write(harakaConf+"/config/host_list", "example.org\n", 0o644),
				c.root.write(harakaConf+"/config/plugins", "rcpt_to.in_host_list\n", 0o644),
				c.root.write(harakaConf+"/config/log.ini", lines, 0o644),
			)
		},
		start: [][]string{{"sh", "-c", command + " -c " + harakaConf + " >>" + harakaLog + " 2>&1 &"}},
	})
	h.get = getHaraka
	return h
}

// getHaraka installs Haraka by npm, and npm from Debian if the machine has none.
// The packages' own scripts don't run, and nothing optional is built.
func getHaraka(ctx context.Context, l *laboratory, debs string) (*installed, error) {
	r, err := newRoot("haraka", nil)
	if err != nil {
		return nil, err
	}
	if _, err := exec.LookPath("npm"); err != nil {
		if err := r.install(ctx, debs, "", "npm"); err != nil {
			return nil, err
		}
	}
	resolv, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return nil, err
	}
	if err := r.write("/etc/resolv.conf", string(resolv), 0o644); err != nil {
		return nil, err
	}
	c, err := r.boot(nil, "install")
	if err != nil {
		return nil, err
	}
	defer c.halt()
	command := []string{"env"}
	// The certificates of a proxy.
	if ca, ok := os.LookupEnv("NODE_EXTRA_CA_CERTS"); ok {
		command = append(command, "NODE_EXTRA_CA_CERTS="+ca)
	}
	command = append(command, "npm", "install", "--prefix", harakaDir, "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund",
		"Haraka@"+harakaVersion, nodePackage()+"@"+nodeVersion)
	if _, err := c.run(ctx, nil, command...); err != nil {
		return nil, err
	}
	l.say("installed Haraka %s", harakaVersion)
	return &installed{root: r, version: harakaVersion}, r.seal()
}

// Package commit tells which commit a binary was built from.
package commit

import "runtime/debug"

// Of names the commit that a binary was built from, for builds without the
// flag of the linker that says it: "" where the toolchain noted none.
func Of(info *debug.BuildInfo) string {
	revision, modified := "", ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			revision = setting.Value[:min(len(setting.Value), 12)]
		case setting.Key == "vcs.modified" && setting.Value == "true":
			modified = "-dirty"
		}
	}
	if revision != "" {
		return revision + modified
	}
	// go install PACKAGE@VERSION has no checkout; a pseudo-version ends in the commit.
	if info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return ""
}

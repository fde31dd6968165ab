package commit

import (
	"runtime/debug"
	"testing"
)

func TestOf(t *testing.T) {
	setting := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: key, Value: value} }
	revision := setting("vcs.revision", "cd9c0a1c5e0f2d1a7b3c4d5e6f708192a3b4c5d6")
	for _, c := range []struct {
		what string
		info debug.BuildInfo
		want string
	}{
		{"a clean checkout", debug.BuildInfo{Settings: []debug.BuildSetting{revision, setting("vcs.modified", "false")}}, "cd9c0a1c5e0f"},
		{"a changed checkout", debug.BuildInfo{Settings: []debug.BuildSetting{revision, setting("vcs.modified", "true")}}, "cd9c0a1c5e0f-dirty"},
		{"a short revision", debug.BuildInfo{Settings: []debug.BuildSetting{setting("vcs.revision", "17")}}, "17"},
		{"a version that was installed", debug.BuildInfo{Main: debug.Module{Version: "v0.1.0"}}, "v0.1.0"},
		{"no checkout", debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			if got := Of(&c.info); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

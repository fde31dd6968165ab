// Package order puts fakemx into the order of CoreDNS's plugins.
package order

import (
	"fmt"
	"slices"
)

const (
	plugin = "fakemx"
	// after and before are the neighbours of fakemx: what stands above the first
	// acts on its answers, what stands below the second is acted on.
	after  = "minimal"
	before = "template"
)

// Insert returns directives with fakemx in its place. It fails where the place
// is not there: any other would be wrong.
func Insert(directives []string) ([]string, error) {
	i := slices.Index(directives, after)
	if i < 0 || i+1 == len(directives) || directives[i+1] != before {
		return nil, fmt.Errorf("no place for %s: expected %s directly before %s in the order of plugins", plugin, after, before)
	}
	return slices.Insert(slices.Clone(directives), i+1, plugin), nil
}

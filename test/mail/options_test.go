package main

import (
	"io"
	"testing"
)

func TestOptions(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		ok   bool
	}{
		"none is the whole run":                          {nil, true},
		"the short form":                                 {[]string{"-short"}, true},
		"a whole run may write the page":                 {[]string{"-write", "docs"}, true},
		"a selection may not write the page":             {[]string{"-write", "docs", "-short"}, false},
		"a run without fakemx may not write the page":    {[]string{"-write", "docs", "-by-hand"}, false},
		"more messages than domains to send them to":     {[]string{"-mails", "21"}, false},
		"an argument that is no flag":                    {[]string{"docs"}, false},
		"the watched sinks alone":                        {[]string{"watch", "-short"}, true},
		"the watched sinks alone may not write the page": {[]string{"watch", "-write", "docs"}, false},
		"nobody watches a hand-edited zone":              {[]string{"watch", "-by-hand"}, false},
		"a flag that does not exist":                     {[]string{"-long"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseOptions(tc.args, io.Discard); (err == nil) != tc.ok {
				t.Errorf("got %v, want success: %v", err, tc.ok)
			}
		})
	}
	t.Run("a sender that does not exist is named with those that do", func(t *testing.T) {
		if got, err := (&options{only: "qmail"}).choose(); err == nil {
			t.Errorf("got %v, want an error", names(got))
		}
	})
	t.Run("the short form has at least four senders", func(t *testing.T) {
		if got, err := (&options{short: true}).choose(); err != nil || len(got) < 4 {
			t.Errorf("got %v, %v", names(got), err)
		}
	})
}

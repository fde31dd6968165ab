package config

import "testing"

func TestALineForEachStanzaSaysWhatIsInjectedForWhom(t *testing.T) {
	got := make([]string, 0, 2)
	for _, s := range stanzas(t, `example.org {
		fakemx {
			lowest fake0.mx 9.9.9.1 2620:fe::9
			highest decoy[1-7].mx 9.9.9.2
			exchanges mx mail.example.org hoster.example.
			real _realmx
		}
		fakemx sub.example.org other.example.org {
			highest sink.example.net.
			step 5
			ttl 60
			zones_from /etc/zones
			dry_run
		}
	}`) {
		got = append(got, s.String())
	}
	wantLines(
		t, got,
		"example.org.: lowest fake0.mx 9.9.9.1 2620:fe::9, "+
			"highest decoy1.mx 9.9.9.2, decoy2.mx 9.9.9.2, decoy3.mx 9.9.9.2, decoy4.mx 9.9.9.2, decoy5.mx 9.9.9.2 and 2 more, "+
			"step 10, ttl 3600, only sets at mx, mail.example.org., hoster.example., untouched sets at _realmx",
		"sub.example.org., other.example.org. and the zones in /etc/zones: dry run, nothing changes: "+
			"lowest none, highest sink.example.net., step 5, ttl 60",
	)
}

package serial

// Digest stands for all that shapes a zone besides its backend.
type Digest [16]byte

// State is what is known of a zone.
type State struct {
	// Backend is the serial number of the backend's zone, Digest what stood for
	// the rest, and Served the number that the two are served with.
	Backend, Served uint32
	Digest          Digest
	// Signed says that the zone has signatures of its own, and keeps its number.
	Signed bool
}

// Seen is how a zone is now.
type Seen struct {
	// Zone is the apex, in lower case and with the last dot.
	Zone    string
	Backend uint32
	Digest  Digest
	Signed  bool
	// Injects says that the zone is served with more than its backend has.
	Injects bool
}

// After reports whether the serial number a comes after b (RFC 1982 section
// 3.2). Of two at a distance of 2^31 neither does.
func After(a, b uint32) bool { return a != b && a-b < 1<<31 }

// successor is the number after s. 0 is left out: a request for the changes since
// 0 is taken for one for the whole zone.
func successor(s uint32) uint32 {
	if s+1 == 0 {
		return 1
	}
	return s + 1
}

// first is the state of a zone that nothing is known of.
func first(now Seen) State {
	s := State{Backend: now.Backend, Served: now.Backend, Digest: now.Digest, Signed: now.Signed}
	if !now.Signed && (now.Injects || s.Served == 0) {
		s.Served = successor(now.Backend)
	}
	return s
}

// next is the state after s. While nothing changes it is the same. Otherwise the
// number served is the backend's where that comes after the last one, and the
// last one's successor where it doesn't. The number never goes back, except that
// of a zone that becomes signed.
func (s State) next(now Seen) State {
	if now.Backend == s.Backend && now.Digest == s.Digest && now.Signed == s.Signed {
		return s
	}
	then := State{Backend: now.Backend, Served: now.Backend, Digest: now.Digest, Signed: now.Signed}
	switch {
	case now.Signed:
	case now.Backend == 0 || !After(now.Backend, s.Served):
		then.Served = successor(s.Served)
	}
	return then
}

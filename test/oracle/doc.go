// Package oracle proves that fakemx over a plain zone can't be told from the
// same zone with the fakes typed into its file.
//
// A generator makes worlds: zones together with fakemx configurations. Sinks meet
// hosts that are in use, zones lie in zones and may have signatures, wildcards
// cover everything, and some backends put no authority section into their answers.
// For each world the zones are edited by hand, that is by rules of this package's
// own, which share no code with the plugin. Then two CoreDNS servers run, *file*
// over the edited zones and fakemx over the plain ones, and both are asked the same
// questions: every name of the world and the names round them, with every type
// that matters, over UDP and TCP, with and without EDNS and DO. Headers, rcodes
// and the three sections, each as a set, must be equal, and so must transfers.
//
// Each transferred zone is loaded into a second server, which has to answer as
// fakemx does; a sample goes to NSD. Where a wildcard is cut, only these servers
// judge: how it is typed in is free.
//
// Whatever the hand-edited zone says, each fake that is handed out or transferred
// must have its configured addresses at that moment, and each host that has
// addresses of its own must keep them.
//
// Where the two may differ, one named rule says why, and does not allow more.
// Rules are counted; one that is never needed fails a run of 2,000 zones.
//
// FuzzQuery puts any query to one server, and checks what must hold for all.
//
//	go test ./test/oracle -v              # 50 zones
//	go test ./test/oracle -v -zones=2000  # as many as CI asks for
//	go test ./test/oracle -v -seed=1234   # one world again
package oracle

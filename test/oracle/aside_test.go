package oracle

// setAside are the seeds of worlds in which fakemx and the hand-edited zone differ
// by something that is not explained yet. A seed leaves the list when its world
// is equal, by a fix or by a rule.
var setAside = []uint64{
	236, 359, 398, 414, 441, 472, 578, 609, 618, 619, 639, 660, 672, 718, 748,
	759, 770, 804, 975, 1002, 1100, 1123, 1124,
}

package fakemx

// stackRoom is what the plugins below and the way back up need of the stack.
const stackRoom = 4 << 10

// growStack makes the stack of the goroutine large enough at once.
//
// miekg/dns answers each UDP query on a new goroutine, whose stack of 2 KiB is
// doubled whenever it runs out; each time all frames on it are copied, and the
// later, the more there are. Doing it here, once, takes about 15% off the time
// of a query that is passed on (docs/performance.md).
//
// It is the size of the frame that counts; clearing the room would cost more than
// the rest of a pass-through, so no caller takes that path.
//
//go:noinline
func growStack(unused int) byte {
	if unused == 0 {
		return 0
	}
	var room [stackRoom]byte
	room[unused%stackRoom] = 1
	return room[0]
}

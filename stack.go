package fakemx

// stackRoom is what the plugins below and the way back up need of the stack.
const stackRoom = 4 << 10

// growStack makes the stack of the goroutine large enough at once.
//
// miekg/dns answers each UDP query on a new goroutine, whose stack of 2 KiB is
// doubled whenever it runs out; each time all frames on it are copied, and the
// later, the more there are. Doing it here, once, takes a fifth off the time of
// a whole query (docs/performance.md).
//
//go:noinline
func growStack(i uint16) byte {
	var room [stackRoom]byte
	room[i%stackRoom] = 1
	return room[0]
}

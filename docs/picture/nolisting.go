package main

import "fmt"

// record is an MX record of the example, its exchange relative to the zone.
type record struct {
	preference int
	exchange   string
	fake       bool
}

// served is what Corefile.example makes of the two records of its zone file.
var served = []record{
	{10, "mail", false},
	{20, "backup", false},
	{30, "decoy1", true},
	{40, "decoy2", true},
	{50, "decoy3", true},
}

const (
	rowTop  = 104 // of the first record as served
	rowStep = 52
	rowHigh = 40
)

func rowMiddle(i int) int { return rowTop + i*rowStep + rowHigh/2 }

// nolisting shows the zone, the answer, and who goes where.
func nolisting() string {
	c := &canvas{width: 960, height: 424, title: "The zone has two MX records, the answer five. " +
		"An honest sender begins at the lowest number and delivers. A bot begins at the highest, is refused, and most try no other."}
	c.text(480, 42, 22, "middle", "bold", "Two MX records in your zone, five in the answer")
	drawZone(c)
	drawAnswer(c)
	drawSenders(c)
	c.text(480, 398, 15, "middle", "dim",
		"Fakes lead to an address of yours where port 25 is closed: a connection is refused at once.")
	return c.String()
}

// drawZone draws the real records and the plugin, on the height of the real ones.
func drawZone(c *canvas) {
	c.text(120, 84, 16, "middle", "dim", "your zone, untouched")
	for i, r := range served {
		if !r.fake {
			drawRecord(c, 30, 180, i, r)
		}
	}
	middle := (rowMiddle(0) + rowMiddle(1)) / 2
	c.arrow(222, 366, middle, "plain")
	c.text(292, middle-14, 18, "middle", "bold", "fakemx")
	c.text(292, middle+26, 14, "middle", "dim", "adds fakes")
}

func drawAnswer(c *canvas) {
	c.text(480, 84, 16, "middle", "dim", "example.org MX, as served")
	for i, r := range served {
		drawRecord(c, 380, 200, i, r)
	}
}

func drawRecord(c *canvas, x, width, i int, r record) {
	class, note := "real", ""
	if r.fake {
		class, note = "fake", "fake"
	}
	middle := rowMiddle(i)
	c.box(x, middle-rowHigh/2, width, rowHigh, class)
	c.text(x+14, middle+6, 17, "start", "mono", fmt.Sprintf("%d %s", r.preference, r.exchange))
	if note != "" {
		c.text(x+width-14, middle+5, 14, "end", "bad", note)
	}
}

// drawSenders draws an honest sender beside the first record and a bot beside the last.
func drawSenders(c *canvas) {
	first, last := rowMiddle(0), rowMiddle(len(served)-1)
	c.box(740, first-26, 190, 52, "box")
	c.text(835, first-3, 17, "middle", "bold", "honest sender")
	c.text(835, first+17, 14, "middle", "dim", "begins at the lowest")
	c.arrow(738, 590, first, "good")
	c.tick(600, first+24)
	c.text(626, first+30, 16, "start", "bold good", "delivered")
	c.text(835, first+50, 14, "middle", "dim", "comes to the fakes last")

	c.box(740, last-26, 190, 52, "box")
	c.text(835, last-3, 17, "middle", "bold", "spam bot")
	c.text(835, last+17, 14, "middle", "dim", "begins at the highest")
	c.arrow(738, 590, last, "bad")
	c.cross(602, last-24)
	c.text(626, last-18, 16, "start", "bold bad", "refused")
	c.text(835, last-40, 15, "middle", "bold bad", "most try no other")
}

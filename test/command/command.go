// Package command is the way into the programs of test that do one of several
// things: which, the first argument says.
package command

import (
	"fmt"
	"os"
)

// Command is one of those things.
type Command struct {
	Name, Does string
	// Run gets the arguments behind the name.
	Run func(args []string) error
}

// Main runs the command that the first argument names and ends the program: with
// status 0, with 1 and a line if the command fails, or with 2 and the list of the
// commands if there is none of that name.
func Main(program string, commands []Command) {
	for _, c := range commands {
		if len(os.Args) < 2 || c.Name != os.Args[1] {
			continue
		}
		if err := c.Run(os.Args[2:]); err != nil {
			fmt.Fprintf(os.Stderr, "%s %s: %v\n", program, c.Name, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	fmt.Fprintf(os.Stderr, "usage: %s COMMAND [FLAGS]; FLAGS are listed by -help. Commands:\n", program)
	for _, c := range commands {
		fmt.Fprintf(os.Stderr, "  %-8s %s\n", c.Name, c.Does)
	}
	os.Exit(2)
}

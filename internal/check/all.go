package check

import (
	"context"
	"iter"
)

// All checks the targets, parallel of them at a time, and calls each with the
// reports in the order of the targets. It ends early with the error of each or
// of ctx.
func (c *Checker) All(ctx context.Context, targets iter.Seq[Target], parallel int, each func(*Report) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// A place in the queue is a domain under way, or done and waiting for its turn.
	queue := make(chan chan *Report, max(1, parallel)-1)
	go func() {
		defer close(queue)
		for t := range targets {
			done := make(chan *Report, 1)
			select {
			case queue <- done:
			case <-ctx.Done():
				return
			}
			go func() { done <- c.Check(ctx, t) }()
		}
	}()
	for done := range queue {
		if err := each(<-done); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Summary counts findings over many domains.
type Summary struct {
	Domains int `json:"domains"`
	// Errors, Warnings and Infos are numbers of findings.
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	Infos    int `json:"infos"`
	// Unseen is the number of domains of which something could not be seen.
	Unseen int `json:"unseen"`
	// Codes has the number of domains with a finding of each code.
	Codes map[Code]int `json:"codes"`

	examples map[Code]Finding
}

// NewSummary returns one of no domain.
func NewSummary() *Summary {
	return &Summary{Codes: make(map[Code]int), examples: make(map[Code]Finding)}
}

// Add counts one report.
func (s *Summary) Add(r *Report) {
	s.Domains++
	if len(r.Unseen) > 0 {
		s.Unseen++
	}
	seen := make(map[Code]bool)
	for _, f := range r.Findings {
		switch f.Level {
		case Error:
			s.Errors++
		case Warning:
			s.Warnings++
		default:
			s.Infos++
		}
		if old, ok := s.examples[f.Code]; !ok || f.Level > old.Level {
			s.examples[f.Code] = f
		}
		if !seen[f.Code] {
			seen[f.Code] = true
			s.Codes[f.Code]++
		}
	}
}

// Failed reports whether something was found at or above a level.
func (s *Summary) Failed(at Level) bool {
	switch at {
	case Error:
		return s.Errors > 0
	case Warning:
		return s.Errors+s.Warnings > 0
	default:
		return s.Errors+s.Warnings+s.Infos > 0
	}
}

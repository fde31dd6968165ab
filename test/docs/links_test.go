package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// documents are the paths of all pages for people, from the root.
func documents(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob(root + "/docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages in docs: %v", err)
	}
	for i, page := range pages {
		pages[i] = "docs/" + filepath.Base(page)
	}
	return append(pages, "README.md", "CONTRIBUTING.md", "SECURITY.md")
}

var (
	fenced  = regexp.MustCompile("(?ms)^ *(~~~|```).*?^ *(~~~|```)$")
	code    = regexp.MustCompile("`[^`]*`")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
)

// anchors are the fragments of a page's headings, as GitHub makes them.
func anchors(page string) map[string]bool {
	found := make(map[string]bool)
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		words := strings.ToLower(strings.NewReplacer("*", "", "`", "").Replace(m[1]))
		words = regexp.MustCompile(`[^\pL\pN _-]`).ReplaceAllString(words, "")
		found[strings.ReplaceAll(words, " ", "-")] = true
	}
	return found
}

func TestLinksLeadSomewhere(t *testing.T) {
	for _, page := range documents(t) {
		text := code.ReplaceAllString(fenced.ReplaceAllString(read(t, page), ""), "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			path, fragment, _ := strings.Cut(m[1], "#")
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: link to %s, which is not there", page, m[1])
				continue
			}
			if fragment != "" && !anchors(read(t, target))[fragment] {
				t.Errorf("%s: link to %s, but %s has no such heading", page, m[1], target)
			}
		}
	}
}

// TestPagesThatAreNamed finds the pages that a document names without a link.
func TestPagesThatAreNamed(t *testing.T) {
	named := regexp.MustCompile(`\bdocs/[a-z-]+\.(md|svg)\b`)
	for _, page := range documents(t) {
		for _, path := range named.FindAllString(read(t, page), -1) {
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				t.Errorf("%s names %s, which is not there", page, path)
			}
		}
	}
}

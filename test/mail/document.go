package main

import "os"

func (r *result) document(dir string) error {
	return os.MkdirAll(dir, 0o755)
}

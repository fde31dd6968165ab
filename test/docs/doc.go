// Package docs holds no code: its tests read the documents in docs/ as a
// reader does, follow their links, and start their Corefiles.
package docs

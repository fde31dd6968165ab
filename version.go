package fakemx

// Version is the version of the plugin, see CHANGELOG.md.
const Version = "0.1.0"

# Podman with a storage of its own that goes with $tmp, and images for the tests. Nothing is pulled.
cat >"$tmp/containers.conf" <<TOML
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
TOML
cat >"$tmp/storage.conf" <<TOML
[storage]
driver = "overlay"
graphroot = "$tmp/store"
runroot = "$tmp/runroot"
TOML
export CONTAINERS_CONF=$tmp/containers.conf CONTAINERS_STORAGE_CONF=$tmp/storage.conf

# from_scratch NAME:TAG DIRECTORY [LINE]: an image of the files in DIRECTORY
from_scratch() {
  printf 'FROM scratch\nCOPY . /\n%s\n' "${3:-}" | podman build -q -t "$1" -f - "$2" >/dev/null
}

# binary_image NAME:TAG FILE: one static binary
binary_image() {
  local dir
  dir=$(mktemp -d -p "$tmp")
  cp "$2" "$dir/app"
  from_scratch "$1" "$dir" 'ENTRYPOINT ["/app"]
USER 65532:65532'
}

# debian_image NAME:TAG PROGRAM...: programs of this machine with the libraries that they load
debian_image() {
  local name=$1 dir library
  shift
  dir=$(mktemp -d -p "$tmp")
  cp -L --parents "$@" "$dir"
  for library in $(ldd "$@" | grep -o '/[^ ]*' | grep -v ':$' | sort -u); do cp -L --parents "$library" "$dir"; done
  from_scratch "$name" "$dir"
}

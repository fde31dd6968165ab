# Shared by the parts: checks, a scratch directory, and the promise that what was started is stopped.
passed=0 failed=0

ok() { echo "ok   $1"; passed=$((passed + 1)); }
fail() { echo "FAIL $1"; failed=$((failed + 1)); }

# is CLAIM GOT WANT
is() { if [ "$2" = "$3" ]; then ok "$1"; else fail "$1: got '$2', want '$3'"; fi; }

# has CLAIM TEXT PATTERN, hasnt CLAIM TEXT PATTERN: extended regular expressions
has() { if grep -Eq -- "$3" <<<"$2"; then ok "$1"; else fail "$1: no '$3' in: $2"; fi; }
hasnt() { if grep -Eq -- "$3" <<<"$2"; then fail "$1: '$3' in: $2"; else ok "$1"; fi; }

# runs CLAIM COMMAND...: the command succeeds; its output is shown only if not
runs() {
  local claim=$1 out
  shift
  if out=$("$@" 2>&1); then ok "$claim"; else fail "$claim: $*: $out"; fi
}

# until_true SECONDS COMMAND...: tries four times a second
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.25
  done
}

# closing: the last line of a run, and its exit code
closing() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}

# Everything that is started goes onto this stack, and leaves in reverse order, also when interrupted.
undo=()
finally() { undo+=("$*"); }
clean_up() {
  local i
  # What the shell was waiting for when it was interrupted.
  [ "$1" = 0 ] || kill $(pgrep -P $$) 2>/dev/null
  for ((i = ${#undo[@]} - 1; i >= 0; i--)); do eval "${undo[i]}" >/dev/null 2>&1 || true; done
  undo=()
}
trap 'clean_up $?' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# stop PID...: TERM, and KILL after five seconds
stop() {
  local pid
  for pid; do
    kill "$pid" 2>/dev/null || continue
    ( for _ in {1..50}; do kill -0 "$pid" 2>/dev/null || exit; sleep 0.1; done; kill -9 "$pid" ) 2>/dev/null
    wait "$pid" 2>/dev/null
  done
}

# start LOG COMMAND...: in the background; its pid in $started
start() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 &
  started=$!
  finally stop "$started"
}

# need COMMAND PACKAGE...: Debian's packages, for a command that isn't there
need() {
  command -v "$1" >/dev/null && return
  shift
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >"$tmp/apt.log" 2>&1 ||
    { cat "$tmp/apt.log" >&2; return 1; }
}

tool() { go -C "$repo/deploy/tools" tool "$@"; }

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tmp=$(mktemp -d)
finally rm -rf "$tmp"

# build_binary: the static server as the image and the package have it, in $binary; once
build_binary() {
  binary=$tmp/coredns
  [ -x "$binary" ] || (cd "$repo" && CGO_ENABLED=0 go build -buildvcs=false -trimpath \
    -ldflags "-s -w -X github.com/coredns/coredns/coremain.GitCommit=$(git rev-parse --short=12 HEAD)" -o "$binary" ./cmd/coredns)
}

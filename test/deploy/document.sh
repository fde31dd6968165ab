# document "WAY..." SHELL: runs the blocks "~~~ sh WAY" of docs/deploy.md in their order, each with SHELL reading it. A block that is
# followed by "~~~ text" has to print that; as it only looks, it is repeated until it does, for two minutes at most.
document() {
  local way=$1 shell=$2 dir block
  dir=$(mktemp -d -p "$tmp")
  awk -v way="$way" -v dir="$dir" '
    /^~~~/ && inside { inside = 0; close(file); next }
    /^~~~ sh [a-z]+$/ && index(" " way " ", " " $3 " ") { inside = 1; last = sprintf("%s/%02d", dir, ++n); file = last ".sh"; next }
    $0 == "~~~ text" && last { inside = 1; file = last ".text"; next }
    /^~~~/ { inside = 1; file = "/dev/null"; last = "" }
    inside { print > file }
  ' "$repo/docs/deploy.md"
  for block in "$dir"/*.sh; do
    if [ -e "${block%.sh}.text" ]; then
      runs "docs, $way: $(head -n 1 "$block")" until_true 120 shows "$shell" "$block"
    else
      runs "docs, $way: $(head -n 1 "$block")" run_block "$shell" "$block"
    fi
  done
}
run_block() { "$1" <"$2"; }
shows() { diff <("$1" <"$2" 2>/dev/null) "${2%.sh}.text"; }

# A machine with its own systemd: this one's files under a layer that goes away, a network of its own with loopback only.

# start_machine: boots it. `machine COMMAND...` runs in it; its files are below $machine_root.
start_machine() {
  need systemd-nspawn systemd-container || return
  local root=$tmp/machine
  mkdir -p "$root"
  mount -t tmpfs tmpfs "$root"
  finally umount "$root"
  mkdir "$root"/{upper,work,root}
  mount -t overlay overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" "$root/root"
  finally umount "$root/root"
  systemd-id128 new >"$root/root/etc/machine-id"
  start "$tmp/machine.log" systemd-nspawn --quiet --directory="$root/root" --machine=fakemx-test --register=no --keep-unit \
    --link-journal=no --private-network --console=pipe --boot systemd.unit=basic.target
  nspawn=$started
  machine_root=$root/root
  # Its first process takes all others with it, at once.
  finally 'kill -9 "$(pgrep -P "$nspawn")"'
  until_true 30 booted
}

booted() { machine systemctl is-system-running; }
machine() { nsenter --all --target "$(pgrep -P "$nspawn")" -- "$@"; }

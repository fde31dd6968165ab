# A machine with its own systemd: this one's files under a layer that goes away, a network of its own with loopback only.

# start_machine: boots it, after the one before has ended. `machine COMMAND...` runs in it; its files are below $machine_root.
start_machine() {
  need systemd-nspawn systemd-container || return
  local root
  root=$(mktemp -d -p "$tmp" machine.XXXX)
  [ -z "${nspawn:-}" ] || end_machine
  mount -t tmpfs tmpfs "$root"
  finally umount "$root"
  mkdir "$root"/{upper,work,root}
  mount -t overlay overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" "$root/root"
  finally umount "$root/root"
  systemd-id128 new >"$root/root/etc/machine-id"
  socket_on_port_53 "$root/root"
  nothing_enabled "$root/root"
  start "$tmp/machine.log" systemd-nspawn --quiet --directory="$root/root" --machine=fakemx-test --register=no --keep-unit \
    --link-journal=no --private-network --console=pipe --boot systemd.unit=basic.target
  nspawn=$started
  machine_root=$root/root
  # Its first process takes all others with it, at once.
  finally end_machine
  until_true 60 booted
}
end_machine() { kill -9 "$(pgrep -P "$nspawn")" && wait "$nspawn"; }

# socket_on_port_53 ROOT: what this machine may have enabled, so that every run shows that it doesn't matter
socket_on_port_53() {
  local units=$1/etc/systemd/system
  mkdir -p "$units/sockets.target.wants"
  printf '[Socket]\nListenDatagram=53\nListenStream=53\nAccept=no\n' >"$units/port53.socket"
  printf '[Service]\nExecStart=/bin/true\n' >"$units/port53.service"
  ln -s ../port53.socket "$units/sockets.target.wants/"
}

# nothing_enabled ROOT: what the operator of this machine has enabled starts in no machine of the tests
nothing_enabled() { rm -rf "$1"/etc/systemd/system/*.wants "$1"/etc/systemd/system/*.requires; }

booted() { machine systemctl is-system-running; }
machine() { nsenter --all --target "$(pgrep -P "$nspawn")" -- "$@"; }

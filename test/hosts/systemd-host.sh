#!/usr/bin/env bash
# A host with systemd as its first process, for tests: namespaces of its own over a throw-away overlay of this machine's root. Nothing of it is left after `stop`.
#   systemd-host.sh probe               can it be made here? says what is missing
#   systemd-host.sh start STATE NAME    starts it and waits until it has booted; STATE is a folder for what must be remembered
#   systemd-host.sh run STATE CMD...    runs CMD inside
#   systemd-host.sh stop STATE          ends it
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/namespaces.sh"

# units that would reach for devices or the network
MASKED=(systemd-udevd.service systemd-udev-trigger.service systemd-modules-load.service systemd-networkd.service systemd-resolved.service systemd-timesyncd.service
  getty@tty1.service console-getty.service)

# the first process: builds the root, then becomes systemd
first_process() {
  local state=$1 name=$2 root=$1/tmp/root device unit
  mount --make-rprivate /
  mkdir -p "$state/tmp"
  mount -t tmpfs -o size=8g overlay "$state/tmp"
  mkdir "$state/tmp/upper" "$state/tmp/work" "$root"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$state/tmp/upper,workdir=$state/tmp/work" "$root"
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  mount -t tmpfs run "$root/run"
  mount -t tmpfs tmp "$root/tmp"
  mount -t tmpfs -o mode=755 dev "$root/dev"
  mkdir "$root/dev/pts" "$root/dev/shm"
  ln -s /proc/self/fd "$root/dev/fd"
  ln -s pts/ptmx "$root/dev/ptmx"
  for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
  mount -t tmpfs shm "$root/dev/shm"
  mount_groups "$root/sys/fs/cgroup"
  ip link set lo up
  hostname "$name"
  echo "$name" >"$root/etc/hostname"
  # without an id of its own two hosts would share their journal
  tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
  rm -rf "$root/var/log/journal"
  # services of this machine are none of the host's; a test starts what it needs
  rm -rf "$root"/etc/systemd/system/*.wants
  for unit in "${MASKED[@]}"; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
  # a real change of the root: inside a chroot no service could have users of its own
  mkdir -p "$root/machine"
  cd "$root"
  pivot_root . machine
  umount -l /machine
  exec env -i container=other PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --log-target=console
}

start() {
  local state=$1 name=$2 said=''
  mkdir -p "$state"
  make_groups "host-$name-$$" "$state/groups"
  launch "$state" private bash "$here/systemd-host.sh" first-process "$state" "$name"
  for _ in $(seq 300); do
    said=$(run "$state" systemctl is-system-running 2>/dev/null || true)
    case $said in running | degraded) return 0 ;; esac
    [ -d "/proc/$(cat "$state/pid")" ] || break
    sleep 0.2
  done
  echo "the host did not boot (${said:-no answer})" >&2
  tail -n 20 "$state/log" >&2
  return 1
}

run() {
  local state=$1
  shift
  nsenter -t "$(cat "$state/pid")" -a -r -w -- "$@"
}

case ${1:-} in
probe) probe_machine systemctl unshare nsenter ip ;;
first-process) first_process "$2" "$3" ;;
start) start "$2" "$3" ;;
run) shift && run "$@" ;;
stop) end "$2" systemd && rm -rf "$2" ;;
*) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac

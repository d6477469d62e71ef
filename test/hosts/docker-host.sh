#!/usr/bin/env bash
# A Docker engine for tests, in namespaces of its own: it reaches no network, and nothing of it is left after `stop`.
#   docker-host.sh probe               can it be made here? says what is missing
#   docker-host.sh start STATE NAME    starts it and waits until it answers; its socket is STATE/docker.sock, seen from outside too
#   docker-host.sh run STATE CMD...    runs CMD inside, with DOCKER_HOST set
#   docker-host.sh stop STATE          ends it
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/namespaces.sh"

# the first process: network, control groups, then the engine
first_process() {
  local state=$1 name=$2
  mount --make-rshared /
  mount -t proc proc /proc
  mount -t sysfs sysfs /sys
  mount_groups /sys/fs/cgroup
  mount -t tmpfs run /run
  mkdir -p /run/lock /run/netns
  ip link set lo up
  hostname "$name"
  dockerd --data-root "$state/data" --exec-root "$state/exec" --pidfile "$state/dockerd.pid" --host "unix://$state/docker.sock" \
    --bip 10.99.0.1/24 --default-address-pool base=10.98.0.0/16,size=24 >"$state/dockerd.log" 2>&1 &
  # children of ended containers come here
  while true; do wait -n || sleep 1; done
}

start() {
  local state=$1 name=$2
  mkdir -p "$state"
  make_groups "host-$name-$$" "$state/groups"
  launch "$state" private bash "$here/docker-host.sh" first-process "$state" "$name"
  for _ in $(seq 300); do
    if run "$state" docker version >/dev/null 2>&1; then return 0; fi
    [ -d "/proc/$(cat "$state/pid")" ] || break
    sleep 0.2
  done
  echo "the engine did not start" >&2
  tail -n 20 "$state/log" "$state/dockerd.log" >&2
  return 1
}

run() {
  local state=$1
  shift
  nsenter -t "$(cat "$state/pid")" -m -n -p -u -i -C -r -w -- env "DOCKER_HOST=unix://$state/docker.sock" "$@"
}

case ${1:-} in
probe) probe_machine dockerd docker containerd runc unshare nsenter ip iptables ;;
first-process) first_process "$2" "$3" ;;
start) start "$2" "$3" ;;
run) shift && run "$@" ;;
stop)
  end "$2" docker-host.sh
  # layers are mounted below the folder only inside the namespaces, which have ended
  rm -rf "$2"
  ;;
*) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac

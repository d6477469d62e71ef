# shellcheck shell=bash
# What the two kinds of test hosts share: control groups of their own, namespaces of their own, and an end that leaves nothing.

CONTROLLERS=(cpu cpuacct cpuset memory devices freezer blkio pids systemd)

# mount option of a controller: systemd's hierarchy has a name and no controller
controller_option() {
  if [ "$1" = systemd ]; then echo none,name=systemd; else echo "$1"; fi
}

# folder of this process's control group below a controller
own_group() {
  local path
  path=$(sed -nE "s#^[0-9]+:(name=)?$1:##p" /proc/self/cgroup)
  echo "/sys/fs/cgroup/$1${path%/}"
}

# can a host be made here? says what is missing
probe_machine() {
  local missing=() tool
  [ "$(id -u)" = 0 ] || missing+=("the right of root")
  [ -d /sys/fs/cgroup/memory ] || missing+=("control groups of version 1 below /sys/fs/cgroup")
  for tool in "$@"; do command -v "$tool" >/dev/null || missing+=("$tool"); done
  if [ ${#missing[@]} -eq 0 ] && ! unshare -m -n -p -C -u -i --fork true 2>/dev/null; then missing+=("the right to make namespaces"); fi
  [ ${#missing[@]} -eq 0 ] && return 0
  local IFS=,
  echo "missing: ${missing[*]}"
  return 1
}

# make_groups NAME FILE: a group below this process's own in every hierarchy; their folders go into FILE
make_groups() {
  local controller group file
  : >"$2"
  for controller in "${CONTROLLERS[@]}"; do
    group=$(own_group "$controller")/$1
    mkdir -p "$group"
    echo "$group" >>"$2"
    [ "$controller" = cpuset ] || continue
    for file in cpus mems; do cat "$(dirname "$group")/cpuset.$file" >"$group/cpuset.$file"; done
  done
}

# mount_groups FOLDER: fresh hierarchies in which this group namespace's root is the top
mount_groups() {
  local controller
  mount -t tmpfs groups "$1"
  for controller in "${CONTROLLERS[@]}"; do
    mkdir "$1/$controller"
    mount -t cgroup -o "$(controller_option "$controller")" cgroup "$1/$controller"
  done
}

# launch STATE PROPAGATION CMD...: CMD as the first process of new namespaces, inside the groups of STATE/groups; its id as seen from here goes into STATE/pid
launch() {
  local state=$1 propagation=$2 outer inner='' group
  shift 2
  (
    while read -r group; do echo "$BASHPID" >"$group/cgroup.procs"; done <"$state/groups"
    exec setsid unshare -m -n -p -C -u -i --fork --kill-child --propagation "$propagation" "$@"
  ) >"$state/log" 2>&1 </dev/null &
  outer=$!
  for _ in $(seq 100); do
    inner=$(cat "/proc/$outer/task/$outer/children" 2>/dev/null || true)
    [ -n "$inner" ] && break
    sleep 0.1
  done
  [ -n "$inner" ] || return 1
  echo "${inner% }" >"$state/pid"
}

# end STATE MARK: ends the first process, if it is still the one that was started (its command line holds MARK), and removes its groups
end() {
  local state=$1 mark=$2 pid group
  if pid=$(cat "$state/pid" 2>/dev/null) && [ -n "$pid" ] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q -- "$mark"; then
    kill -9 "$pid" || true
    for _ in $(seq 100); do [ -d "/proc/$pid" ] || break; sleep 0.05; done
  fi
  [ -f "$state/groups" ] || return 0
  for _ in $(seq 40); do
    group=''
    while read -r group; do
      [ -d "$group" ] && find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null
    done <"$state/groups"
    xargs -r -n1 ls -d <"$state/groups" >/dev/null 2>&1 || break
    sleep 0.05
  done
}

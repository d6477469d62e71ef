#!/usr/bin/env bash
# rollout.sh CONFIG [--check] [--wait server|cluster] [--leave-restarts] [--list] [--restart SERVER]: brings the running servers of this host to their installed settings.
#   Starts what does not run, reloads what a reload is enough for, restarts the rest one at a time, the meta leader last, the next one only when all are current again.
#   --check        only says what would be done; exit code 3 when there is something
#   --leave-restarts  restarts nothing: whoever sees the servers of all hosts decides who is next, with
#   --list            which says of each server what it needs: start, restart, reload or none
#   --restart SERVER  which restarts that one and waits until it takes connections, and looks at no other
#   --wait server  is content when each server takes connections, as the first hosts of a new cluster must be (default: cluster, everything current)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/common.sh"

config=${1:?folder of the bus}
shift
check='' wait_for=cluster leave='' list='' only=''
while [ $# -gt 0 ]; do
  case $1 in
    --check) check=yes ;;
    --wait) wait_for=$2 && shift ;;
    --leave-restarts) leave=yes ;;
    --list) list=yes ;;
    --restart) only=$2 && shift ;;
    *) fail ERR_USAGE "rollout.sh does not know $1" "leave it out" ;;
  esac
  shift
done
gate_seconds=${NATSBUS_GATE_SECONDS:-300}
start_seconds=60
most_restarts=3

# needs_restart SERVER: whether what it was started with differs in a way it cannot take over
needs_restart() {
  local running=/run/natsbus/$BUS/$1/start-settings kind key value
  local -A now=()
  [ -r "$running" ] || return 0
  while read -r kind key value; do now[$key]=$value; done <"$running"
  while read -r kind key value; do
    [ -n "${now[$key]:-}" ] || return 0
    if [ "$kind" = grow ]; then
      [ "$value" -ge "${now[$key]}" ] || return 0
    else
      [ "$value" = "${now[$key]}" ] || return 0
    fi
    unset "now[$key]"
  done <"$config/$1/start-settings"
  [ ${#now[@]} -gt 0 ]
}

wanted_digest() { test_config "$config/$1/nats.conf" | grep -o 'sha256:[0-9a-f]*' | head -n 1; }

running_digest() { http_get "${MONITOR_PORT[$1]}" /varz | tr -d '\n' | sed -nE 's/.*"config_digest": *"([^"]*)".*/\1/p'; }

# action_of SERVER: start, restart, reload or none
action_of() {
  if ! is_active "$1"; then
    echo start
  elif needs_restart "$1"; then
    echo restart
  elif [ "$(running_digest "$1" || true)" != "$(wanted_digest "$1")" ]; then
    echo reload
  else
    echo none
  fi
}

# await SECONDS WHAT CMD...: until CMD prints nothing; ends with what it printed last when time is over, at once when CMD fails
await() {
  local until=$((SECONDS + $1)) what=$2 said hopeless
  shift 2
  while true; do
    hopeless=''
    said=$("$@") || hopeless=yes
    [ -z "$hopeless" ] || fail ERR_SERVER_START "$said" "look at journalctl --namespace=natsbus and systemctl status '$UNIT-*'"
    [ -n "$said" ] || return 0
    [ $SECONDS -lt $until ] || fail ERR_CLUSTER_NOT_READY "$what: $said" "look at journalctl --namespace=natsbus, then run it again; what already runs is kept"
    sleep 0.3
  done
}

# not_serving SERVER: why it takes no connections yet; fails when it never will
not_serving() {
  local unit
  unit=$(unit_of "$1")
  if systemctl is-failed --quiet "$unit" || [ "$(systemctl show --property=NRestarts --value "$unit")" -ge $most_restarts ]; then
    echo "server $1 ended right after its start: $(journalctl --namespace=natsbus --identifier="nats-$1" --lines=1 --output=cat --no-pager 2>/dev/null || true)"
    return 1
  fi
  http_get "${MONITOR_PORT[$1]}" '/healthz?js-server-only=true' >/dev/null || echo "server $1 does not answer"
}

# not_current: why the next server of this host may not be touched
not_current() {
  local server problem
  for server in "${SERVER_NAMES[@]}"; do
    problem=$(blocker "$server")
    if [ -n "$problem" ]; then
      echo "$problem"
      return 0
    fi
  done
}

not_reloaded() {
  [ "$(running_digest "$1" || true)" = "$2" ] || echo "server $1 has not taken it over"
}

# reload SERVER: asks it to take over its settings; fails when it refused
reload() {
  local wanted until=$((SECONDS + 15))
  wanted=$(wanted_digest "$1")
  systemctl reload "$(unit_of "$1")"
  while [ -n "$(not_reloaded "$1" "$wanted")" ]; do
    [ $SECONDS -lt $until ] || return 1
    sleep 0.2
  done
}

# restart SERVER: in lame duck mode, as its unit says; until it takes connections again
restart() {
  systemctl restart "$(unit_of "$1")"
  await "$start_seconds" "server $1 did not come back" not_serving "$1"
}

load "$config"
if [ -n "$list" ]; then
  for server in "${SERVER_NAMES[@]}"; do echo "$server $(action_of "$server")"; done
  exit 0
fi
if [ -n "$only" ]; then
  [[ " ${SERVER_NAMES[*]} " == *" $only "* ]] || fail ERR_USAGE "there is no server $only on this host" "name one of ${SERVER_NAMES[*]}"
  restart "$only"
  exit 0
fi
starts=() reloads=() restarts=()
for server in "${SERVER_NAMES[@]}"; do
  case $(action_of "$server") in
    start) starts+=("$server") ;;
    restart) restarts+=("$server") ;;
    reload) reloads+=("$server") ;;
  esac
done
[ ${#starts[@]} -eq 0 ] || say "start of ${starts[*]}"
[ ${#reloads[@]} -eq 0 ] || say "reload of ${reloads[*]}"
[ ${#restarts[@]} -eq 0 ] || say "restart, one at a time, of ${restarts[*]}${leave:+, by whoever sees all hosts}"
if [ -n "$check" ]; then
  [ $((${#starts[@]} + ${#reloads[@]} + ${#restarts[@]})) -eq 0 ] || exit 3
  exit 0
fi

for server in "${starts[@]}"; do
  systemctl reset-failed "$(unit_of "$server")" 2>/dev/null || true
  systemctl start --no-block "$(unit_of "$server")"
done
for server in "${starts[@]}"; do await "$start_seconds" "server $server did not start" not_serving "$server"; done
[ "$wait_for" = server ] || await "$gate_seconds" "the cluster is not ready" not_current

for server in "${reloads[@]}"; do
  say "$server: reload"
  # a valid configuration may still be refused by the running server; then only a restart helps
  reload "$server" || restarts+=("$server")
done

while [ -z "$leave" ] && [ ${#restarts[@]} -gt 0 ]; do
  await "$gate_seconds" "the next server cannot be restarted" not_current
  leader='' next=''
  for server in "${SERVER_NAMES[@]}"; do
    leader=$(meta_leader "$server" || true)
    [ -z "$leader" ] || break
  done
  for server in "${restarts[@]}"; do
    if [ "$server" != "$leader" ]; then
      next=$server
      break
    fi
  done
  next=${next:-${restarts[0]}}
  say "$next: restart (${#restarts[@]} to go)"
  restart "$next"
  await "$gate_seconds" "server $next came back and is not current" not_current
  rest=()
  for server in "${restarts[@]}"; do [ "$server" = "$next" ] || rest+=("$server"); done
  restarts=("${rest[@]}")
done

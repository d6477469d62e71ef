# shellcheck shell=bash
# What the scripts of a host share. They are sent and installed by natsbus; settings come from the stack file.

# say TEXT: progress
say() { printf 'natsbus: %s\n' "$*"; }

# fail CODE TEXT REMEDY: ends the script
fail() {
  printf 'natsbus: %s [%s]\n  %s\n' "$2" "$1" "$3" >&2
  exit 1
}

# load FOLDER: settings and servers of a bus; SERVER_NAMES, CLIENT_PORT, ROUTE_PORT and MONITOR_PORT by server
load() {
  local name client route monitor
  { [ -r "$1/settings" ] && [ -r "$1/servers" ]; } || fail ERR_RUNTIME_FOLDER "$1 holds no bus of natsbus" "install the bus first"
  # shellcheck disable=SC1091
  . "$1/settings"
  SERVER_NAMES=()
  declare -gA CLIENT_PORT=() ROUTE_PORT=() MONITOR_PORT=()
  while read -r name client route monitor; do
    # shellcheck disable=SC2034
    SERVER_NAMES+=("$name") CLIENT_PORT[$name]=$client ROUTE_PORT[$name]=$route MONITOR_PORT[$name]=$monitor
  done <"$1/servers"
}

unit_of() { printf '%s-%s.service' "$UNIT" "$1"; }

# test_config FILE: has the server program try a configuration, as the servers' user: it makes folders on the way, which must be theirs
test_config() { setpriv --reuid "$SERVICE_USER" --regid "$SERVICE_USER" --clear-groups "$PROGRAM" -t -c "$1" 2>&1; }

is_active() { systemctl is-active --quiet "$(unit_of "$1")"; }

# http_get PORT PAGE: body of a monitoring page of this host; fails when the status is not 200 or nobody answers within 5 seconds
http_get() {
  local answer
  # shellcheck disable=SC2016
  answer=$(timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" && printf "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n" "$2" >&3 && cat <&3' _ "$1" "$2" 2>/dev/null) || return 7
  printf '%s' "${answer#*$'\r\n\r\n'}"
  [[ $answer == HTTP/1.?" 200 "* ]]
}

# json_text FIELD: first value of a text field of the document on stdin
json_text() { tr -d '\n' | sed -nE "s/^[^}]*\"$1\": *\"([^\"]*)\".*/\1/p"; }

# meta_leader SERVER: name of the meta leader as that server sees it; empty while there is none
meta_leader() {
  http_get "${MONITOR_PORT[$1]}" /jsz | tr -d '\n' | sed -nE 's/.*"meta_cluster": *\{[^{}]*"leader": *"([^"]*)".*/\1/p'
}

# groups SERVER: the meta group, streams and consumers the server knows, one a line, each with what its replicas are said to be
groups() {
  http_get "${MONITOR_PORT[$1]}" '/jsz?accounts=true&streams=true&consumers=true' | tr -d '\n' | grep -oE '"(cluster|meta_cluster)": *\{[^][{}]*(\[[^]]*\])?' || true
}

# group_blocker SERVER: which groups are not as they should be; a healthy server may hold replicas of some that have no leader.
# Of a group its leader knows who is behind; followers report one another as behind for ever.
group_blocker() {
  local said
  said=$(groups "$1")
  if grep -qvE '"leader": *"[^"]+"' <<<"$said"; then
    echo "server $1 knows streams or consumers without a leader"
  elif grep -E "\"leader\": *\"$1\"" <<<"$said" | grep -qE '"current": *false|"offline": *true'; then
    echo "server $1 leads streams or consumers whose replicas are not current"
  fi
}

# blocker SERVER: why the cluster is not ready as that server sees it; empty when it is
blocker() {
  local body
  if ! body=$(http_get "${MONITOR_PORT[$1]}" /healthz); then
    if [ -z "$body" ]; then echo "server $1 does not answer"; else echo "server $1 is not healthy: $(json_text error <<<"$body")"; fi
    return 0
  fi
  [ "$SERVERS" -gt 1 ] || return 0
  if [ -z "$(meta_leader "$1")" ]; then
    echo "server $1 knows no meta leader"
  else
    group_blocker "$1"
  fi
}

#!/usr/bin/env bash
# apply.sh [--check]: brings the containers to the files beside it. Starts what does not run; has servers read their settings again; replaces what must be replaced, one server at a time,
# the meta leader last, the next only when the one before serves again and all are current.
#   --check   only says what would be done; exit code 3 when there is something
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
gate_seconds=${NATSBUS_GATE_SECONDS:-300}

fail() {
  printf 'natsbus: %s [%s]\n  %s\n' "$2" "$1" "$3" >&2
  exit 1
}

compose() { docker compose --file compose.yaml "$@"; }

docker version >/dev/null 2>&1 || fail ERR_HOST_ACCESS "the Docker engine does not answer this user" "start it, or give this user the right to use it"
compose version >/dev/null 2>&1 || fail ERR_HOST_TOOL "docker compose (version 2) is not installed" "install the compose plugin of Docker"

mapfile -t servers < <(compose config --services | grep -E '^n[0-9]+$' | sort -V)

# a bus of another stack with the same name is never taken over
owner_wanted=$(sed -nE '0,/natsbus.stack/s/^ *natsbus.stack: *"?([^"]*)"?$/\1/p' compose.yaml | head -n 1)
for server in "${servers[@]}"; do
  container=$(docker ps --all --quiet --filter "name=^$(compose config --format json | sed -nE 's/^ *"name": "([^"]*)",?$/\1/p' | head -n 1)-$server\$" | head -n 1)
  [ -n "$container" ] || continue
  owner=$(docker inspect --format '{{index .Config.Labels "natsbus.stack"}}' "$container")
  [ "$owner" = "$owner_wanted" ] || fail ERR_RUNTIME_FOLDER "the container of $server belongs to the stack ${owner:-of somebody else}, not to $owner_wanted" "choose another cluster name"
done

page() { compose exec -T "$1" wget -q -O - "http://127.0.0.1:8222$2" 2>/dev/null; }

# leaderless SERVER: number of groups the server knows (the meta group, streams, consumers) that have no leader
leaderless() {
  page "$1" '/jsz?accounts=true&streams=true&consumers=true' | tr -d '\n' |
    grep -oE '"(cluster|meta_cluster)": *\{[^][{}]*' | grep -cvE '"leader": *"[^"]+"' || true
}

# every server of the bus is healthy, streams and consumers included, and knows the meta leader
current() {
  local server
  for server in "${servers[@]}"; do
    page "$server" /healthz >/dev/null || { echo "server $server is not current"; return; }
    [ ${#servers[@]} -gt 1 ] || continue
    [ -n "$(meta_leader "$server")" ] || { echo "server $server knows no meta leader"; return; }
    [ "$(leaderless "$server")" = 0 ] || { echo "server $server knows streams or consumers without a leader"; return; }
  done
}

await_current() {
  local until=$((SECONDS + gate_seconds)) said
  while said=$(current) && [ -n "$said" ]; do
    [ $SECONDS -lt $until ] || fail ERR_CLUSTER_NOT_READY "$said" "look at docker compose logs, then run it again"
    sleep 0.5
  done
}

meta_leader() { page "$1" /jsz | tr -d '\n' | sed -nE 's/.*"meta_cluster": *\{[^{}]*"leader": *"([^"]*)".*/\1/p'; }

# the file as a new server would see it; prints its digest, as the server computes it
wanted_digest() {
  local said
  if ! said=$(compose run --rm --no-deps -T --entrypoint nats-server "$1" -t -c /etc/nats/nats.conf 2>&1); then
    fail ERR_SERVER_CONFIG "server $1 would refuse its configuration: ${said##*$'\n'}" "correct the setting; whatever runs still runs with the old configuration"
  fi
  grep -o 'sha256:[0-9a-f]*' <<<"$said" | head -n 1
}

running_digest() { page "$1" /varz | tr -d '\n' | sed -nE 's/.*"config_digest": *"([^"]*)".*/\1/p'; }

# action_of SERVER DIGEST: start, replace, reload or none
action_of() {
  local id
  id=$(compose ps --quiet --status running "$1")
  if [ -z "$id" ]; then
    echo start
  elif [ "$(docker inspect --format '{{index .Config.Labels "com.docker.compose.config-hash"}}' "$id")" != "$(compose config --hash "$1" | cut -d ' ' -f 2)" ]; then
    echo replace
  elif [ "$(running_digest "$1" || true)" != "$2" ]; then
    echo reload
  else
    echo none
  fi
}

starts=() reloads=() replaces=()
declare -A digest=()
if [ "$(compose ps --quiet --status running "${servers[@]}" 2>/dev/null | wc -l)" -lt ${#servers[@]} ]; then
  if [ "${1:-}" = --check ]; then
    echo "natsbus: a server does not run"
    exit 3
  fi
  # fresh volumes belong to root until this has run
  compose run --rm --no-deps -T volumes >/dev/null
fi
for server in "${servers[@]}"; do
  digest[$server]=$(wanted_digest "$server")
  case $(action_of "$server" "${digest[$server]}") in
    start) starts+=("$server") ;;
    replace) replaces+=("$server") ;;
    reload) reloads+=("$server") ;;
  esac
done
[ ${#starts[@]} -eq 0 ] || echo "natsbus: start of ${starts[*]}"
[ ${#reloads[@]} -eq 0 ] || echo "natsbus: reload of ${reloads[*]}"
[ ${#replaces[@]} -eq 0 ] || echo "natsbus: replacement, one at a time, of ${replaces[*]}"
if [ "${1:-}" = --check ]; then
  [ $((${#starts[@]} + ${#reloads[@]} + ${#replaces[@]})) -eq 0 ] || exit 3
  exit 0
fi

if [ ${#starts[@]} -gt 0 ]; then
  compose up --detach --wait --no-recreate "${starts[@]}"
  await_current
fi

for server in "${reloads[@]}"; do
  compose kill --signal SIGHUP "$server"
  until=$((SECONDS + 15))
  while [ "$(running_digest "$server" || true)" != "${digest[$server]}" ]; do
    if [ $SECONDS -ge $until ]; then
      # a valid configuration may still be refused by the running server; then only a restart helps
      replaces+=("$server")
      break
    fi
    sleep 0.2
  done
done

while [ ${#replaces[@]} -gt 0 ]; do
  await_current
  leader=$(meta_leader "${servers[0]}" || true)
  next='' rest=()
  for server in "${replaces[@]}"; do
    if [ -z "$next" ] && [ "$server" != "$leader" ]; then next=$server; fi
  done
  next=${next:-${replaces[0]}}
  echo "natsbus: $next: replacement (${#replaces[@]} to go)"
  compose up --detach --wait --no-deps --force-recreate "$next"
  await_current
  for server in "${replaces[@]}"; do [ "$server" = "$next" ] || rest+=("$server"); done
  replaces=("${rest[@]}")
done

# whatever runs beside the servers
mapfile -t beside < <(compose config --services | grep -vE '^(n[0-9]+|volumes)$' || true)
[ ${#beside[@]} -eq 0 ] || compose up --detach --wait --no-deps "${beside[@]}"

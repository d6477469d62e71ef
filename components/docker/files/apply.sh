#!/usr/bin/env bash
# apply.sh [--check]: brings the containers to the files beside it. Starts what does not run; has servers read their settings again; replaces what must be replaced, one server at a time,
# the meta leader last, the next only when the one before serves again and all are current.
#   --check   only says what would be done; exit code 3 when there is something
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
check=''
case ${1:-} in --check) check=yes ;; esac
gate_seconds=${NATSBUS_GATE_SECONDS:-300}

fail() {
  printf 'natsbus: %s [%s]\n  %s\n' "$2" "$1" "$3" >&2
  exit 1
}

compose() { docker compose --file compose.yaml "$@"; }

case ${1:-} in '' | --check) ;; *) fail ERR_USAGE "apply.sh does not know $1" "it takes --check" ;; esac
docker version >/dev/null 2>&1 || fail ERR_HOST_ACCESS "the Docker engine does not answer this user" "start it, or give this user the right to use it"
compose version >/dev/null 2>&1 || fail ERR_HOST_TOOL "docker compose (version 2) is not installed" "install the compose plugin of Docker"

mapfile -t services < <(compose config --services | sort -V)
servers=() beside=()
for service in "${services[@]}"; do
  if [[ $service =~ ^n[0-9]+$ ]]; then servers+=("$service"); elif [ "$service" != volumes ]; then beside+=("$service"); fi
done
bus=$(sed -nE 's/^name: *"?([^"]*)"?$/\1/p' compose.yaml)
owner_wanted=$(sed -nE 's/^ +natsbus\.stack: *"?([^"]*)"?$/\1/p' compose.yaml | head -n 1)

# field SERVICE KEY: one line of a service in the file beside this script
field() { sed -nE "/^  $1:/,/^  [a-z]/s/^    $2: *\"?([^\"]*)\"?$/\1/p" compose.yaml; }

# what runs, in one question
declare -A running=() owner=() hash=() hash_wanted=()
while IFS='|' read -r name state stack digest; do
  # a container that does not exist makes an empty line
  [ -n "$name" ] || continue
  name=${name#"/$bus-"}
  owner[$name]=${stack:-of somebody else} hash[$name]=$digest
  [ "$state" != true ] || running[$name]=yes
done < <(docker inspect --format '{{.Name}}|{{.State.Running}}|{{index .Config.Labels "natsbus.stack"}}|{{index .Config.Labels "com.docker.compose.config-hash"}}' "${servers[@]/#/$bus-}" 2>/dev/null || true)

# a bus of another stack with the same name is never taken over
for server in "${!owner[@]}"; do
  [ "${owner[$server]}" = "$owner_wanted" ] || fail ERR_RUNTIME_FOLDER "the container of $server belongs to the stack ${owner[$server]}, not to $owner_wanted" "choose another cluster name"
done

# servers leave a cluster by an operation of their own, or their replicas are lost
for name in $(docker ps --all --filter "label=natsbus.bus=$bus" --filter label=natsbus.part=server --format '{{.Names}}'); do
  [[ " ${servers[*]} " == *" ${name#"$bus-"} "* ]] || fail ERR_SCALE_DOWN "server ${name#"$bus-"} is no longer in the configuration" "put it back; a server leaves a cluster by an operation of its own"
done

# taken ADDRESS PORT: whether somebody else listens there; only an engine of this machine can be asked
taken() {
  local address=$1
  [ "$address" != 0.0.0.0 ] || address=127.0.0.1
  # shellcheck disable=SC2016
  timeout 2 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$address" "$2" 2>/dev/null
}

check_ports() {
  local server address outside
  case ${DOCKER_HOST:-unix:} in unix:*) ;; *) return 0 ;; esac
  for server in "${servers[@]}"; do
    [ -z "${running[$server]:-}" ] || continue
    while IFS=: read -r address outside _; do
      ! taken "$address" "$outside" || fail ERR_PORT_IN_USE "port $outside, which server $server needs, is taken" "end what listens there, or set another docker.port"
    done < <(sed -nE "/^  $server:/,/^  [a-z]/s/^ +- \"([0-9.]+:[0-9]+:[0-9]+)\"$/\\1/p" compose.yaml)
  done
}

# every image is there, or is fetched now: nothing is stopped for something that cannot start
check_images() {
  local image
  for image in $(compose config --images | sort -u); do
    ! docker image inspect "$image" >/dev/null 2>&1 || continue
    if [ -n "$check" ]; then
      echo "natsbus: fetch of the image $image"
      exit 3
    fi
    docker pull --quiet "$image" >/dev/null 2>&1 || fail ERR_IMAGE "the image $image is not on the engine and cannot be fetched" "load it, name another one under docker, or give the engine access to its registry"
  done
}


page() { docker exec "$bus-$1" wget -q -O - "http://127.0.0.1:8222$2" 2>/dev/null; }

# why a server is not current, streams and consumers included; empty when it is
not_current() {
  local page leaderless
  # shellcheck disable=SC2016
  page=$(docker exec "$bus-$1" sh -c 'wget -q -O /dev/null "$0/healthz" && wget -q -O - "$0/jsz?accounts=true&streams=true&consumers=true"' http://127.0.0.1:8222 2>/dev/null | tr -d '\n') || true
  [ -n "$page" ] || { echo "server $1 is not current"; return; }
  [ ${#servers[@]} -gt 1 ] || return 0
  [ -n "$(leader_in "$page")" ] || { echo "server $1 knows no meta leader"; return; }
  leaderless=$(grep -oE '"(cluster|meta_cluster)": *\{[^][{}]*' <<<"$page" | grep -cvE '"leader": *"[^"]+"' || true)
  [ "$leaderless" = 0 ] || echo "server $1 knows streams or consumers without a leader"
}

# every server of the bus is healthy and knows all leaders
current() {
  local server said
  for server in "${servers[@]}"; do
    said=$(not_current "$server")
    [ -z "$said" ] || { echo "$said"; return; }
  done
}

await_current() {
  local until=$((SECONDS + gate_seconds)) said
  while said=$(current) && [ -n "$said" ]; do
    [ $SECONDS -lt $until ] || fail ERR_CLUSTER_NOT_READY "$said" "look at docker compose logs, then run it again"
    sleep 0.5
  done
}

leader_in() { sed -nE 's/.*"meta_cluster": *\{[^{}]*"leader": *"([^"]*)".*/\1/p' <<<"$1"; }

meta_leader() { leader_in "$(page "$1" /jsz | tr -d '\n')"; }

# the file as a new server would see it: its digest as the server computes it, or what the server has against it
wanted_digest() {
  local said
  if said=$(docker run --rm --network none --read-only --cap-drop ALL --security-opt no-new-privileges --user "$(field "$1" user)" \
    --volume "$PWD/files/$1:/etc/nats:ro" --tmpfs /data:mode=1777 --entrypoint nats-server "$(field "$1" image)" -t -c /etc/nats/nats.conf 2>&1); then
    grep -o 'sha256:[0-9a-f]*' <<<"$said" | head -n 1
  else
    echo "${said##*$'\n'}"
  fi
}

running_digest() { page "$1" /varz | tr -d '\n' | sed -nE 's/.*"config_digest": *"([^"]*)".*/\1/p'; }

# action_of SERVER: start, replace, reload or none
action_of() {
  if [ -z "${running[$1]:-}" ]; then
    echo start
  elif [ "${hash[$1]}" != "${hash_wanted[$1]}" ]; then
    echo replace
  elif [ "$(running_digest "$1" || true)" != "${digest[$1]}" ]; then
    echo reload
  else
    echo none
  fi
}

starts=() reloads=() replaces=()
declare -A digest=()
check_ports
check_images
if [ ${#running[@]} -lt ${#servers[@]} ]; then
  if [ -n "$check" ]; then
    echo "natsbus: a server does not run"
    exit 3
  fi
  # fresh volumes belong to root until this has run; those of another stack it refuses
  said=$(compose run --rm --no-deps -T volumes 2>&1) || fail ERR_RUNTIME_FOLDER "${said##*$'\n'}" "choose another cluster name"
fi
while read -r service wanted; do hash_wanted[$service]=$wanted; done < <(compose config --hash '*')
answers=$(mktemp -d)
trap 'rm -rf "$answers"' EXIT
for server in "${servers[@]}"; do wanted_digest "$server" >"$answers/$server" & done
wait
for server in "${servers[@]}"; do
  digest[$server]=$(<"$answers/$server")
  [[ ${digest[$server]} == sha256:* ]] ||
    fail ERR_SERVER_CONFIG "server $server would refuse its configuration: ${digest[$server]}" "correct the setting; whatever runs still runs with the old configuration"
done
for server in "${servers[@]}"; do
  case $(action_of "$server") in
    start) starts+=("$server") ;;
    replace) replaces+=("$server") ;;
    reload) reloads+=("$server") ;;
  esac
done
[ ${#starts[@]} -eq 0 ] || echo "natsbus: start of ${starts[*]}"
[ ${#reloads[@]} -eq 0 ] || echo "natsbus: reload of ${reloads[*]}"
[ ${#replaces[@]} -eq 0 ] || echo "natsbus: replacement, one at a time, of ${replaces[*]}"
if [ -n "$check" ]; then
  [ $((${#starts[@]} + ${#reloads[@]} + ${#replaces[@]})) -eq 0 ] || exit 3
  exit 0
fi

if [ ${#starts[@]} -gt 0 ]; then
  compose up --detach --wait --no-recreate "${starts[@]}"
  await_current
fi

for server in "${reloads[@]}"; do
  docker kill --signal HUP "$bus-$server" >/dev/null
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
[ ${#beside[@]} -eq 0 ] || compose up --detach --wait --no-deps "${beside[@]}"

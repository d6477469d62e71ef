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
answers=$(mktemp -d)
trap 'wait; rm -rf "$answers"' EXIT
if ! compose config --hash '*' >"$answers/hashes" 2>/dev/null; then
  compose version >/dev/null 2>&1 || fail ERR_HOST_TOOL "docker compose (version 2) is not installed" "install the compose plugin of Docker"
  said=$(compose config --quiet 2>&1) || true
  fail ERR_SERVER_CONFIG "docker compose refuses compose.yaml: ${said##*$'\n'}" "render it again"
fi

servers=() beside=()
declare -A hash_wanted=()
while read -r service wanted; do
  hash_wanted[$service]=$wanted
  if [[ $service =~ ^n[0-9]+$ ]]; then servers+=("$service"); elif [ "$service" != volumes ]; then beside+=("$service"); fi
done < <(sort -V "$answers/hashes")
bus=$(sed -nE 's/^name: *"?([^"]*)"?$/\1/p' compose.yaml)
owner_wanted=$(sed -nE 's/^ +natsbus\.stack: *"?([^"]*)"?$/\1/p' compose.yaml | head -n 1)

# field SERVICE KEY: one line of a service in the file beside this script
field() { sed -nE "/^  $1:/,/^  [a-z]/s/^    $2: *\"?([^\"]*)\"?$/\1/p" compose.yaml; }

# what runs, in one question
declare -A running=() owner=() hash=()
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
  local image images
  mapfile -t images < <(sed -nE 's/^    image: *"?([^"]*)"?$/\1/p' compose.yaml | sort -u)
  ! docker image inspect "${images[@]}" >/dev/null 2>&1 || return 0
  for image in "${images[@]}"; do
    ! docker image inspect "$image" >/dev/null 2>&1 || continue
    if [ -n "$check" ]; then
      echo "natsbus: fetch of the image $image"
      exit 3
    fi
    docker pull --quiet "$image" >/dev/null 2>&1 || fail ERR_IMAGE "the image $image is not on the engine and cannot be fetched" "load it, name another one under docker, or give the engine access to its registry"
  done
}

page() { docker exec "$bus-$1" wget -q -O - "http://127.0.0.1:8222$2" 2>/dev/null; }

# groups: the meta group, streams and consumers of a JetStream page, one a line, each with what its replicas are said to be
groups() { grep -oE '"(cluster|meta_cluster)": *\{[^][{}]*(\[[^]]*\])?' || true; }

# why a server is not current, streams and consumers included; empty when it is. Of a group its leader knows who is behind; followers report one another as behind for ever.
not_current() {
  local page said
  # shellcheck disable=SC2016
  page=$(docker exec "$bus-$1" sh -c 'wget -q -O /dev/null "$0/healthz" && wget -q -O - "$0/jsz?accounts=true&streams=true&consumers=true"' http://127.0.0.1:8222 2>/dev/null | tr -d '\n') || true
  [ -n "$page" ] || { echo "server $1 is not current"; return; }
  [ ${#servers[@]} -gt 1 ] || return 0
  [ -n "$(leader_in "$page")" ] || { echo "server $1 knows no meta leader"; return; }
  said=$(groups <<<"$page")
  if grep -qvE '"leader": *"[^"]+"' <<<"$said"; then
    echo "server $1 knows streams or consumers without a leader"
  elif grep -E "\"leader\": *\"$1\"" <<<"$said" | grep -qE '"current": *false|"offline": *true'; then
    echo "server $1 leads streams or consumers whose replicas are not current"
  fi
}

# every server of the bus is healthy and knows all leaders
current() {
  local server said
  for server in "${servers[@]}"; do
    said=$(not_current "$server")
    [ -z "$said" ] || { echo "$said"; return; }
  done
}

# given_up CONTAINER...: one that ends each time it is started, with its last line
given_up() {
  local name
  name=$(docker inspect --format '{{if and .State.Restarting (ge .RestartCount 3)}}{{.Name}}{{end}}' "${@/#/$bus-}" 2>/dev/null | grep . | head -n 1) || return 0
  echo "${name#"/$bus-"} ends right after its start: $(docker logs --tail 1 "${name#/}" 2>&1)"
}

await_current() {
  local until=$((SECONDS + gate_seconds)) said hopeless
  while said=$(current) && [ -n "$said" ]; do
    hopeless=$(given_up "${servers[@]}")
    [ -z "$hopeless" ] || fail ERR_SERVER_START "$hopeless" "look at docker compose logs; what already runs is kept"
    [ $SECONDS -lt $until ] || fail ERR_CLUSTER_NOT_READY "$said" "look at docker compose logs, then run it again"
    sleep 0.2
  done
}

leader_in() { sed -nE 's/.*"meta_cluster": *\{[^{}]*"leader": *"([^"]*)".*/\1/p' <<<"$1"; }

meta_leader() { leader_in "$(page "$1" /jsz | tr -d '\n')"; }

# test_settings: every file as a new server would see it, tried in one container; a line a server, with the digest as the server computes it or what it has against the file
test_settings() {
  local server mounts=()
  for server in "${servers[@]}"; do mounts+=(--volume "$PWD/files/$server:/files/$server:ro"); done
  # shellcheck disable=SC2016
  docker run --rm --network none --read-only --cap-drop ALL --security-opt no-new-privileges --user "$(field "${servers[0]}" user)" \
    "${mounts[@]}" --tmpfs /etc/nats:mode=1777 --tmpfs /data:mode=1777 --entrypoint sh "$(field "${servers[0]}" image)" -c '
    for server; do
      ln -sf "/files/$server/nats.conf" "/files/$server/tls" /etc/nats/
      echo "$server $(nats-server -t -c /etc/nats/nats.conf 2>&1 | tail -n 1)"
    done' sh "${servers[@]}" 2>&1
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
if [ ${#running[@]} -lt ${#servers[@]} ] && [ -n "$check" ]; then
  echo "natsbus: a server does not run"
  exit 3
fi
test_settings >"$answers/tested" & tested=$!
if [ ${#running[@]} -lt ${#servers[@]} ]; then
  # fresh volumes belong to root until this has run; those of another stack it refuses
  said=$(compose run --rm --no-deps -T volumes 2>&1) || fail ERR_RUNTIME_FOLDER "${said##*$'\n'}" "choose another cluster name"
fi
wait $tested || true
while read -r server said; do
  [ -z "${hash_wanted[$server]:-}" ] || digest[$server]=$(grep -o 'sha256:[0-9a-f]*' <<<"$said" || echo "$said")
done <"$answers/tested"
for server in "${servers[@]}"; do
  [[ ${digest[$server]:-} == sha256:* ]] ||
    fail ERR_SERVER_CONFIG "server $server would refuse its configuration: ${digest[$server]:-$(tail -n 1 "$answers/tested")}" "correct the setting; whatever runs still runs with the old configuration"
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
  # the volumes are handed over; the gate asks the servers themselves, and sooner than the engine's health checks do
  compose up --detach --no-deps --no-recreate "${starts[@]}"
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
  compose up --detach --no-deps --force-recreate "$next"
  await_current
  for server in "${replaces[@]}"; do [ "$server" = "$next" ] || rest+=("$server"); done
  replaces=("${rest[@]}")
done

# whatever runs beside the servers
[ ${#beside[@]} -gt 0 ] || exit 0
states() { docker inspect --format '{{.Name}} {{.State.Status}} {{.State.StartedAt}}' "${beside[@]/#/$bus-}" 2>/dev/null || true; }
before=$(states)
compose up --detach --no-deps "${beside[@]}"
said=$(states)
[ "$said" != "$before" ] || exit 0
# one that cannot run shows it within seconds: all have to stay as they are for three
since=$SECONDS until=$((SECONDS + 60))
while [ $((SECONDS - since)) -le 3 ]; do
  hopeless=$(given_up "${beside[@]}")
  [ -z "$hopeless" ] || fail ERR_SERVER_START "$hopeless" "look at docker compose logs; the servers run"
  [ $SECONDS -lt $until ] || fail ERR_SERVER_START "what runs beside the servers starts again and again" "look at docker compose logs; the servers run"
  sleep 0.5
  now=$(states)
  [ "$now" = "$said" ] || since=$SECONDS said=$now
done

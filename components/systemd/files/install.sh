#!/usr/bin/env bash
# install.sh [--check] [--wait server|cluster] [--leave-restarts]: puts the files beside it onto this host, and brings the servers to them. Run it again at any time: what is as it should be is left alone.
#   --check   only says what would be done; exit code 3 when there is something
#   --wait, --leave-restarts  see rollout.sh
set -euo pipefail
bundle=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$bundle/common.sh"

oldest_systemd=247
check='' rollout=()
while [ $# -gt 0 ]; do
  case $1 in
    --check) check=yes rollout+=(--check) ;;
    --wait) rollout+=(--wait "$2") && shift ;;
    --leave-restarts) rollout+=(--leave-restarts) ;;
    *) fail ERR_USAGE "install.sh does not know $1" "it takes --check, --leave-restarts and --wait server or cluster" ;;
  esac
  shift
done

load "$bundle"
changed=() made=() made_user='' installed=''
fresh=yes
[ ! -e "$CONFIG/settings" ] || fresh=''
had_data=yes
[ -e "$DATA" ] || had_data=''

# undo: a first installation that is refused leaves this host as it was
undo() {
  [ -n "$fresh" ] && [ -z "$installed" ] && [ -z "$check" ] || return 0
  [ ${#made[@]} -eq 0 ] || rm -f "${made[@]}"
  [ ! -d "$CONFIG" ] || rm -rf "$CONFIG"
  # only folders, and only where there was nothing before
  [ -n "$had_data" ] || [ ! -d "$DATA" ] || find "$DATA" -depth -type d -empty -delete
  rmdir "$PROGRAMS" /usr/local/lib/natsbus /var/lib/natsbus /etc/natsbus 2>/dev/null || true
  [ -z "$made_user" ] || userdel "$SERVICE_USER" 2>/dev/null || true
}
trap undo EXIT

# ---- is this host fit for it? Nothing is touched before all of this is true.
require() { command -v "$1" >/dev/null || fail ERR_HOST_TOOL "$1 is not installed on this host, and $2 needs it" "install $3"; }

check_host() {
  local version companion
  [ "$(id -u)" = 0 ] || fail ERR_HOST_ACCESS "this user may not set up services" "log in as root, or set sudo: true for the host and allow the user to run sudo without a password"
  require systemctl "the target" systemd
  require sha256sum "the check of nats-server" coreutils
  require flock "this script" util-linux
  require setpriv "this script" util-linux
  version=$(systemctl --version | sed -nE '1s/^systemd ([0-9]+).*/\1/p')
  [ "${version:-0}" -ge $oldest_systemd ] || fail ERR_HOST_TOOL "systemd ${version:-of unknown version} is too old" "systemd $oldest_systemd or newer is needed"
  [ -z "$FIREWALL" ] || require nft "the firewall" "nftables, or set systemd.firewall: false"
  for companion in $COMPANIONS; do
    [ -x "$companion" ] || fail ERR_HOST_TOOL "there is no program $companion on this host, and what watches the servers needs it" "install it there, or turn systemd.exporter, systemd.probe or monitoring off"
  done
  [ -z "$SITE" ] || require nginx "the site of the monitoring pages" "nginx, or set systemd.proxy.enabled: false"
}

# a folder that belongs to another project or stack is never taken over
check_owner() {
  local file owner
  for file in "$CONFIG/settings" "$DATA/settings"; do
    [ -r "$file" ] || continue
    owner=$(sed -nE "s/^OWNER='(.*)'$/\1/p" "$file")
    # shellcheck disable=SC2153
    [ "$owner" = "$OWNER" ] || fail ERR_RUNTIME_FOLDER "$(dirname "$file") belongs to the stack ${owner:-of somebody else}, not to $OWNER" "choose another cluster name, or uninstall that bus"
  done
}

# servers leave a cluster by an operation of their own, or their replicas are lost
check_size() {
  local name
  [ -r "$CONFIG/servers" ] || return 0
  while read -r name _; do
    grep -q "^$name " "$bundle/servers" || fail ERR_SCALE_DOWN "server $name of this host is no longer in the configuration" "put it back; a server leaves a cluster by an operation of its own"
  done <"$CONFIG/servers"
}

check_ports() {
  local server port owner
  for server in "${SERVER_NAMES[@]}"; do
    ! is_active "$server" || continue
    for port in "${CLIENT_PORT[$server]}" "${ROUTE_PORT[$server]}" "${MONITOR_PORT[$server]}"; do
      # shellcheck disable=SC2016
      timeout 2 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"' _ "$port" 2>/dev/null || continue
      owner=$(ss -ltnpH "sport = :$port" 2>/dev/null | sed -nE 's/.*users:\(\("([^"]*)",pid=([0-9]+).*/\1, process \2/p' | head -n 1 || true)
      fail ERR_PORT_IN_USE "port $port, which server $server needs, is taken${owner:+ by $owner}" "end that process, or set other ports under systemd.ports"
    done
  done
}

check_disk() {
  local server new=0 place=$DATA free
  for server in "${SERVER_NAMES[@]}"; do [ -d "$DATA/$server/jetstream" ] || new=$((new + 1)); done
  [ "$new" -gt 0 ] || return 0
  while [ ! -d "$place" ]; do place=$(dirname "$place"); done
  free=$(df --output=avail -B1 "$place" | tail -n 1)
  [ "$free" -ge $((STORAGE_BYTES * new)) ] ||
    fail ERR_HOST_DISK "$place has $free bytes free, and $new new servers may store $STORAGE_BYTES each" "make room, or lower jetstream.maxStorage"
}

check_program() {
  local sum=''
  if [ -z "$PROGRAM_SHA256" ]; then
    [ -x "$PROGRAM" ] || fail ERR_SERVER_BINARY "there is no program $PROGRAM on this host" "install nats-server there, or remove systemd.binary.path"
    return 0
  fi
  [ ! -f "$PROGRAM" ] || sum=$(sha256sum "$PROGRAM" | cut -d ' ' -f 1)
  [ "$sum" != "$PROGRAM_SHA256" ] || return 0
  changed+=("$PROGRAM")
  [ -z "$check" ] || return 0
  install -d -m 0755 "$(dirname "$PROGRAM")"
  if [ -n "$PROGRAM_URL" ]; then
    require curl "fetching nats-server" curl
    curl --fail --silent --show-error --location --max-time 300 --output "$PROGRAM.next" "$PROGRAM_URL" || fail ERR_SERVER_BINARY "$PROGRAM_URL cannot be fetched" "give the host access to it, or remove systemd.binary.url"
  else
    [ -f "$bundle/nats-server" ] || fail ERR_SERVER_BINARY "nats-server was not sent along" "render or deploy again"
    cp "$bundle/nats-server" "$PROGRAM.next"
  fi
  sum=$(sha256sum "$PROGRAM.next" | cut -d ' ' -f 1)
  if [ "$sum" != "$PROGRAM_SHA256" ]; then
    rm -f "$PROGRAM.next"
    fail ERR_SERVER_BINARY "the nats-server for this host has the SHA-256 $sum, expected is $PROGRAM_SHA256; it was not installed" "find out why it differs, then correct systemd.binary.sha256"
  fi
  chmod 0755 "$PROGRAM.next"
  [ -e "$PROGRAM" ] || made+=("$PROGRAM")
  mv -f "$PROGRAM.next" "$PROGRAM"
}

# ---- files
# group_of NAME: the servers' group, that of nginx's workers (distributions call it differently), or root's
group_of() {
  local found
  case $1 in
    service) echo "$SERVICE_USER" ;;
    site)
      found=$(getent group www-data nginx | head -n 1 | cut -d : -f 1 || true)
      echo "${found:-root}"
      ;;
    *) echo root ;;
  esac
}

# differs MODE GROUP PATH: whether the file on this host is not as it should be
differs() {
  [ -f "$3" ] && cmp -s "$bundle/root$3" "$3" && [ "$(stat -c '%04a %U %G' "$3")" = "$1 root $(group_of "$2")" ] && return 1
  return 0
}

# put MODE GROUP FROM TO: a file at once or not at all, never more readable than it may be
put() {
  [ -e "$4" ] || made+=("$4")
  if ! install -m 0600 -o root -g root "$3" "$4.next"; then
    rm -f "$4.next"
    fail ERR_HOST_DISK "$4 cannot be written" "make room on its file system; whatever runs still runs with the old configuration"
  fi
  chown "root:$(group_of "$2")" "$4.next"
  chmod "$1" "$4.next"
  mv -f "$4.next" "$4"
}

make_user() {
  getent group "$SERVICE_USER" >/dev/null || groupadd --system "$SERVICE_USER"
  ! getent passwd "$SERVICE_USER" >/dev/null || return 0
  useradd --system --gid "$SERVICE_USER" --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin "$SERVICE_USER"
  made_user=yes
}

make_folders() {
  local server
  install -d -m 0755 /etc/natsbus /var/lib/natsbus /usr/local/lib/natsbus "$PROGRAMS"
  install -d -m 0750 -o root -g "$SERVICE_USER" "$CONFIG"
  install -d -m 0751 "$DATA"
  for server in "${SERVER_NAMES[@]}"; do
    install -d -m 0750 -o root -g "$SERVICE_USER" "$CONFIG/$server" "$CONFIG/$server/tls"
    install -d -m 0750 -o "$SERVICE_USER" -g "$SERVICE_USER" "$DATA/$server"
  done
}

# every configuration is tried by the server program before the first file is replaced
test_settings() {
  local server said
  for server in "${SERVER_NAMES[@]}"; do
    put 0640 service "$bundle/root$CONFIG/$server/nats.conf" "$CONFIG/$server/nats.conf.test"
    if ! said=$(test_config "$CONFIG/$server/nats.conf.test"); then
      rm -f "$CONFIG/$server/nats.conf.test"
      fail ERR_SERVER_CONFIG "server $server would refuse its configuration: ${said##*$'\n'}" "correct the setting; whatever runs still runs with the old configuration"
    fi
    rm -f "$CONFIG/$server/nats.conf.test"
  done
  [ -z "$FIREWALL" ] || nft -c -f "$bundle/root$CONFIG/firewall.nft" || fail ERR_SERVER_CONFIG "nft refuses the firewall rules" "correct systemd.clientNetworks"
}

# site_test: nginx has to accept the whole of its configuration with the new site; otherwise the old site comes back
site_test() {
  local site=/etc/nginx/conf.d/$UNIT.conf said
  if said=$(nginx -t 2>&1); then return 0; fi
  if [ -f "$site.before" ]; then mv -f "$site.before" "$site"; else rm -f "$site"; fi
  fail ERR_SERVER_CONFIG "nginx refuses the site: ${said//$'\n'/; }" "correct systemd.proxy"
}

list_changes() {
  local mode group path
  while read -r mode group path; do
    ! differs "$mode" "$group" "$path" || changed+=("$path")
  done <"$bundle/manifest"
}

# named after their content, so none of them is in the way of what runs
install_certificates() {
  local mode group path
  while read -r mode group path; do
    case $path in "$CONFIG"/*/tls/*) ;; *) continue ;; esac
    ! differs "$mode" "$group" "$path" || put "$mode" "$group" "$bundle/root$path" "$path"
  done <"$bundle/manifest"
}

# install_files PATTERN: those of the manifest that it matches and that differ
install_files() {
  local mode group path
  while read -r mode group path; do
    # shellcheck disable=SC2053
    [[ $path == $1 ]] || continue
    differs "$mode" "$group" "$path" || continue
    install -d "$(dirname "$path")"
    put "$mode" "$group" "$bundle/root$path" "$path"
  done <"$bundle/manifest"
}

# before everything else, for it is the only file that can still be refused
install_site() {
  local site=/etc/nginx/conf.d/$UNIT.conf
  [ -n "$SITE" ] || return 0
  [ ! -f "$site" ] || cp -p "$site" "$site.before"
  install_files '/etc/nginx/*'
  site_test
  rm -f "$site.before"
}

# ---- services
has_changed() {
  local path
  # shellcheck disable=SC2053
  for path in "${changed[@]}"; do [[ $path != $1 ]] || return 0; done
  return 1
}

# what an earlier run installed and this one no longer knows, replaced certificates among it
remove_old() {
  local path unit
  for path in "${before[@]}"; do
    ! awk -v path="$path" '$3 == path { found = 1 } END { exit !found }' "$bundle/manifest" || continue
    unit=$(basename "$path")
    case $path in /etc/systemd/system/*) systemctl disable --now --quiet "$unit" || true ;; esac
    rm -f "$path"
  done
}

start_services() {
  local unit
  systemctl daemon-reload
  systemd-tmpfiles --create "/etc/tmpfiles.d/$UNIT.conf"
  for unit in "$bundle"/root/etc/systemd/system/*; do
    unit=$(basename "$unit")
    case $unit in *-health.service) ;; *) systemctl enable --quiet "$unit" ;; esac
  done
  if [ -n "$FIREWALL" ]; then
    if has_changed "$CONFIG/firewall.nft" && systemctl is-active --quiet "$UNIT-firewall.service"; then
      systemctl reload "$UNIT-firewall.service"
    else
      systemctl start "$UNIT-firewall.service"
    fi
  fi
  if has_changed "/etc/systemd/journald@natsbus.conf"; then systemctl try-restart systemd-journald@natsbus.service; fi
  if has_changed "*-health.timer"; then systemctl restart "$UNIT-health.timer"; else systemctl start "$UNIT-health.timer"; fi
}

start_companions() {
  local unit
  for unit in "$bundle"/root/etc/systemd/system/*-exporter.service "$bundle"/root/etc/systemd/system/*-probe.service; do
    [ -e "$unit" ] || continue
    unit=$(basename "$unit")
    if has_changed "*/$unit" || has_changed "*/probe.*"; then systemctl restart "$unit"; else systemctl start "$unit"; fi
  done
  [ -n "$SITE" ] || return 0
  if systemctl is-active --quiet nginx.service; then
    ! has_changed "/etc/nginx/*" || systemctl reload nginx.service
  else
    systemctl enable --now --quiet nginx.service
  fi
}

check_host
mkdir -p /run/lock
exec 9>"/run/lock/natsbus-$BUS.lock"
flock -w "${NATSBUS_LOCK_SECONDS:-600}" 9 || fail ERR_STATE_LOCKED "another run works on this bus on this host" "wait for it"
check_owner
check_size
check_ports
check_disk
check_program
list_changes
if [ -n "$check" ]; then
  for path in "${changed[@]}"; do say "would write $path"; done
  code=0
  if [ -r "$CONFIG/settings" ] && [ ${#changed[@]} -eq 0 ]; then "$bundle/rollout.sh" "$CONFIG" "${rollout[@]}" || code=$?; else code=3; fi
  exit "$code"
fi
make_user
make_folders
install_certificates
test_settings
install_site
install_files '*'
mapfile -t before < <(cut -d ' ' -f 3- "$CONFIG/manifest" 2>/dev/null || true)
install -m 0640 -o root -g "$SERVICE_USER" "$bundle/settings" "$bundle/servers" "$bundle/manifest" "$CONFIG/"
install -m 0644 "$bundle/settings" "$DATA/settings"
installed=yes
start_services
"$PROGRAMS/rollout.sh" "$CONFIG" "${rollout[@]}"
start_companions
remove_old
say "$BUS: ${#changed[@]} files written, ${SERVER_NAMES[*]} as configured"

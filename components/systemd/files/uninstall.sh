#!/usr/bin/env bash
# uninstall.sh CONFIG [--purge-data]: stops a bus's servers on this host and removes everything natsbus installed for it. Streams and accounts stay below /var/lib/natsbus unless --purge-data asks for their removal.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/common.sh"

config=${1:?folder of the bus}
purge=''
[ "${2:-}" != --purge-data ] || purge=yes
if [ ! -e "$config/settings" ]; then
  say "$config holds no bus of natsbus: nothing to do"
  exit 0
fi
[ "$(id -u)" = 0 ] || fail ERR_HOST_ACCESS "this user may not remove services" "log in as root, or use sudo"
load "$config"
# shellcheck disable=SC2153
case $CONFIG in "$config" | "$config/") ;; *) fail ERR_RUNTIME_FOLDER "$config is not where the bus $BUS was installed" "give $CONFIG" ;; esac

units=() paths=()
while read -r _ _ path; do
  paths+=("$path")
  case $path in /etc/systemd/system/*) units+=("$(basename "$path")") ;; esac
done <"$CONFIG/manifest"

# all of them leave: nobody is there to hand anything over to, so none waits for lame duck
for server in "${SERVER_NAMES[@]}"; do
  ! is_active "$server" || systemctl kill --signal=SIGTERM "$(unit_of "$server")" || true
done
for unit in "${units[@]}"; do systemctl disable --now --quiet "$unit" || true; done
# the scripts go last, this is one of them; the journal is shared with other buses
for path in "${paths[@]}"; do
  case $path in "$PROGRAMS"/* | /etc/systemd/journald@natsbus.conf) ;; *) rm -f "$path" ;; esac
done
systemctl daemon-reload
systemctl reset-failed "$UNIT-*" 2>/dev/null || true
[ -z "$SITE" ] || ! systemctl is-active --quiet nginx.service || systemctl reload nginx.service
rm -rf "$CONFIG" "/run/natsbus/$BUS"
if [ -n "$purge" ]; then
  rm -rf "$DATA"
  say "$BUS: removed, with its streams"
else
  say "$BUS: removed; its streams stay in $DATA"
fi
rm -rf "$PROGRAMS"
# the rest is shared with other buses of this host
rmdir /etc/natsbus /var/lib/natsbus /run/natsbus 2>/dev/null || true
if [ ! -d /etc/natsbus ]; then
  rm -f "/etc/systemd/journald@natsbus.conf"
  case $PROGRAM in /usr/local/lib/natsbus/*) rm -rf /usr/local/lib/natsbus ;; esac
fi

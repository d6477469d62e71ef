#!/usr/bin/env bash
# pages.sh CONFIG: what every server of this host says of itself, for whoever decides over several hosts. Lines of server, page and its document; a server that does not answer has none.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/common.sh"

load "${1:?folder of the bus}"
for server in "${SERVER_NAMES[@]}"; do
  for page in healthz 'jsz?accounts=true&streams=true&consumers=true&config=true'; do
    # an unhealthy server says so with a document
    body=$(http_get "${MONITOR_PORT[$server]}" "/$page") || true
    [ -z "$body" ] || printf '%s %s %s\n' "$server" "${page%%\?*}" "$(tr -d '\r\n' <<<"$body")"
  done
done

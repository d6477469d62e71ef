#!/usr/bin/env bash
# health.sh CONFIG: asks every server of this host how it is; one line each, and exit code 1 when one is not well.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/common.sh"

load "${1:?folder of the bus}"
code=0
for server in "${SERVER_NAMES[@]}"; do
  problem=$(blocker "$server")
  if [ -z "$problem" ]; then
    echo "ok: server $server of $BUS"
  else
    # a number in angle brackets is a log level to the journal
    echo "<3>bad: $problem"
    code=1
  fi
done
exit "$code"

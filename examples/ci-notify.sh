#!/bin/sh
# Tells the bus how a pipeline ended; the last step of a CI job: ci-notify.sh NAME STATUS [URL]
# STATUS is success, failed or cancelled. NATSBUS is the command to call, NATSBUS_STACK the stack.
set -eu
name=${1:?usage: ci-notify.sh NAME STATUS [URL]} status=${2:?usage: ci-notify.sh NAME STATUS [URL]} url=${3:-}
case $status in success | failed | cancelled) ;; *) echo "ci-notify.sh: \"$status\" is not success, failed or cancelled" >&2; exit 2 ;; esac
# Text as JSON: backslashes and quotes escaped, control characters dropped.
json() { printf '%s' "$1" | tr -d '\000-\037' | sed 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$/"/'; }
payload="{\"name\":$(json "$name"),\"status\":$(json "$status")${url:+,\"url\":$(json "$url")}}"
priority=normal
[ "$status" = failed ] && priority=high
# The id makes it safe to run a job again; within the stream's duplicate window the same result is stored once.
exec ${NATSBUS:-npx natsbus} publish "orchestrator.$priority.pipeline" "$payload" --user orchestration --stack "${NATSBUS_STACK:-dev}" \
  --header "Nats-Msg-Id=ci-${CI_JOB_ID:-$$}-$status"

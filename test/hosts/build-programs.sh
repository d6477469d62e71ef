#!/usr/bin/env bash
# Builds what the Docker tests need and no distribution has from its Go module into the cache: the official exporter (half a minute of CPU the first time) and the Compose plugin (about six minutes).
# What a run cut short has compiled is kept by Go.
set -euo pipefail
cache=${NATSBUS_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/natsbus}
export CGO_ENABLED=0 GOFLAGS="-mod=mod -trimpath -buildvcs=false" GOTOOLCHAIN=local

# build PROGRAM FOLDER PACKAGE VERSION FLAGS: unless the cache has it
build() {
  local place=$cache/$2
  [ ! -x "$place/$1" ] || return 0
  command -v go >/dev/null || { echo "there is no Go to build $1 with"; exit 1; }
  cd "$(mktemp -d -p "$work")"
  go mod init build 2>/dev/null
  go get -tool "$3@v$4"
  mkdir -p "$place"
  nice go build -ldflags "-s -w $5" -o "$place/.$1.$$" "$3"
  mv "$place/.$1.$$" "$place/$1"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build prometheus-nats-exporter nats-exporter github.com/nats-io/prometheus-nats-exporter 0.20.1 ''
build docker-compose docker-compose github.com/docker/compose/v2/cmd 2.40.3 '-X github.com/docker/compose/v2/internal.Version=v2.40.3'

#!/usr/bin/env bash
# Builds the Compose plugin from its Go module into the cache, where the Docker tests look for it. About six minutes of CPU the first time; what a run cut short has compiled is kept by Go.
set -euo pipefail
version=2.40.3
place=${NATSBUS_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/natsbus}/docker-compose
[ ! -x "$place/docker-compose" ] || exit 0
command -v go >/dev/null || { echo "there is no Go to build the Compose plugin with"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export CGO_ENABLED=0 GOFLAGS="-mod=mod -trimpath -buildvcs=false" GOTOOLCHAIN=local
go mod init compose-build 2>/dev/null
go get -tool "github.com/docker/compose/v2/cmd@v$version"
mkdir -p "$place"
nice go build -ldflags "-s -w -X github.com/docker/compose/v2/internal.Version=v$version" -o "$place/.docker-compose.$$" github.com/docker/compose/v2/cmd
mv "$place/.docker-compose.$$" "$place/docker-compose"

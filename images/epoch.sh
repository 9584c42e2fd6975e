#!/usr/bin/env bash
# The time that goes into what is made of these paths: that of the last commit to them, so that other commits change no byte of it.
# When it was written, not committed: who rebases it changes nothing.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: images/epoch.sh PATH...      paths from the top of the checkout

SOURCE_DATE_EPOCH, where set, is the time of everything. Without a repository (a source archive) it is 0.
USAGE
}
(($#)) || { usage >&2; exit 2; }
[[ $1 != --help && $1 != -h ]] || { usage; exit 0; }
cd "$(dirname "${BASH_SOURCE[0]}")/.."
time=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%at -- "$@" ':!*.md' 2> /dev/null || true)}
printf '%s\n' "${time:-0}"

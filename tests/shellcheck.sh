#!/usr/bin/env bash
# Every shell script of the repository, by shellcheck.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t scripts < <(git ls-files '*.sh' .ci/run)
((${#scripts[@]} > 5)) || { echo "shellcheck: found only ${#scripts[@]} scripts"; exit 1; }
shellcheck -x "${scripts[@]}"
echo "shellcheck: ${#scripts[@]} scripts are clean"

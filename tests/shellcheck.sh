#!/usr/bin/env bash
# Every shell script of the repository, by shellcheck; and that no line is wider than .editorconfig says. The compiler looks at C#.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t scripts < <(git ls-files '*.sh' .ci/run)
((${#scripts[@]} > 5)) || { echo "shellcheck: found only ${#scripts[@]} scripts"; exit 1; }
shellcheck -x "${scripts[@]}"
echo "shellcheck: ${#scripts[@]} scripts are clean"
mapfile -t texts < <(git ls-files '*.sh' '*.props' '*.targets' '*.csproj' '*Makefile' .ci/run)
if LC_ALL=C.UTF-8 grep --line-number '^.\{141\}' "${texts[@]}"; then
    echo 'width: these lines have more than 140 columns'
    exit 1
fi

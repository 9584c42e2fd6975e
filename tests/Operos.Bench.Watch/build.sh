#!/usr/bin/env bash
# Compiles what a worker's agent runs of the API, as it is now and as it was before the watch cache, for tests/Operos.Bench.
set -euo pipefail
shopt -s inherit_errexit

usage() {
    cat <<'USAGE'
usage: tests/Operos.Bench.Watch/build.sh

Leaves out/bench-watch/now/Operos.Node.Tests and out/bench-watch/before/Operos.Node.Tests. The one before is compiled from a commit
that this script names, of which out/bench-watch/source is a copy; it is made once.
USAGE
}
die() { printf 'bench-watch: %s\n' "$1" >&2; [[ -z ${2-} ]] || printf '  next: %s\n' "$2" >&2; exit 1; }
(($# == 0)) || { usage; [[ $1 == -h || $1 == --help ]] && exit 0; exit 2; }

# The last commit whose agents follow the API without the cache.
before=feddb07
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$root/out/bench-watch
mkdir -p "$out"
publish() { # ROOT NAME [PROPERTY...]
    dotnet publish "$1/tests/Operos.Bench.Watch" -c Release -o "$out/$2" --nologo -v quiet "${@:3}"
}
publish "$root" now
stamp=$(printf '%s\n' "$before"; sha256sum "$here"/*.cs "$here"/*.csproj)
if [[ ! -x $out/before/Operos.Node.Tests || $(cat "$out/before.inputs" 2> /dev/null || true) != "$stamp" ]]; then
    git -C "$root" cat-file -e "$before^{commit}" 2> /dev/null ||
        die "this checkout has no commit $before to compare with" "fetch the whole history"
    rm -rf "$out/source" "$out/before"
    mkdir -p "$out/source"
    git -C "$root" archive "$before" | tar -x -C "$out/source"
    mkdir -p "$out/source/tests/Operos.Bench.Watch"
    # Its house has no rules that came later, and MSBuild goes up until it finds some.
    [[ -e $out/source/Directory.Build.targets ]] || printf '<Project />\n' > "$out/source/Directory.Build.targets"
    cp "$here"/*.cs "$here"/*.csproj "$out/source/tests/Operos.Bench.Watch/"
    publish "$out/source" before -p:DefineConstants=BEFORE
    printf '%s\n' "$stamp" > "$out/before.inputs"
fi

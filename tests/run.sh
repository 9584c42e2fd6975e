#!/usr/bin/env bash
# Compiles everything and runs tests: what the runner does is in Operos.TestRun.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: tests/run.sh [--results DIR] [--filter ARGS] [--limit MINUTES] [--make] [--without-kubernetes] [--without-ceph]
                    all|quick|soak|ITEM[+ITEM...]...

  all       the whole suite, stage by stage
  quick     all without guests, and without what waits out a minute of a real program
  soak      all parts of the long lists of which the suite does one; the next goes on where one was stopped
  ITEM      a project: a folder below tests/, such as Operos.Net.Tests
            or a script: a path that ends in .sh; it passes with exit code 0
  +         runs the others beside the first, which has nice -10; scripts among them have nice 10
  --filter  passed on to each project's runner, such as '-method *Reboot*'
  --limit   of the whole run, after which nothing more is started; 80 minutes otherwise. Each item has one of its own.
  --make    makes the release before the first item that needs it
  --without-kubernetes, --without-ceph  the release is without it: so are the tests

The last line is "N passed, N failed" of all together, and ", N skipped" if there are any. A project that crashes, runs no test
or reaches its limit has failed; so has each of its tests that did not end. Times are kept in DIR/times.json, logs in DIR/*.log.
USAGE
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
results=$here/../out/test-results make='' previous=''
for argument; do
    case $argument in
        -h|--help) usage; exit 0 ;;
        --make) make=1 ;;
    esac
    [[ $previous != --results ]] || results=$argument
    previous=$argument
done
(($#)) || { usage >&2; exit 2; }

mkdir -p "$results"
rm -f "$results/count" "$results/times.json"
fail() { # WHY: as the runner closes
    printf '\nFAILED: %s\n\n0 passed, 1 failed\n' "$1"
    printf '0 passed, 1 failed\n' > "$results/count"
    exit 1
}

[[ -z $make ]] || make --no-print-directory -C "$here/.." deps || fail 'this host lacks what building and testing need'
# All at once and first: two at a time must not compile the same library, and what does not compile is known before anything else starts.
compiler=
# One compiler for all projects, which is warm after the first of them, takes half the time; it would wait for more work.
end_compiler() {
    [[ -z $compiler ]] || kill "$compiler" 2> /dev/null || true
    dotnet build-server shutdown --vbcscompiler > /dev/null 2>&1 || true
}
trap end_compiler EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
printf '== compiling\n'
start=$EPOCHREALTIME
timeout --kill-after 10 900 dotnet build "$here/.." -c Release --nologo -v quiet -p:UseSharedCompilation=true < /dev/null &
compiler=$!
status=0
wait "$compiler" || status=$?
compiler=
seconds=$(awk -v from="$start" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f", to - from }')
if ((status > 0 && ${seconds%.*} >= 900)); then fail 'it did not compile within 900 s'; fi
((status == 0)) || fail 'it does not compile: the errors stand above; nothing else was started'
end_compiler
trap - EXIT
printf 'compiled in %s s\n' "$seconds"
# Each commit does one part of the long lists of make soak.
commit=$(git -C "$here" rev-parse HEAD 2> /dev/null || echo none)
# A shell starts what runs in its background with these two ignored, and a .NET program that starts so never sees them.
exec env --default-signal=INT,QUIT dotnet "$here/Operos.TestRun/bin/Release/net10.0/operos-test-run.dll" --compiled "$seconds" \
    --soak "$commit" "$@"

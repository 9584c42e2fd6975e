#!/usr/bin/env bash
# Runs test projects and test scripts, lets their output through, and counts.
set -euo pipefail

usage() {
    cat <<'EOF'
usage: tests/run.sh [--results DIR] [--filter ARGS] PROJECT|SCRIPT|PROJECT+SCRIPT...

  PROJECT   a folder below tests/, such as Operos.Net.Tests
  SCRIPT    a path that ends in .sh; it passes with exit code 0
  +         runs the script beside the project, with the CPU that the project leaves
  --filter  passed on to the runner, such as '-method *Reboot*'

The last line is "N passed, N failed" of all together. A project that crashes or runs no test has failed.
EOF
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
results=$here/../out/test-results filter=() items=()
while (($#)); do
    case $1 in
        --results) results=$2; shift 2 ;;
        --filter) read -ra filter <<< "$2"; shift 2 ;;
        -h|--help) usage; exit 0 ;;
        -*) usage >&2; exit 2 ;;
        *) items+=("$1"); shift ;;
    esac
done
((${#items[@]})) || { usage >&2; exit 2; }
mkdir -p "$results"

passed=0 failed=0 summary=() failures=()
row() { # NAME PASSED FAILED SECONDS
    summary+=("$(printf '%-34s %5d passed %4d failed %5d s' "$1" "$2" "$3" "$4")")
    passed=$((passed + $2)) failed=$((failed + $3))
}

# What failed stands at the very end, with the first lines of its message: nobody scrolls through an hour of output.
note_failures() { # NAME LOG
    local line
    while IFS= read -r line; do failures+=("$line"); done < <(
        sed 's/\x1b\[[0-9;]*m//g' "$2" | awk -v name="$1" '
            / \[FAIL\]$/ { sub(/^ +/, ""); sub(/ \[FAIL\]$/, ""); print "FAILED " name ": " $0; left = 60; next }
            left > 0 && NF { print "    " substr($0, 1, 240); left-- }')
}

run_project() {
    local name=$1 start=$SECONDS status=0 total=0 bad=0 log=$results/$1.log
    printf '\n== %s\n' "$name"
    if ! dotnet build "$here/$name" -c Release --nologo -v quiet; then
        row "$name (does not build)" 0 1 $((SECONDS - start))
        failures+=("FAILED $name: does not build")
        return
    fi
    dotnet run --no-build -c Release --project "$here/$name" -- -noColor -result-xml "$results/$1.xml" "${filter[@]}" 2>&1 | tee "$log" || status=$?
    # The runner's own summary: "Total: N, Errors: N, Failed: N, Skipped: N, Not Run: N"
    read -r total bad < <(sed -n 's/.*Total: \([0-9]*\), Errors: \([0-9]*\), Failed: \([0-9]*\), Skipped: \([0-9]*\), Not Run: \([0-9]*\).*/\1 \2 \3 \4 \5/p' "$log" | tail -n 1 |
        awk '{ print $1 - $4 - $5, $2 + $3 } END { if (!NR) print 0, 0 }')
    if ((total == 0)) || { ((status != 0)) && ((bad == 0)); }; then bad=$((bad + 1)); total=$((total + 1)); fi
    row "$name" $((total - bad)) "$bad" $((SECONDS - start))
    note_failures "$name" "$log"
}

script_log() { printf '%s/%s.log' "$results" "$(basename "$1")"; }

script_row() { # NAME STATUS SECONDS
    local log status=$(($2 != 0))
    log=$(script_log "$1")
    row "$1" $((1 - status)) "$status" "$3"
    ((status == 0)) || failures+=("FAILED $1: $(grep FAILED "$log" || echo 'its last lines')" "$(tail -n 3 "$log")")
}

run_script() {
    local start=$SECONDS status=0
    printf '\n== %s\n' "$1"
    "$here/../$1" 2>&1 | tee "$(script_log "$1")" || status=1
    script_row "$1" "$status" $((SECONDS - start))
}

# A group of its own, which ends with this script however that ends.
beside=''
trap '[[ -z $beside ]] || kill -- "-$beside"' EXIT
run_beside() { # PROJECT SCRIPT
    local start=$SECONDS status=0 log
    log=$(script_log "$2")
    setsid nice -n 19 "$here/../$2" > "$log" 2>&1 < /dev/null &
    beside=$!
    run_project "$1"
    wait "$beside" || status=$?
    beside=''
    printf '\n== %s (beside %s)\n' "$2" "$1"
    cat "$log"
    script_row "$2" "$status" $((SECONDS - start))
}

for item in "${items[@]}"; do
    case $item in
        *+*.sh) run_beside "${item%%+*}" "${item#*+}" ;;
        *.sh) run_script "$item" ;;
        *) run_project "$item" ;;
    esac
done
printf '\n'
printf '%s\n' "${summary[@]}"
if ((${#failures[@]})); then printf '\n'; printf '%s\n' "${failures[@]}"; fi
printf '\n%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))

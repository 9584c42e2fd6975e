#!/usr/bin/env bash
# Runs test projects and test scripts, lets their output through, and counts.
set -euo pipefail

usage() {
    cat <<'EOF'
usage: tests/run.sh [--results DIR] [--filter ARGS] ITEM[+ITEM...]...

  ITEM      a project: a folder below tests/, such as Operos.Net.Tests
            or a script: a path that ends in .sh; it passes with exit code 0
  +         runs the others beside the first, projects with nice 10, scripts with nice 19
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

log_of() { printf '%s/%s.log' "$results" "$(basename "$1")"; }

command_of() { # ITEM: into command
    command=("$here/../$1")
    [[ $1 == *.sh ]] || command=(dotnet run --no-build -c Release --project "$here/$1" -- -noColor -result-xml "$results/$1.xml" "${filter[@]}")
}

count() { # ITEM STATUS SECONDS
    local log total=1 bad=$(($2 != 0))
    log=$(log_of "$1")
    if [[ $1 == *.sh ]]; then
        row "$1" $((total - bad)) "$bad" "$3"
        ((bad == 0)) || failures+=("FAILED $1: $(grep FAILED "$log" || echo 'its last lines')" "$(tail -n 3 "$log")")
        return
    fi
    # The runner's own summary: "Total: N, Errors: N, Failed: N, Skipped: N, Not Run: N"
    read -r total bad < <(sed -n 's/.*Total: \([0-9]*\), Errors: \([0-9]*\), Failed: \([0-9]*\), Skipped: \([0-9]*\), Not Run: \([0-9]*\).*/\1 \2 \3 \4 \5/p' "$log" | tail -n 1 |
        awk '{ print $1 - $4 - $5, $2 + $3 } END { if (!NR) print 0, 0 }')
    if ((total == 0)) || { (($2 != 0)) && ((bad == 0)); }; then bad=$((bad + 1)); total=$((total + 1)); fi
    row "$1" $((total - bad)) "$bad" "$3"
    note_failures "$1" "$log"
}

# What runs has a group of its own, which ends with this script however that ends.
groups=()
trap 'kill -- "${groups[@]/#/-}" 2> /dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
begin() { # FUNCTION ARGUMENT...
    set -m
    "$@" < /dev/null &
    set +m
    groups+=($!)
}

in_front() {
    "${command[@]}" 2>&1 | tee "$(log_of "$1")"
}

run_item() {
    local start=$SECONDS status=0 command
    printf '\n== %s\n' "$1"
    command_of "$1"
    begin in_front "$1"
    wait "${groups[-1]}" || status=$?
    count "$1" "$status" $((SECONDS - start))
}

# What looks at the clock stands first of its group: it has the CPU when it wants it.
in_background() {
    local start=$SECONDS status=0 nice=10 log
    log=$(log_of "$1")
    [[ $1 != *.sh ]] || nice=19
    nice -n "$nice" "${command[@]}" > "$log" 2>&1 || status=$?
    printf '%d %d\n' "$status" $((SECONDS - start)) > "$log.end"
}

run_group() { # ITEM...: the first is seen running, the others tell when they are done
    local item status seconds command log
    groups=()
    for item in "${@:2}"; do
        command_of "$item"
        begin in_background "$item"
    done
    run_item "$1"
    wait "${groups[@]}" || true
    for item in "${@:2}"; do
        log=$(log_of "$item")
        read -r status seconds < "$log.end"
        rm "$log.end"
        printf '\n== %s (beside %s)\n' "$item" "$1"
        cat "$log"
        count "$item" "$status" "$seconds"
    done
}

# All at once and first: two at a time must not compile the same library, and what does not compile is known before an hour of tests.
projects=()
for item in "${items[@]//+/ }"; do
    for name in $item; do [[ $name == *.sh ]] || projects+=("$name"); done
done
if ((${#projects[@]})); then
    start=$SECONDS
    printf '== building %s\n' "${projects[*]}"
    dotnet build "$here/.." -c Release --nologo -v quiet || { printf '\nFAILED: it does not build\n\n0 passed, 1 failed\n'; exit 1; }
    printf 'built in %d s\n' $((SECONDS - start))
fi

for item in "${items[@]}"; do
    IFS=+ read -ra members <<< "$item"
    run_group "${members[@]}"
done
printf '\n'
printf '%s\n' "${summary[@]}"
if ((${#failures[@]})); then printf '\n'; printf '%s\n' "${failures[@]}"; fi
printf '\n%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))

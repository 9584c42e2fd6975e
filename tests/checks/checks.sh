# shellcheck shell=bash
# shellcheck disable=SC2034 # for the script
# What scripts that check something share. Sourced inside the namespaces of such a script; sets
#   work  a folder that is gone with the namespaces, however they end     failures  how many there were

work=$(mktemp -d)
mount -t tmpfs tmpfs "$work"
trap 'cd /; umount --recursive --lazy "$work"; rmdir "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
failures=0
subject=$(basename "$0" .sh)

report() { # STATUS WHAT
    if (($1 == 0)); then
        printf '%s: %s\n' "$subject" "$2"
    else
        printf '%s: FAILED: %s\n' "$subject" "$2"
        sed 's/^/    /' "$work/log"
        failures=$((failures + 1))
    fi
}

holds() { # WHAT COMMAND...
    local what=$1 status=0; shift
    "$@" > "$work/log" 2>&1 || status=1
    report "$status" "$what"
}

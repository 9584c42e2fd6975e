# shellcheck shell=bash
# Downloads that a lock file pins. Sourced by what fetches them, which brings die.

digest() { sha256sum "$@" | cut -d' ' -f1; }

# A file that is not what the lock says never gets its final name, and is not kept to be trusted or resumed later.
admit_pinned() { # FILE SHA256 LOCK PARTIAL FINAL
    local found
    found=$(digest "$4")
    [[ $found == "$2" ]] || {
        rm -f "$4"
        die "$1 is not what $3 pins: SHA-256 $found instead of $2" "run it again to fetch it whole; if it differs again, do not use it"
    }
    mv "$4" "$5"
}

# shellcheck shell=bash
# What a check needs of Debian, made once a month of what Debian has then, and kept in the cache (images/cache.sh). In a month in which it
# cannot be made, the newest that is kept serves, and that is said. Sourced by a check's build.sh, which sets
#   here          its folder                  longest_wait  for another build in the same DIR, seconds
# and has
#   usage         what it makes               inputs MONTH  prints all that it depends on
#   make_it       leaves the files that are kept in WORK; what it prints is shown where it fails
#   place FOLDER  takes them from there into DIR
#   is_here       whether DIR has one, of any month
#   made_of       prints what it was made of, in a few words
# Sets root, out (DIR), work (WORK), log.

check=$(basename "${here:?}")
root=$(cd "$here/../../.." && pwd)
die() { printf '%s: %s\n' "$check" "$1" >&2; [[ -z ${2-} ]] || printf '  next: %s\n' "$2" >&2; exit 1; }
case ${1-}:$# in
    --out:2) out=$(mkdir -p "$2" && cd "$2" && pwd) ;;
    -h:1|--help:1) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
esac
export LC_ALL=C TZ=UTC
umask 022
work=$out/work log=$out/log
# shellcheck source=images/distro/debian.sh
source "$root/images/distro/debian.sh"

exec {lock}> "$out/lock"
flock -w "${longest_wait:?}" "$lock" ||
    die "another build has held $out/lock for $longest_wait s" "see which process holds it: fuser $out/lock"

# What is in DIR, or else in the cache.
take() { # MONTH
    mkdir -p "$work"
    inputs "$1" > "$work/inputs"
    ! is_here || ! cmp -s "$work/inputs" "$out/inputs" || return 0
    rm -rf "$work/taken"
    "$root/images/cache.sh" get checks "$work/inputs" "$work/taken" || return 1
    rm -f "$out/inputs"
    place "$work/taken" || return 1
    mv "$work/inputs" "$out/inputs"
}

# Ends the script where DIR has it; comes back where not even one of an earlier month is kept.
monthly() { # FILE...: those that are kept
    local month start=$SECONDS back earlier
    month=$(date +%Y-%m)
    if take "$month"; then exit; fi
    if make_it > "$log" 2>&1; then
        inputs "$month" > "$work/inputs"
        "$root/images/cache.sh" put checks "$work/inputs" "$work" "$@"
        rm -f "$out/inputs"
        place "$work"
        mv "$work/inputs" "$out/inputs"
        rm -rf "$work"
        printf '%s: made in %d s with %s\n' "$check" $((SECONDS - start)) "$(made_of)"
        exit
    fi
    tail -n 20 "$log" >&2
    for back in {1..12}; do
        earlier=$(date -d "$month-15 -$back month" +%Y-%m)
        if take "$earlier"; then
            printf '%s: cannot be made of what Debian has now (above); what was made in %s serves\n' "$check" "$earlier" >&2
            exit
        fi
    done
}

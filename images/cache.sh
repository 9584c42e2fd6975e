#!/usr/bin/env bash
# Keeps what builds made outside the checkout, under the SHA-256 of all that went into it, so that no checkout makes it again.
set -euo pipefail
shopt -s inherit_errexit nullglob

usage() {
    cat <<'USAGE'
usage: images/cache.sh get KIND INPUTS DIR              takes what was made of INPUTS into DIR; exit 1: it is not there
       images/cache.sh put KIND INPUTS DIR NAME...      keeps the files and folders DIR/NAME... as made of INPUTS
       images/cache.sh has KIND INPUTS                  exit 0 if it is there; nothing is read
       images/cache.sh get-files LIST DIR               takes downloads into DIR; a line of LIST: SHA256 NAME
       images/cache.sh put-files LIST DIR               keeps downloads of DIR
       images/cache.sh folder                           where it is; nothing when there is none
       images/cache.sh show                             what is in it, by kind
       images/cache.sh prune all|KIND|DAYSd|SIZE        removes all, a kind, what nobody used for DAYS, the oldest down to SIZE

  INPUTS  a text of all that the result depends on; its SHA-256 is the key. It is kept beside the result.

  OPEROS_CACHE        the folder (default $XDG_CACHE_HOME/operos, else ~/.cache/operos); empty: no cache
  OPEROS_CACHE_LIMIT  the most it may hold (default 20GB); beyond that what was not used for longest goes
  OPEROS_CACHE_SAID   a file that exists once it was said that the cache cannot be used; by default it is said each time

A cache that cannot be read or written never fails a build: put and get say so, and the build makes what it needs.
USAGE
}
die() { printf 'cache: %s\n' "$1" >&2; [[ -z ${2-} ]] || printf '  next: %s\n' "$2" >&2; exit 2; }

# What cannot be used is said once for all scripts of a build.
say_once() { # MESSAGE
    [[ -z ${OPEROS_CACHE_SAID-} || ! -e $OPEROS_CACHE_SAID ]] || return 0
    [[ -z ${OPEROS_CACHE_SAID-} ]] || : > "$OPEROS_CACHE_SAID" || true
    printf 'cache: %s; the build goes on without\n' "$1" >&2
}

folder=${OPEROS_CACHE-${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}}
[[ -v OPEROS_CACHE || -z $folder ]] || folder=$folder/operos
[[ -z $folder || $folder == /* ]] || folder=$PWD/$folder

bytes_of() { # SIZE such as 20GB, 500M, 1000: bytes
    local size=${1%B}
    numfmt --from=si "${size^^}" 2> /dev/null || die "'$1' is no size" "such as 20GB, 500MB"
}
megabytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f MB", bytes / 1e6 }'; }
key_of() { sha256sum < "$1" | cut -d' ' -f1; }
# The first line of what a result was made of says what it is.
name_of() { head -n 1 "$1"; }

# An entry is what stands at KIND/KEY: a folder with content, inputs and their sums, or a download, which its own SHA-256 names.
# Its modification time is that of its last use; who uses or removes it holds a lock on it.
entries() { # "LAST-USED BYTES KIND/KEY" of each, the oldest first
    find "$folder" -mindepth 2 -not -path "$folder/partial/*" -printf '%d %T@ %s %y %P\n' 2> /dev/null | awk '
        { split($5, part, "/"); entry = part[1] "/" part[2] }
        $1 == 2 { used[entry] = $2 }
        $4 == "f" { size[entry] += $3 }
        END { for (entry in used) printf "%.3f %d %s\n", used[entry], size[entry], entry }' | sort -n
}

# What somebody reads now stays. Aside first: half an entry is none.
remove() { # KIND/KEY
    local fd aside
    { exec {fd}< "$folder/$1"; } 2> /dev/null || return 1
    if flock -n "$fd" && aside=$(mktemp -d "$folder/partial/removed.XXXXXX") && mv "$folder/$1" "$aside/"; then rm -rf "$aside"; fi
    exec {fd}<&-
    [[ ! -e $folder/$1 ]]
}

# A writer holds a lock on its partial folder for as long as it lives: one without a lock is what a killed writer left.
remove_left_over() {
    local partial fd
    for partial in "$folder"/partial/*; do
        [[ -n $(find "$partial" -maxdepth 0 -mmin +1 2> /dev/null) ]] || continue
        { exec {fd}< "$partial"; } 2> /dev/null || continue
        if flock -n "$fd"; then rm -rf "$partial"; fi
        exec {fd}<&-
    done
}

trim() { # BYTES
    local total fd size entry
    { exec {fd}> "$folder/.lock"; } 2> /dev/null || return 0
    flock -w 60 "$fd" || return 0
    remove_left_over
    total=$(entries | awk '{ total += $2 } END { printf "%d", total }')
    if ((total > $1)); then
        while read -r _ size entry; do
            ((total > $1)) || break
            if remove "$entry"; then total=$((total - size)); fi
        done < <(entries)
    fi
    exec {fd}>&-
}
trim_to_limit() { trim "$(bytes_of "${OPEROS_CACHE_LIMIT:-20GB}")"; }

has() { [[ -n $folder && -d $folder/$1/$(key_of "$2") ]]; } # KIND INPUTS

get() { # KIND INPUTS DIR
    local entry fd sums
    [[ -n $folder ]] || return 1
    entry=$1/$(key_of "$2")
    { exec {fd}< "$folder/$entry"; } 2> /dev/null || return 1
    # Removed between opening and locking, it is not there.
    flock -s -w 60 "$fd" && [[ $folder/$entry -ef /proc/self/fd/$fd ]] || return 1
    # Waited for to its end: what still ran would hold the lock with which a damaged entry is removed.
    if ! sums=$(cd "$folder/$entry" && sha256sum content inputs 2> /dev/null) || [[ $sums != "$(cat "$folder/$entry/sums")" ]]; then
        exec {fd}<&-
        if remove "$entry"; then
            printf 'cache: the entry %s (%s) is damaged and was removed\n' "$entry" "$(name_of "$2")" >&2
        else
            say_once "the entry $folder/$entry is damaged and cannot be removed"
        fi
        return 1
    fi
    mkdir -p "$3"
    # By this program's own hands alone: what is verified is what is unpacked.
    zstd -q -d -c "$folder/$entry/content" | tar --extract --preserve-permissions --same-owner --numeric-owner --directory "$3" || return 1
    touch -c "$folder/$entry" 2> /dev/null || true
    exec {fd}<&-
}

# A partial folder in the cache's own file system, locked, into partial; PARTIAL_LOCK is the lock.
open_partial() {
    mkdir -p "$folder/partial" 2> /dev/null && partial=$(mktemp -d "$folder/partial/made.XXXXXX" 2> /dev/null) &&
        { exec {PARTIAL_LOCK}< "$partial"; } 2> /dev/null && flock -n "$PARTIAL_LOCK"
}
close_partial() {
    [[ -z ${partial-} ]] || rm -rf "$partial"
    [[ -z ${PARTIAL_LOCK-} ]] || exec {PARTIAL_LOCK}<&-
    PARTIAL_LOCK='' partial=''
}

room_for() { # BYTES: with some left for what is being built on the same disk
    local free
    free=$(df --output=avail -B1 "$folder" 2> /dev/null | tail -n 1)
    ((free > $1 + 256000000))
}

write_entry() { # INPUTS DIR NAME...: into partial
    local inputs=$1 from=$2; shift 2
    cp "$inputs" "$partial/inputs" || return 1
    # The same bytes from any checkout and hour would be nice, and do not matter: the key names what it was made of.
    tar --create --numeric-owner --sort=name --directory "$from" -- "$@" | zstd -q -3 -T0 -o "$partial/content" || return 1
    (cd "$partial" && sha256sum content inputs > sums) || return 1
    sync "$partial"/{content,inputs,sums} "$partial"
}

put() { # KIND INPUTS DIR NAME...
    local kind=$1 inputs=$2 from=$3 key size what; shift 3
    [[ -n $folder ]] || return 0
    key=$(key_of "$inputs") what=$(name_of "$inputs")
    [[ ! -d $folder/$kind/$key ]] || return 0
    open_partial || { say_once "$folder cannot be written to"; return 0; }
    size=$(cd "$from" && du -scB1 --apparent-size -- "$@" | tail -n 1 | cut -f1)
    room_for "$size" || { say_once "$what is not kept: there is no room for $(megabytes "$size") in $folder"; return 0; }
    write_entry "$inputs" "$from" "$@" 2> "$partial/errors" || { say_once "$what is not kept: $(tail -n 1 "$partial/errors")"; return 0; }
    rm "$partial/errors"
    size=$(du -sB1 --apparent-size "$partial" | cut -f1)
    ((size <= $(bytes_of "${OPEROS_CACHE_LIMIT:-20GB}"))) ||
        { say_once "$what is not kept: its $(megabytes "$size") are more than OPEROS_CACHE_LIMIT"; return 0; }
    # Whoever comes first stays: both made the same of the same. A rename onto a folder that is not empty fails.
    mkdir -p "$folder/$kind" 2> /dev/null || { say_once "$folder cannot be written to"; return 0; }
    if mv -T "$partial" "$folder/$kind/$key" 2> /dev/null; then
        sync "$folder/$kind" || true
        partial=''
        # The lock goes first, or the new entry could not be removed to make room for a later one.
        close_partial
        trim_to_limit
    elif [[ ! -d $folder/$kind/$key ]]; then
        say_once "$what cannot be put into $folder"
    fi
}

get_files() { # LIST DIR
    local sha name taken=() bad
    [[ -n $folder && -d $folder/downloads ]] || return 0
    mkdir -p "$2"
    while read -r sha name; do
        [[ ! -e $2/$name && -f $folder/downloads/$sha ]] || continue
        cp --reflink=auto "$folder/downloads/$sha" "$2/$name" 2> /dev/null || { rm -f "$2/$name"; continue; }
        taken+=("$sha  $name")
    done < "$1"
    ((${#taken[@]})) || return 0
    while read -r name; do
        rm -f "${2:?}/$name"
        bad=$(awk -v name="$name" '$2 == name { print $1 }' "$1")
        printf 'cache: the download %s (%s) is damaged and was removed\n' "downloads/$bad" "$name" >&2
        remove "downloads/$bad" || say_once "the damaged $folder/downloads/$bad cannot be removed"
    done < <(cd "$2" && printf '%s\n' "${taken[@]}" | LC_ALL=C sha256sum --check --quiet 2> /dev/null | sed -n 's/: FAILED.*//p')
    printf '%s\n' "${taken[@]}" | (cd "$folder/downloads" && cut -d' ' -f1 | xargs touch -c 2> /dev/null) || true
}

copy_files() { # DIR SHA NAME...: those that are what the list says, under their SHA-256 into partial
    local from=$1 found; shift
    while (($#)); do
        cp --reflink=auto "$from/$2" "$partial/$1" || return 1
        shift 2
    done
    while read -r found; do rm "$partial/$found"; done < <(cd "$partial" && sha256sum -- * | awk '$1 != $2 { print $2 }')
    (cd "$partial" && sync -- * .)
}

put_files() { # LIST DIR
    local sha name new=() files
    [[ -n $folder ]] || return 0
    while read -r sha name; do
        [[ ! -f $2/$name || -e $folder/downloads/$sha ]] || new+=("$sha" "$name")
    done < "$1"
    ((${#new[@]})) || return 0
    { open_partial && mkdir -p "$folder/downloads" 2> /dev/null; } || { say_once "$folder cannot be written to"; return 0; }
    room_for "$(du -sB1 --apparent-size "$2" | cut -f1)" || { say_once "downloads are not kept: there is no room in $folder"; return 0; }
    copy_files "$2" "${new[@]}" 2> /dev/null || { say_once "downloads are not kept: $folder cannot be written to"; return 0; }
    files=("$partial"/*)
    ((${#files[@]} == 0)) || mv -t "$folder/downloads" "${files[@]}" || say_once "downloads are not kept: $folder cannot be written to"
    close_partial
    trim_to_limit
}

show() {
    local limit
    limit=$(bytes_of "${OPEROS_CACHE_LIMIT:-20GB}")
    [[ -n $folder ]] || { printf 'cache: none (OPEROS_CACHE is empty)\n'; return 0; }
    printf 'cache: %s\n' "$folder"
    [[ -d $folder ]] || { printf 'cache: empty\n'; return 0; }
    entries | awk -v limit="$limit" '
        { split($3, part, "/"); kind = part[1]; count[kind]++; size[kind] += $2; total += $2
          if (!(kind in first)) first[kind] = $1
          last[kind] = $1 }
        END {
            printf "%-12s %8s %12s   %-16s   %s\n", "kind", "entries", "MB", "last used", "longest unused"
            for (kind in count) printf "%-12s %8d %12.1f   %s   %s\n", kind, count[kind], size[kind] / 1e6,
                strftime("%Y-%m-%d %H:%M", last[kind]), strftime("%Y-%m-%d %H:%M", first[kind]) | "sort"
            close("sort")
            printf "%-12s %8d %12.1f   of %.1f MB (OPEROS_CACHE_LIMIT)\n", "all", NR, total / 1e6, limit / 1e6
        }'
}

prune() { # WHAT
    local entry before after
    [[ -n $folder && -d $folder ]] || { printf 'cache: nothing to prune\n'; return 0; }
    mkdir -p "$folder/partial"
    before=$(entries | awk '{ total += $2 } END { printf "%d", total }')
    remove_left_over
    if [[ $1 == all ]]; then
        trim 0
    elif [[ $1 =~ ^[0-9]+d$ ]]; then
        while read -r entry; do remove "$entry" || true; done \
            < <(entries | awk -v end="$(($(date +%s) - ${1%d} * 86400))" '$1 < end { print $3 }')
    elif [[ $1 =~ ^[0-9] ]]; then
        trim "$(bytes_of "$1")"
    elif [[ $1 != partial && -d $folder/$1 && $1 != */* ]]; then
        while read -r entry; do remove "$entry" || true; done < <(entries | awk -v kind="$1/" 'index($3, kind) == 1 { print $3 }')
    else
        die "'$1' is neither all, a kind in $folder, an age such as 30d, nor a size such as 5GB" "images/cache.sh show lists the kinds"
    fi
    after=$(entries | awk '{ total += $2 } END { printf "%d", total }')
    printf 'cache: %s removed, %s left\n' "$(megabytes $((before - after)))" "$(megabytes "$after")"
}

umask 022
trap close_partial EXIT
command=${1-}; shift || { usage >&2; exit 2; }
case $command:$# in
    get:3) get "$@" ;;
    has:2) has "$@" ;;
    put:[4-9]|put:[1-9][0-9]*) put "$@" ;;
    get-files:2) get_files "$@" ;;
    put-files:2) put_files "$@" ;;
    folder:0) printf '%s\n' "$folder" ;;
    show:0) show ;;
    prune:1) prune "$1" ;;
    -h:*|--help:*) usage ;;
    *) usage >&2; exit 2 ;;
esac

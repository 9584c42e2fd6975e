#!/usr/bin/env bash
# The cache of builds: what it keeps and gives back, what damage, cuts, limits and a bad disk do to it, and what changes which key.
# shellcheck disable=SC2317 # functions that "holds" calls by name
set -euo pipefail
shopt -s nullglob
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Mounts and processes of its own, that end with it.
if [[ -z ${OPEROS_CACHE_TEST-} ]]; then
    OPEROS_CACHE_TEST=1 exec unshare --mount --pid --fork --kill-child --mount-proc --propagation private "$0" "$@"
fi
top=$PWD
# shellcheck source=tests/checks/checks.sh
source tests/checks/checks.sh
unset OPEROS_CACHE_SAID OPEROS_CACHE_LIMIT XDG_CACHE_HOME
export OPEROS_CACHE=$work/cache LC_ALL=C

fails() { # STATUS COMMAND...: with this exit status
    local wanted=$1 status=0; shift
    "$@" || status=$?
    ((status == wanted))
}
says() { # TEXT COMMAND...: it succeeds and says so
    local text=$1; shift
    "$@" > "$work/said" 2>&1 || return 1
    cat "$work/said"
    grep -qF -- "$text" "$work/said"
}
cache() { images/cache.sh "$@"; }

# Something to keep: NAME says what it is made of, SIZE what it takes, since it cannot be compressed.
make_entry() { # NAME SIZE
    mkdir -p "$work/made/$1"
    printf '%s\n' "$1" > "$work/$1.inputs"
    head -c "$2" /dev/urandom > "$work/made/$1/file"
}
put() { cache put "${2:-small}" "$work/$1.inputs" "$work/made" "$1"; } # NAME [KIND]
get() { rm -rf "$work/taken"; cache get small "$work/$1.inputs" "$work/taken"; } # NAME
entry() { printf '%s/small/%s\n' "$OPEROS_CACHE" "$(sha256sum < "$work/$1.inputs" | cut -d' ' -f1)"; } # NAME
is_there() { [[ -d $(entry "$1") ]]; }
is_gone() { [[ ! -e $(entry "$1") ]]; }
same() { diff -r "$work/made/$1" "$work/taken/$1"; } # NAME
nothing_partial() { [[ -z $(ls -A "$OPEROS_CACHE/partial") ]]; }

make_entry first 100000
ln -s file "$work/made/first/link"
mkdir -m 1777 "$work/made/first/folder"
chmod 4755 "$work/made/first/file"
holds 'what is not there is not taken' fails 1 get first
holds 'keeps' put first
holds 'gives back' get first
holds 'the same' same first
modes() { (cd "$1" && find . -printf '%P %M %U:%G %l\n' | sort); }
holds 'with modes, owners and links' diff <(modes "$work/made/first") <(modes "$work/taken/first")
printf 'first, but other\n' > "$work/other.inputs"
holds 'other inputs, another key' fails 1 get other
holds 'and tells whether it is there' cache has small "$work/first.inputs"

# Many at once: one entry, and no reader ever sees half of it.
make_entry shared 3000000
at_once() {
    local n writers=() bad=0
    for n in 1 2 3 4 5 6; do put shared & writers+=($!); done
    for n in 1 2 3 4 5 6; do
        if cache get small "$work/shared.inputs" "$work/taken.$n"; then diff -r "$work/made/shared" "$work/taken.$n/shared" || bad=1; fi
    done
    wait "${writers[@]}" || bad=1
    ((bad == 0)) && get shared && same shared
}
holds 'six put one key at once, others read meanwhile' at_once
holds 'and leave nothing behind' nothing_partial

# A cut between writing and renaming: mv is where it happens, and who calls it dies there.
make_entry cut 50000
mkdir "$work/cut" "$work/slow"
# shellcheck disable=SC2016 # the script's own variable
printf '#!/bin/sh\nkill -KILL $PPID\n' > "$work/cut/mv"
printf '#!/bin/sh\ntouch "%s/reached"\nuntil [ -e "%s/go" ]; do sleep 0.05; done\nexec /bin/mv "$@"\n' "$work" "$work" > "$work/slow/mv"
chmod 755 "$work"/{cut,slow}/mv
holds 'a put is killed before the rename' fails 137 env PATH="$work/cut:$PATH" images/cache.sh put small "$work/cut.inputs" "$work/made" cut
holds 'what it wrote is no entry' fails 1 get cut
age_partial() { touch -d '2 minutes ago' "$OPEROS_CACHE"/partial/*; }
age_partial
holds 'the next put' put cut
holds 'removes what was left' nothing_partial
holds 'and its entry is whole' get cut

make_entry slow 50000
PATH="$work/slow:$PATH" images/cache.sh put small "$work/slow.inputs" "$work/made" slow > /dev/null 2>&1 &
writer=$!
end=$((SECONDS + 20))
until [[ -e $work/reached ]] || ((SECONDS > end)); do sleep 0.05; done
age_partial
make_entry beside 1000
holds 'a put beside one that takes long' put beside
left_alone() { ! nothing_partial; }
holds 'leaves what it wrote alone' left_alone
touch "$work/go"
holds 'which is put in the end' wait "$writer"
holds 'whole' get slow

# Damage.
flip() { # FILE: one byte in its middle
    local at=$(($(stat -c %s "$1") / 2)) byte
    byte=$(od -An -tu1 -j "$at" -N 1 "$1")
    printf '%b' "\\x$(printf '%02x' $((byte ^ 1)))" | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}
for part in content inputs sums; do
    flip "$(entry first)/$part"
    refused() { ! get first 2> "$work/said" && cat "$work/said" && grep -q 'is damaged and was removed' "$work/said"; }
    holds "a flipped byte in $part is found and said" refused
    holds 'the entry is removed' is_gone first
    holds 'and made again' put first
    holds 'as it was' get first
done
# Removing needs the lock that reading holds: a program that reads on after the difference was seen must not keep it.
mkdir "$work/late"
printf '#!/bin/sh\n/usr/bin/sha256sum "$@"\nexec sleep 0.5 >&-\n' > "$work/late/sha256sum"
chmod 755 "$work/late/sha256sum"
flip "$(entry first)/content"
late() { PATH="$work/late:$PATH" refused && is_gone first; }
holds 'a damaged entry goes, however long reading it takes' late
put first
truncate -s -1 "$(entry first)/content"
holds 'an entry cut short is found' refused
put first

# Downloads: named by their SHA-256.
mkdir "$work/debs"
for name in a.deb b%3a1.deb c.deb; do head -c 20000 /dev/urandom > "$work/debs/$name"; done
(cd "$work/debs" && sha256sum -- *) | awk '{ print $1, $2 }' > "$work/list"
holds 'downloads are kept' cache put-files "$work/list" "$work/debs"
holds 'and given' cache get-files "$work/list" "$work/debs2"
holds 'the same' diff -r "$work/debs" "$work/debs2"
read -r sha name < "$work/list"
flip "$OPEROS_CACHE/downloads/$sha"
rm -r "$work/debs2"
holds 'a flipped byte in a download is found and said' says 'is damaged and was removed' cache get-files "$work/list" "$work/debs2"
others() { [[ ! -e $work/debs2/$name && ! -e $OPEROS_CACHE/downloads/$sha && -e $work/debs2/c.deb ]]; }
holds 'the others are given' others
flip "$work/debs/$name"
cache put-files "$work/list" "$work/debs"
not_kept() { [[ ! -e $OPEROS_CACHE/downloads/$sha ]]; }
holds 'what is not what the list says is not kept' not_kept
holds 'nothing is left behind' nothing_partial

# The limit: what was not used for longest goes, what is being read stays.
cache prune all > /dev/null
for name in one two three; do
    make_entry "$name" 1000000
    put "$name"
done
touch -d '5 hours ago' "$(entry one)"
touch -d '4 hours ago' "$(entry two)"
touch -d '3 hours ago' "$(entry three)"
holds 'a use is noted' get one
make_entry four 1000000
OPEROS_CACHE_LIMIT=3.5MB put four
holds 'beyond the limit the one goes that was not used for longest' is_gone two
for name in one three four; do holds "not $name" is_there "$name"; done
touch -d '5 hours ago' "$(entry one)"
exec 7< "$(entry one)"
flock -s 7
put two
touch -d '1 minute ago' "$(entry two)"
holds 'a smaller limit' cache prune 3.2MB
holds 'leaves what is being read' is_there one
holds 'and takes the next' is_gone three
exec 7<&-
make_entry large 4000000
holds 'what is larger than all is not kept, and said' says 'are more than OPEROS_CACHE_LIMIT' env OPEROS_CACHE_LIMIT=3MB images/cache.sh \
    put small "$work/large.inputs" "$work/made" large
holds 'nor anything removed for it' is_there one
holds 'a limit that is none is refused' fails 2 env OPEROS_CACHE_LIMIT=much images/cache.sh show

# What an operator sees and does.
put three other
holds 'shows kinds and sizes' says 'other               1' cache show
holds 'prunes a kind' cache prune other
kind_gone() { [[ -z $(ls "$OPEROS_CACHE/other") ]] && is_there one; }
holds 'that kind alone' kind_gone
touch -d '3 days ago' "$(entry four)"
holds 'prunes by age' says '1.0 MB removed' cache prune 2d
holds 'what is that old' is_gone four
holds 'not the others' is_there one
holds 'refuses what is nothing of these' fails 2 cache prune nonsense
holds 'prunes all' cache prune all
holds 'by make, too' says 'OPEROS_CACHE_LIMIT' make cache
none() { [[ -z $("$top/images/cache.sh" folder) ]] && fails 1 "$top/images/cache.sh" get small "$work/one.inputs" "$work/taken" &&
    "$top/images/cache.sh" put small "$work/one.inputs" "$work/made" one; }
holds 'empty, there is none and all goes on' env OPEROS_CACHE= bash -c "$(declare -f none fails); top=$top work=$work; none"
where() { [[ $(env -u OPEROS_CACHE XDG_CACHE_HOME=/x images/cache.sh folder) == /x/operos &&
    $(env -u OPEROS_CACHE HOME=/y images/cache.sh folder) == /y/.cache/operos ]]; }
holds 'it is where XDG says, else in the home' where

# A cache that cannot be used: put and get go on, and say it once.
: > "$work/file"
export OPEROS_CACHE_SAID=$work/said-once
holds 'a folder that cannot be made is said' says 'cannot be written to' env OPEROS_CACHE="$work/file/cache" images/cache.sh put small \
    "$work/one.inputs" "$work/made" one
silent() { [[ -z $("$@" 2>&1) ]]; }
holds 'once' silent env OPEROS_CACHE="$work/file/cache" images/cache.sh put small "$work/one.inputs" "$work/made" one
unset OPEROS_CACHE_SAID
mkdir "$work/mount-small"
mount -t tmpfs -o size=2m tmpfs "$work/mount-small"
holds 'a disk without room is said' says 'there is no room' env OPEROS_CACHE="$work/mount-small" images/cache.sh put small \
    "$work/one.inputs" "$work/made" one
umount "$work/mount-small"
mount -t tmpfs -o size=400m,nr_inodes=5 tmpfs "$work/mount-small"
holds 'a disk that is full in the middle, too' says 'cache:' env OPEROS_CACHE="$work/mount-small" images/cache.sh put small \
    "$work/one.inputs" "$work/made" one
holds 'and keeps nothing of it' fails 1 env OPEROS_CACHE="$work/mount-small" images/cache.sh get small "$work/one.inputs" "$work/taken"
umount "$work/mount-small"
put one
mkdir "$work/mount-ro"
mount --bind "$OPEROS_CACHE" "$work/mount-ro"
mount -o remount,bind,ro "$work/mount-ro"
from_read_only() { rm -rf "$work/taken"; OPEROS_CACHE=$work/mount-ro images/cache.sh get small "$work/one.inputs" "$work/taken" &&
    same one; }
holds 'what is read-only still gives' from_read_only
holds 'and is said not to take' says 'cannot be written to' env OPEROS_CACHE="$work/mount-ro" images/cache.sh put small "$work/two.inputs" \
    "$work/made" two
umount "$work/mount-ro"

# shellcheck source=tests/cache/keys.sh
source "$top/tests/cache/keys.sh"
exit $((failures > 0))

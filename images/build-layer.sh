#!/usr/bin/env bash
# Builds one layer: what its folder adds to the layers below it, as a SquashFS. Called by build.sh.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: images/build-layer.sh LAYER --out DIR [--below LAYER,...] [--bin DIR] [--kubernetes DIR] [--ceph] [--cache DIR]

  LAYER     a folder below images/: packages, unpacked, accounts, files/, customise.sh, install (see images/README.md)
  --below   the layers under this one, lowest first, already built in DIR
  --bin     where the Operos binaries are (default out/bin)
  --kubernetes  the Kubernetes component (out/kubernetes): its part of the layer, LAYER/kubernetes, is built in; without, it is not
  --ceph    its part of the layer, LAYER/ceph, is built in
  --cache   downloaded packages (default DIR/apt-cache)

Leaves DIR/roots/LAYER (what the layer adds) and DIR/layers/LAYER.squashfs. Same inputs, same bytes.
USAGE
}
die() { printf 'build-layer: %s\n' "$1" >&2; [[ -z ${2-} ]] || printf '  next: %s\n' "$2" >&2; exit 1; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
arguments=("$@")
OUT='' BELOW='' BIN=$here/../out/bin KUBERNETES='' CEPH='' CACHE=''
LAYER=${1-}; shift || { usage >&2; exit 2; }
[[ $LAYER != --help && $LAYER != -h ]] || { usage; exit 0; }
while (($#)); do
    # shellcheck disable=SC2034 # of layers.sh
    if [[ $1 == --ceph ]]; then CEPH=yes; shift; continue; fi
    (($# > 1)) || { usage >&2; exit 2; }
    case $1 in
        --out) OUT=$2 ;;
        --below) BELOW=$2 ;;
        --bin) BIN=$2 ;;
        --kubernetes) KUBERNETES=$2 ;;
        --cache) CACHE=$2 ;;
        *) usage >&2; exit 2 ;;
    esac
    shift 2
done
[[ -n $OUT && -f $here/$LAYER/packages ]] || { usage >&2; exit 2; }
((EUID == 0)) || die "must run as root" "sudo make images"

# Mounts and processes of a build live in namespaces of their own and end with it, however it ends.
if [[ -z ${OPEROS_LAYER_NAMESPACE-} ]]; then
    OPEROS_LAYER_NAMESPACE=1 exec setpriv --pdeathsig KILL \
        unshare --mount --pid --fork --kill-child --mount-proc --propagation private "$0" "${arguments[@]}"
fi
unset OPEROS_LAYER_NAMESPACE
# The first process of a namespace ignores what it has no handler for.
trap 'exit 130' INT
trap 'exit 143' TERM

export LC_ALL=C TZ=UTC
umask 022
mkdir -p "$OUT"; OUT=$(cd "$OUT" && pwd); CACHE=${CACHE:-$OUT/apt-cache}
STATE=$OUT/state
upper=$OUT/roots/$LAYER work=$OUT/roots/.$LAYER.work root=$OUT/roots/.$LAYER.root
mkdir -p "$OUT/roots" "$OUT/layers" "$CACHE" "$STATE"; CACHE=$(cd "$CACHE" && pwd)
# What the tools leave in their temporary folder when killed goes at the next build.
export TMPDIR=$STATE/tmp
rm -rf "$TMPDIR"
mkdir -m 1777 "$TMPDIR"

in_root() { local root=$1; shift; env -u TMPDIR chroot "$root" "$@"; }

# shellcheck source=images/distro/debian.sh
source "$here/distro/debian.sh"
# shellcheck source=images/layers.sh
source "$here/layers.sh"
SOURCE_DATE_EPOCH=$(layer_epoch "$LAYER")
export SOURCE_DATE_EPOCH
[[ -f $STATE/apt/refreshed ]] || distro_indexes "$STATE/apt"

overlay_mount() {
    local lower='' name
    for name in ${BELOW//,/ }; do
        [[ -d $OUT/roots/$name ]] || die "the layer $name is not built in $OUT" "images/build.sh builds a layer and those below it"
        lower=$OUT/roots/$name${lower:+:$lower}
    done
    mkdir -p "$upper" "$work" "$root"
    mount -t overlay overlay -o "lowerdir=$lower,upperdir=$upper,workdir=$work,index=off,metacopy=off,redirect_dir=off,xino=off" "$root" ||
        die "cannot mount an overlay in $OUT" "the folder must be on a file system such as ext4, XFS or tmpfs, not on an overlay itself"
}

# What a package's scripts may see: their own processes, an empty /run, a few devices. Nothing of the host's.
enter_root() {
    local node
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for node in null zero full random urandom tty; do
        : > "$root/dev/$node"
        mount --bind "/dev/$node" "$root/dev/$node"
    done
    ln -s /proc/self/fd "$root/dev/fd"
    distro_mount "$root"
    printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
}

leave_root() {
    local mounted
    rm -f "$root/usr/sbin/policy-rc.d"
    # Deepest first, and the root itself stays: only what enter_root mounted.
    while read -r mounted; do umount "$mounted"; done < <(awk -v root="$root/" 'index($2, root) == 1 { print $2 }' /proc/mounts | sort -r)
}

# Accounts that a layer's packages would make with other numbers: a package leaves one that it finds.
make_accounts() { # PART...
    local part
    for part; do
        [[ ! -f $here/$part/accounts ]] || in_root "$root" systemd-sysusers - < "$here/$part/accounts"
    done
}

# Files of packages that are not installed: what is missing of their libraries must be in "packages".
unpack() { # "PACKAGE PATH" lines on stdin; prints the packages' files
    local package path file missing files=()
    while read -r package path; do
        distro_unpack "$root" "$package" "$path" < /dev/null
        # shellcheck disable=SC2206 # a pattern, to be expanded
        files+=("$root"$path)
    done
    for file in "${files[@]}"; do
        missing=$(in_root "$root" ldd "${file#"$root"}" | grep 'not found' || true)
        [[ -z $missing ]] || die "${file#"$root"} misses"$'\n'"$missing" "add the packages that have them to a list of $LAYER"
    done
}

# The layers agree on numbers, and so do a disk's files with the next release: images/accounts says which are whose.
check_accounts() {
    local wrong
    wrong=$(awk -F '[: \t]+' '
        FILENAME == ARGV[1] { if ($0 !~ /^#/ && NF) number[$1 " " $2] = $3; next }
        { kind = FILENAME ~ /passwd$/ ? "user" : "group" }
        (($3 >= 100 && $3 < 1000) || ($3 >= 60000 && $3 < 65000)) && number[kind " " $1] != $3 { printf "%s %s %s\n", kind, $1, $3 }
    ' "$here/accounts" "$root/etc/passwd" "$root/etc/group")
    [[ -z $wrong ]] || die "system accounts of $LAYER differ from images/accounts:"$'\n'"$wrong" \
        "a new package's account: add it there; an old one's number must not change (files on disks carry it)"
}

# The overlay's notes name inodes of this build. Whiteouts and opaque folders are what the layer says, and stay.
strip_overlay_notes() {
    local name left
    for name in origin impure uuid nlink; do
        find "$upper" -print0 | xargs -0 setfattr -h -x "trusted.overlay.$name" 2>/dev/null || true
    done
    left=$(getfattr -R -h -m '^trusted\.overlay\.' --absolute-names "$upper" 2>/dev/null | grep '^trusted' |
        grep -vx 'trusted.overlay.opaque' | sort -u || true)
    [[ -z $left ]] || die "the layer $LAYER carries overlay attributes that no other machine can follow: ${left//$'\n'/ }" \
        "the overlay must be mounted with metacopy=off,redirect_dir=off,index=off"
}

pack() {
    local file=$OUT/layers/$LAYER.squashfs
    rm -f "$file.partial"
    # The tree gets the times that the layer has: a folder of it that a layer above changes takes its time along, and must take the same
    # one from a tree that was built as from one that was unpacked.
    find "$upper" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    mksquashfs "$upper" "$file.partial" -comp zstd -Xcompression-level "${SQUASHFS_LEVEL:-15}" -b 256K -noappend -no-exports \
        -no-progress -quiet >&2
    sync "$file.partial"
    mv "$file.partial" "$file"
}

rm -rf "$upper" "$work" "$root"
mapfile -t parts < <(layer_parts "$LAYER")
mapfile -t packages < <(layer_packages "$LAYER")
if [[ -z $BELOW ]]; then
    root=$upper
    distro_bootstrap "$root" "${packages[@]}" >&2
    enter_root
    rm -rf "$OUT/kernel"; mkdir -p "$OUT/kernel"
    distro_kernel "$root" "$OUT/kernel"
else
    overlay_mount
    enter_root
    make_accounts "${parts[@]}"
    distro_install "$root" "${packages[@]}"
fi
layer_unpacked "$LAYER" | unpack | sort -u > "$STATE/$LAYER.unpacked"

for part in "${parts[@]/#/$here/}"; do
    [[ ! -d $part/files ]] || cp -r --no-preserve=ownership,timestamps "$part/files/." "$root/"
    if [[ -f $part/install ]]; then
        while read -r source target mode; do
            need_installed "$source"
            install -D -m "${mode:-755}" "$(installed_file "$source")" "$root$target"
        done < <(entries "$part/install")
    fi
    [[ ! -x $part/customise.sh ]] || "$part/customise.sh" "$root" "$OUT"
done
# What it is made of, for who keeps it: that resolving named all of it.
{ distro_installed "$root"; cat "$STATE/$LAYER.unpacked"; } > "$STATE/$LAYER.installed"
leave_root
distro_tidy "$root"
check_accounts
if [[ -n $BELOW ]]; then
    umount "$root"
    rm -rf "$work" "$root"
    strip_overlay_notes
fi
pack

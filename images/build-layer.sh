#!/usr/bin/env bash
# Builds one layer: what its folder adds to the layers below it, as a SquashFS. Called by build.sh.
set -euo pipefail

usage() {
    cat <<'EOF'
usage: images/build-layer.sh LAYER --out DIR [--below LAYER,...] [--bin DIR] [--cache DIR]

  LAYER     a folder below images/: packages, files/, customise.sh, install (see images/README.md)
  --below   the layers under this one, lowest first, already built in DIR
  --bin     where the Operos binaries are (default out/bin)
  --cache   downloaded packages (default DIR/apt-cache)

Leaves DIR/roots/LAYER (what the layer adds) and DIR/layers/LAYER.squashfs. Same inputs, same bytes.
EOF
}
die() { printf 'build-layer: %s\n' "$1" >&2; [[ -z ${2-} ]] || printf '  next: %s\n' "$2" >&2; exit 1; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
OUT='' BELOW='' BIN=$here/../out/bin CACHE=''
LAYER=${1-}; shift || { usage >&2; exit 2; }
[[ $LAYER != --help && $LAYER != -h ]] || { usage; exit 0; }
while (($#)); do
    case $1 in
        --out) OUT=$2; shift 2 ;;
        --below) BELOW=$2; shift 2 ;;
        --bin) BIN=$2; shift 2 ;;
        --cache) CACHE=$2; shift 2 ;;
        *) usage >&2; exit 2 ;;
    esac
done
[[ -n $OUT && -f $here/$LAYER/packages ]] || { usage >&2; exit 2; }
((EUID == 0)) || die "must run as root" "sudo make images"

# A mount namespace of our own: whatever stays mounted when this is killed goes with it.
if [[ -z ${OPEROS_LAYER_NAMESPACE-} ]]; then
    OPEROS_LAYER_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$LAYER" --out "$OUT" \
        ${BELOW:+--below "$BELOW"} --bin "$BIN" ${CACHE:+--cache "$CACHE"}
fi

export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-0} LC_ALL=C TZ=UTC
umask 022
mkdir -p "$OUT"; OUT=$(cd "$OUT" && pwd); CACHE=${CACHE:-$OUT/apt-cache}
upper=$OUT/roots/$LAYER
mkdir -p "$OUT/roots" "$OUT/layers" "$CACHE"

# Runs a command in a root with this host's way to the mirror; what the image has for a resolver comes back after it.
in_root() {
    local root=$1 link='' status=0; shift
    link=$(readlink "$root/etc/resolv.conf" || true)
    rm -f "$root/etc/resolv.conf"
    cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
    chroot "$root" "$@" || status=$?
    rm -f "$root/etc/resolv.conf"
    [[ -z $link ]] || ln -s "$link" "$root/etc/resolv.conf"
    return $status
}

# shellcheck source=images/distro/debian.sh
source "$here/distro/debian.sh"
mapfile -t packages < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' -e 's/[[:space:]]*$//' "$here/$LAYER/packages")

rm -rf "$upper" "$OUT/roots/$LAYER.work"
if [[ -z $BELOW ]]; then
    distro_bootstrap "$upper" "${packages[@]}" >&2
    root=$upper
    rm -rf "$OUT/kernel"; mkdir -p "$OUT/kernel"
    distro_kernel "$root" "$OUT/kernel"
else
    root=$(mktemp -d)
    mkdir -p "$upper" "$OUT/roots/$LAYER.work"
    lower='' name=''
    for name in ${BELOW//,/ }; do lower=$OUT/roots/$name${lower:+:$lower}; done
    mount -t overlay overlay -o "lowerdir=$lower,upperdir=$upper,workdir=$OUT/roots/$LAYER.work,index=off,metacopy=off,redirect_dir=off,xino=off" "$root"
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/run"
    mount --bind /dev "$root/dev"
    printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"; chmod 755 "$root/usr/sbin/policy-rc.d"
    if ((${#packages[@]})); then
        cp -r "$OUT/apt-lists/." "$root/var/lib/apt/lists/" 2>/dev/null || true
        distro_install "$root" "${packages[@]}"
    fi
    rm -f "$root/usr/sbin/policy-rc.d"
fi
# Package indexes serve the layers above; the tidy below takes them out of the image.
if [[ -z $BELOW ]]; then rm -rf "$OUT/apt-lists"; cp -r "$root/var/lib/apt/lists" "$OUT/apt-lists"; fi

[[ ! -d $here/$LAYER/files ]] || cp -r --no-preserve=ownership,timestamps "$here/$LAYER/files/." "$root/"
if [[ -f $here/$LAYER/install ]]; then
    while read -r source target; do
        install -D -m 755 "$BIN/$source" "$root$target"
    done < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$here/$LAYER/install")
fi
if [[ -x $here/$LAYER/customise.sh ]]; then "$here/$LAYER/customise.sh" "$root" "$OUT"; fi
distro_tidy "$root"
if [[ -n $BELOW ]]; then
    umount "$root/dev" "$root/run" "$root/proc" "$root"; rmdir "$root"
    rm -rf "$OUT/roots/$LAYER.work"
    # Left behind by the overlay; they name inodes of this build.
    for attribute in origin impure nlink uuid; do
        find "$upper" -exec setfattr -h -x "trusted.overlay.$attribute" {} + 2>/dev/null || true
    done
fi

rm -f "$OUT/layers/$LAYER.squashfs.partial"
mksquashfs "$upper" "$OUT/layers/$LAYER.squashfs.partial" -comp zstd -Xcompression-level "${SQUASHFS_LEVEL:-15}" -b 256K -noappend -no-exports \
    -no-progress -quiet >&2
sync "$OUT/layers/$LAYER.squashfs.partial"
mv "$OUT/layers/$LAYER.squashfs.partial" "$OUT/layers/$LAYER.squashfs"

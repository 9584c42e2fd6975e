#!/usr/bin/env bash
# The peer of the boot bench: Debian's own dracut with livenet, and the worker's layers as one SquashFS.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: tests/Operos.Bench/dracut-livenet.sh [--images DIR] [--out DIR]

  --images  what make images built (default out/images)
  --out     gets initramfs.img and flat.squashfs (default out/bench/dracut)

Both are built again only when a layer, the kernel or this script changed.
USAGE
}
die() { printf 'dracut-livenet: %s\n' "$1" >&2; [[ -z ${2-} ]] || printf '  next: %s\n' "$2" >&2; exit 1; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
arguments=("$@")
images=$top/out/images out=$top/out/bench/dracut
while (($#)); do
    case $1 in
        --images) images=${2:?--images needs a folder}; shift 2 ;;
        --out) out=${2:?--out needs a folder}; shift 2 ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
((EUID == 0)) || die "must run as root" "sudo make bench"
layers=(worker node base)
for layer in "${layers[@]}"; do
    [[ -d $images/roots/$layer && -f $images/layers/$layer.inputs ]] || die "the layer $layer is not built in $images" "make images"
done

inputs=$({ for layer in "${layers[@]}"; do cat "$images/layers/$layer.inputs"; done; cat "$images/kernel/release" "$here/dracut-livenet.sh"; } | sha256sum)
[[ $(cat "$out/inputs" 2>/dev/null) != "$inputs" ]] || exit 0

# Mounts and processes live in namespaces of their own and end with this script, however it ends.
if [[ -z ${OPEROS_BENCH_NAMESPACE-} ]]; then
    OPEROS_BENCH_NAMESPACE=1 exec setpriv --pdeathsig KILL \
        unshare --mount --pid --fork --kill-child --mount-proc --propagation private "$0" "${arguments[@]}"
fi
unset OPEROS_BENCH_NAMESPACE
trap 'exit 130' INT
trap 'exit 143' TERM

export LC_ALL=C TZ=UTC
umask 022
mkdir -p "$out"/{work,root,upper,apt-cache}
out=$(cd "$out" && pwd) root=$out/root
rm -rf "$out/inputs" "$out"/{work,upper}/*
in_root() { local root=$1; shift; env -u TMPDIR chroot "$root" "$@"; }
# shellcheck disable=SC2034 # for the distribution's functions
STATE=$images/state CACHE=$out/apt-cache
# shellcheck source=images/distro/debian.sh
source "$top/images/distro/debian.sh"

lower=$(printf ":$images/roots/%s" "${layers[@]}")
lower=${lower#:}

printf "bench: the worker's layers as one SquashFS, packed as they are\n"
mount -t overlay overlay -o "ro,lowerdir=$lower" "$root"
mksquashfs "$root" "$out/flat.squashfs" -comp zstd -Xcompression-level "${SQUASHFS_LEVEL:-15}" -b 256K -noappend -no-exports -no-progress -quiet
umount "$root"

printf 'bench: an initramfs by dracut\n'
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$out/upper,workdir=$out/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
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
# curl and ca-certificates are what its url-lib fetches with.
distro_install "$root" dracut-core dracut-network dracut-live curl ca-certificates
# As its manual has it for an image that any machine boots: not only the drivers of this host, and what dracut chooses by
# itself of all else (where systemd is installed: systemd, networkd and udev).
in_root "$root" dracut --force --no-hostonly --zstd --add livenet --kver "$(cat "$images/kernel/release")" /initramfs.img
mv "$root/initramfs.img" "$out/initramfs.img"
umount --recursive "$root"
rm -rf "$out"/{work,upper,root}
printf '%s\n' "$inputs" > "$out/inputs"

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
# shellcheck source=tests/Operos.Bench/overlay-root.sh
source "$here/overlay-root.sh"
while (($#)); do
    case $1 in
        --images) images=${2:?--images needs a folder}; shift 2 ;;
        --out) out=${2:?--out needs a folder}; shift 2 ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
((EUID == 0)) || die "must run as root" "sudo make bench"
inputs=$(peer_inputs "$here/dracut-livenet.sh" "$here/overlay-root.sh")
[[ $(cat "$out/inputs" 2>/dev/null) != "$inputs" ]] || exit 0
enter_namespace "$0" "${arguments[@]}"

export LC_ALL=C TZ=UTC
umask 022
mkdir -p "$out/root"
out=$(cd "$out" && pwd) root=$out/root
rm -f "$out/inputs"

printf "bench: the worker's layers as one SquashFS, packed as they are\n"
mount_layers
mksquashfs "$root" "$out/flat.squashfs" -comp zstd -Xcompression-level "${SQUASHFS_LEVEL:-15}" -b 256K \
    -noappend -no-exports -no-progress -quiet
umount "$root"

printf 'bench: an initramfs by dracut\n'
mount_layers upper
furnish_root
# curl and ca-certificates are what its url-lib fetches with.
install_in_root dracut-core dracut-network dracut-live curl ca-certificates
# As its manual has it for an image that any machine boots: not only the drivers of this host, and what dracut chooses by
# itself of all else (where systemd is installed: systemd, networkd and udev).
in_root "$root" dracut --force --no-hostonly --zstd --add livenet --kver "$(cat "$images/kernel/release")" /initramfs.img
mv "$root/initramfs.img" "$out/initramfs.img"
umount --recursive "$root"
rm -rf "$out"/{work,upper,root}
printf '%s\n' "$inputs" > "$out/inputs"

#!/usr/bin/env bash
# Root that may make and mount an ext4 file system may not let it grow while it is mounted: that takes CAP_SYS_RESOURCE.
#
# Seen in 2026-11: e2fsprogs 1.47.0 (Debian 12), Linux 6.18. In a process with all capabilities but CAP_SYS_RESOURCE, `mkfs.ext4`,
# `mount`, and `resize2fs` of the unmounted file system work; of the mounted one `resize2fs` ends with 1: "Permission denied to resize
# filesystem".
# Why: the reserved blocks belong to whoever may exceed limits, and growing is counted among it: ext4_resize_begin() asks for it.
# Guessed otherwise: that a volume's plugin which can mount it can expand it; growing while in use is what Kubernetes asks for.
# What Operos does: the worker's agent runs with all capabilities, and a file system that does not grow is told in the pod's events;
# the tests know a host that lacks it (tests/Operos.Csi.Tests/MappedImage.cs).
#
# Exit code 0: as described; 1: it changed; 2: it could not be tried. Needs root, loop devices, a Debian amd64 host's apt, 1 MB of download.
# Nothing is installed; what is mounted is in a namespace of its own.
set -euo pipefail

packages=(e2fsprogs=1.47.0-2+b2 libext2fs2=1.47.0-2+b2)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
untried() { printf 'could not be tried: %s\n' "$1"; exit 2; }

[[ $EUID == 0 ]] || untried 'root is needed'
(cd "$folder" && timeout 300 apt-get download -qq "${packages[@]}") || untried "${packages[*]} cannot be had from this host's mirror"
for deb in "$folder"/*.deb; do dpkg-deb -x "$deb" "$folder/root"; done
export PATH=$folder/root/sbin:$PATH LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu:$folder/root/lib/x86_64-linux-gnu
printf "%s\n" "$(resize2fs 2>&1 | head -n 1 || true)"

# All of it without the capability, and in mounts of its own.
code=0
setpriv --bounding-set=-sys_resource unshare --mount --propagation private bash -euo pipefail -s "$folder" << 'INSIDE' || code=$?
cd "$1"
untried() { printf 'could not be tried: %s\n' "$1"; exit 2; }
((($((16#$(awk '/^CapEff/ { print $2 }' /proc/self/status))) >> 24 & 1) == 0)) || untried 'the capability was not dropped'
truncate -s 64M image
mkfs.ext4 -q image
mkdir mounted
grow() { # BYTES DEVICE
    truncate -s "$1" image
    losetup --set-capacity "$2"
}
size() { # MiB of the file system
    dumpe2fs -h image 2> /dev/null | awk '/^Block count/ { blocks = $3 } /^Block size/ { print blocks * $3 / 1048576 }'
}
loop=$(losetup --find --show image) || untried 'there is no loop device'
trap 'umount mounted 2> /dev/null; losetup --detach "$loop"' EXIT
grow 96M "$loop"
e2fsck -fp "$loop" > /dev/null
unmounted=failed
if resize2fs "$loop" > said 2>&1; then unmounted=$(size); fi
mount -t ext4 "$loop" mounted || untried 'ext4 cannot be mounted here'
grow 128M "$loop"
mounted=grown
resize2fs "$loop" > said 2>&1 || mounted=$(grep -i 'denied' said || tail -n 1 said)
printf 'unmounted, to 96 MiB: %s; mounted, to 128 MiB: %s\n' "$unmounted" "$mounted"
[[ $unmounted == 96 && $mounted == *'Permission denied to resize filesystem'* ]]
INSIDE
case $code in
    0) printf 'as described: an ext4 file system that is mounted does not grow without CAP_SYS_RESOURCE\n' ;;
    2) exit 2 ;;
    *) printf 'CHANGED: it was: the unmounted one grows, and of the mounted one resize2fs says "Permission denied"\n'; exit 1 ;;
esac

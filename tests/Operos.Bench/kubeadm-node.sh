#!/usr/bin/env bash
# The peer of the node bench: the worker's own layers and kubeadm, preinstalled on a disk that UEFI boots.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: tests/Operos.Bench/kubeadm-node.sh [--images DIR] [--kubeadm FILE] [--out DIR]

  --images   what make images built, with Kubernetes (default out/images)
  --kubeadm  of the layers' version (default out/kubernetes/tools/kubeadm)
  --out      gets node.img and where its partitions begin (default out/bench/kubeadm)

The disk is made again only when a layer, the kernel, kubeadm or what this script adds changed. It lacks what only a run knows: the
bench writes GRUB's configuration and the files of the join onto a copy.
USAGE
}
die() { printf 'kubeadm-node: %s\n' "$1" >&2; [[ -z ${2-} ]] || printf '  next: %s\n' "$2" >&2; exit 1; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
arguments=("$@")
images=$top/out/images out=$top/out/bench/kubeadm kubeadm=$top/out/kubernetes/tools/kubeadm
# shellcheck source=tests/Operos.Bench/overlay-root.sh
source "$here/overlay-root.sh"
while (($#)); do
    case $1 in
        --images) images=${2:?--images needs a folder}; shift 2 ;;
        --kubeadm) kubeadm=${2:?--kubeadm needs a file}; shift 2 ;;
        --out) out=${2:?--out needs a folder}; shift 2 ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
((EUID == 0)) || die "must run as root" "sudo make bench"
[[ -x $kubeadm ]] || die "there is no $kubeadm" "images/kubernetes/build.sh --tool kubeadm makes it, as make bench does"
[[ -x $images/roots/node/usr/bin/kubelet ]] || die "the layers in $images are without Kubernetes" "make images"
loaders=$images/roots/controller
mapfile -t own < <(find "$here/kubeadm-node" -type f | sort)
inputs=$(peer_inputs "$here/kubeadm-node.sh" "$here/overlay-root.sh" "$kubeadm" "${own[@]}")
[[ $(cat "$out/inputs" 2>/dev/null) != "$inputs" ]] || exit 0
enter_namespace "$0" "${arguments[@]}"

export LC_ALL=C TZ=UTC
umask 022
mkdir -p "$out/root"
out=$(cd "$out" && pwd) root=$out/root
rm -f "$out/inputs"
kernel=$(cat "$images/kernel/release")

# What an installer makes for the machine that it runs on: the drivers of its disk and of its root, nothing else.
make_initramfs() {
    mount_layers upper
    furnish_root
    install_in_root dracut-core
    in_root "$root" dracut --force --no-hostonly --zstd --drivers 'virtio_pci virtio_blk ext4 crc32c_generic crc32c_intel' \
        --kver "$kernel" /initramfs.img
    mv "$root/initramfs.img" "$out/initramfs.img"
    umount --recursive "$root"
}

# The pod images as containerd keeps them: its store cannot be made on an overlay, so it has a folder of its own meanwhile.
preload_images() {
    local containerd archive
    rm -rf "$out/store"
    mkdir -p "$out/store" "$root/var/lib/containerd"
    mount --bind "$out/store" "$root/var/lib/containerd"
    printf 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n' > "$root/run/containerd.toml"
    chroot "$root" containerd --config /run/containerd.toml > "$out/containerd.log" 2>&1 &
    containerd=$!
    for _ in {1..100}; do
        if [[ -S $root/run/containerd/containerd.sock ]]; then break; fi
        sleep 0.1
    done
    for archive in "$root"/usr/lib/operos/images/*.tar; do
        in_root "$root" ctr --namespace k8s.io images import "${archive#"$root"}"
    done
    kill "$containerd"
    wait "$containerd" || true
    umount "$root/var/lib/containerd"
    cp -a "$out/store/." "$root/var/lib/containerd/"
    rm -rf "$out/store"
}

# The same packages and files, less the agent and what makes a worker live in RAM; every identity that an installation gives.
furnish_node() {
    local units=$root/usr/lib/systemd/system
    rm -r "$units/operos-worker.service" "$root/etc/systemd/system/multi-user.target.wants/operos-worker.service" \
        "$root/usr/lib/cni/operos" "$root/usr/bin/operos-worker" \
        "$units"/var-lib-{containerd,kubelet}.mount "$units/containerd.service.d/operos-ram.conf" "$units/kubelet.service.d" \
            "$units/kubelet.service"
    rm "$root/etc/systemd/system/systemd-networkd-wait-online.service"
    cp -r --no-preserve=ownership,timestamps "$here/kubeadm-node/." "$root/"
    install -m 755 "$kubeadm" "$root/usr/bin/kubeadm"
    install -d "$root/etc/kubernetes/manifests"
    systemd-id128 new > "$root/etc/machine-id"
    in_root "$root" ssh-keygen -A
    in_root "$root" systemctl -q enable containerd.service kubelet.service kube-proxy.service kubeadm-join.service \
        systemd-networkd-wait-online.service
}

# start and size in bytes of the partition with a name
extent() { sfdisk --dump "$out/disk" |
    awk -F '[=,]' -v name="\"$1\"" '$0 ~ name { gsub(/ /, ""); printf "%.0f %.0f\n", $2 * 512, $4 * 512 }'; }

place() { # NAME FILE
    local start
    read -r start _ < <(extent "$1")
    dd if="$2" of="$out/disk" bs=1M seek=$((start / 1048576)) conv=notrunc,sparse status=none
    rm "$2"
}

make_disk() {
    local size
    rm -f "$out/disk"
    truncate -s 6G "$out/disk"
    sfdisk --quiet "$out/disk" <<< $'label: gpt\nfirst-lba: 2048\nname=esp, size=256MiB, type=uefi\nname=root'
    read -r _ size < <(extent root)
    truncate -s "$size" "$out/root.ext4"
    # All of it made now: the kernel would go on with it in the first boot's time.
    mkfs.ext4 -q -F -L kubeadm -E root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0 -d "$root" "$out/root.ext4"
    place root "$out/root.ext4"
    read -r _ size < <(extent esp)
    truncate -s "$size" "$out/esp"
    mkfs.vfat -F 32 -n ESP "$out/esp" > /dev/null
    export MTOOLS_SKIP_CHECK=1
    mmd -i "$out/esp" ::EFI ::EFI/BOOT ::EFI/debian
    mcopy -i "$out/esp" "$loaders/usr/lib/shim/shimx64.efi.signed" ::EFI/BOOT/BOOTX64.EFI
    mcopy -i "$out/esp" "$loaders/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" ::EFI/BOOT/grubx64.efi
    mcopy -i "$out/esp" "$images/kernel/boot/vmlinuz-$kernel" ::vmlinuz
    mcopy -i "$out/esp" "$out/initramfs.img" ::initramfs.img
    place esp "$out/esp"
    for partition in esp root; do
        read -r start _ < <(extent "$partition")
        printf '%s\n' "$start" > "$out/$partition.start"
    done
    mv "$out/disk" "$out/node.img"
}

printf 'bench: an initramfs by dracut for a disk\n'
make_initramfs
printf 'bench: a disk with the same packages and kubeadm\n'
mount_layers upper
furnish_root
preload_images
furnish_node
for folder in dev run sys proc; do umount --recursive "$root/$folder"; done
make_disk
umount "$root"
rm -rf "$out"/{work,upper,root,initramfs.img}
printf 'bench: %s, %s on disk\n' "$out/node.img" "$(du -h "$out/node.img" | cut -f1)"
printf '%s\n' "$inputs" > "$out/inputs"

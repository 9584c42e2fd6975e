#!/usr/bin/env bash
# Makes a controller's disk image: GPT with ESP, images, overlay and state, from a release and a setup folder. UEFI boots it.
set -euo pipefail

usage() {
    cat <<'EOF'
usage: images/disk.sh --release DIR --setup DIR --loaders ROOT --out FILE [--size SIZE] [--console ARGS]

  --release  a signed release's folder
  --setup    what `operos-controller setup` wrote: state/, upper/, anchor.cpio
  --loaders  root with Debian's signed shim and GRUB (out/images/roots/controller)
  --size     of the whole disk (default 8G); the image is sparse
  --console  kernel arguments added to the boot entry (default: console=tty0 console=ttyS0,115200); the menu is on the
             first serial port of them that GRUB can use

No loop device and no partition support of this host's kernel is needed.
EOF
}
die() { printf 'disk: %s\n' "$1" >&2; exit 1; }

release='' setup='' loaders='' out='' size=8G console='console=tty0 console=ttyS0,115200'
while (($#)); do
    case $1 in
        --release) release=$2; shift 2 ;;
        --setup) setup=$2; shift 2 ;;
        --loaders) loaders=$2; shift 2 ;;
        --out) out=$2; shift 2 ;;
        --size) size=$2; shift 2 ;;
        --console) console=$2; shift 2 ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
[[ -f $release/release.json && -f $setup/anchor.cpio && -d $loaders && -n $out ]] || { usage >&2; exit 2; }
version=$(basename "$release")
arguments="operos.kind=controller operos.release=$version operos.images=PARTLABEL=operos-images \
operos.overlay=PARTLABEL=operos-overlay operos.generation=1 oops=panic panic=10 \
systemd.crash_action=reboot $console"
menu=$("$(dirname "${BASH_SOURCE[0]}")/grub-menu.sh" "$version" "$arguments")
signed=$loaders/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed
[[ -f $signed && -f $loaders/usr/lib/shim/shimx64.efi.signed ]] ||
    die "no signed shim and GRUB below $loaders: build the controller layer first"

work=$(mktemp -d "$(dirname "$out")/disk.XXXXXX")
trap 'rm -rf "$work"' EXIT
image=$work/disk
truncate -s "$size" "$image"

# Sizes in MiB: the images partition holds three releases of this size, the rest is state.
images_mib=$(($(du -sm "$release" | cut -f1) * 3 + 256))
overlay_mib=1024
sfdisk --quiet "$image" <<EOF
label: gpt
unit: sectors
first-lba: 2048
name=operos-esp, size=256MiB, type=uefi
name=operos-images, size=${images_mib}MiB
name=operos-overlay, size=${overlay_mib}MiB
name=operos-state
EOF

# start and size in sectors of the partition with a name
extent() { sfdisk --dump "$image" | awk -F '[=,]' -v name="\"$1\"" '$0 ~ name { gsub(/ /, ""); print $2, $4 }'; }

# Puts a file system's file into its partition, holes kept.
place() {
    local start
    read -r start _ < <(extent "$1")
    dd if="$2" of="$image" bs=1M seek=$((start * 512 / 1048576)) conv=notrunc,sparse status=none
}

ext4() { # NAME FOLDER
    local sectors
    read -r _ sectors < <(extent "$1")
    truncate -s $((sectors * 512)) "$work/fs"
    mkfs.ext4 -q -F -L "$1" -E root_owner=0:0,lazy_itable_init=1,lazy_journal_init=1 -d "$2" "$work/fs"
    place "$1" "$work/fs"
    rm "$work/fs"
}

mkdir -p "$work/images/releases" "$work/overlay/generations/1"/{upper,work}
cp -r "$release" "$work/images/releases/$version"
if [[ -d $setup/upper ]]; then cp -r --no-preserve=ownership "$setup/upper/." "$work/overlay/generations/1/upper/"; fi
ext4 operos-images "$work/images"
ext4 operos-overlay "$work/overlay"
ext4 operos-state "$setup/state"

read -r _ sectors < <(extent operos-esp)
truncate -s $((sectors * 512)) "$work/esp"
mkfs.vfat -F 32 -n OPEROS "$work/esp" > /dev/null
export MTOOLS_SKIP_CHECK=1
mmd -i "$work/esp" ::EFI ::EFI/BOOT ::EFI/debian ::operos "::operos/$version"
mcopy -i "$work/esp" "$loaders/usr/lib/shim/shimx64.efi.signed" ::EFI/BOOT/BOOTX64.EFI
mcopy -i "$work/esp" "$signed" ::EFI/BOOT/grubx64.efi
printf '%s\n' "$menu" > "$work/grub.cfg"
# Debian's signed GRUB reads its configuration here.
mcopy -i "$work/esp" "$work/grub.cfg" ::EFI/debian/grub.cfg
mcopy -i "$work/esp" "$release/vmlinuz" "$release/initramfs.img" "$setup/anchor.cpio" "::operos/$version/"
place operos-esp "$work/esp"

mv "$image" "$out"
printf 'disk: %s, release %s, %s on disk\n' "$out" "$version" "$(du -h "$out" | cut -f1)"

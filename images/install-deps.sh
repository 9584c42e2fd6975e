#!/usr/bin/env bash
# Installs what building and testing Operos need on Debian 12 or 13. Quick when all is there. With --missing it only prints what it would
# install.
set -euo pipefail
die() { printf 'install-deps: %s\n' "$1" >&2; [[ -z ${2-} ]] || printf '  next: %s\n' "$2" >&2; exit 1; }

packages=(
    qemu-system-x86 qemu-utils ovmf ipxe-qemu                                   # virtual machines with real firmware
    mmdebstrap squashfs-tools cpio zstd xz-utils kmod attr                      # layers, initramfs
    fdisk e2fsprogs dosfstools mtools                                           # disk images
    clang lld zlib1g-dev nettle-dev libgmp-dev                                  # NativeAOT, operos-init's cryptography
    dnsmasq-base iproute2 nftables procps util-linux nginx-light openssl age    # tests and benchmarks
    user-mode-linux                                                             # file systems that this host's kernel has not
    openssh-client swtpm curl unbound knot bind9-dnsutils iputils-ping iptables
    containernetworking-plugins systemd-container                               # pod networks, machines natively
    golang-go dpkg-dev patch gcc libc6-dev busybox-static                       # Kubernetes from Debian's source, container images
    nasm                                                                        # the boot loader of BIOS machines
    shellcheck jq ca-certificates git make grub-common                          # grub-script-check judges boot menus
    xfsprogs btrfs-progs exfatprogs ntfs-3g f2fs-tools jfsutils nilfs-tools udftools    # what strangers leave on disks
    lvm2 cryptsetup-bin bcache-tools drbd-utils gdisk parted xorriso
    librados2 librbd1                                                           # ask the images' monitor of Ceph
)
missing_of() { # PACKAGE...: those that are not installed
    local package
    for package; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || printf '%s\n' "$package"
    done
}
has_sdk() { dotnet --list-sdks 2>/dev/null | grep -q '^10\.'; }
if [[ ${1-} == --missing ]]; then
    missing_of "${packages[@]}"
    has_sdk || echo dotnet-sdk-10.0
    exit
fi
[[ $(id -u) == 0 ]] || die "must run as root" "sudo make"
install_missing() { # PACKAGE...
    local missing policy=/usr/sbin/policy-rc.d
    mapfile -t missing < <(missing_of "$@")
    ((${#missing[@]})) || return 0
    printf 'install-deps: %s\n' "${missing[*]}"
    # No service of a package may start on this host.
    if [[ ! -e $policy ]]; then
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod 755 "$policy"
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
}
install_missing "${packages[@]}"
# The compiler's own library for 32 bits. Its name has the compiler's version; gcc-multilib would throw cross compilers out.
install_missing "lib32gcc-$(gcc -dumpversion | cut -d. -f1)-dev"

if ! has_sdk; then
    printf 'install-deps: .NET SDK 10\n'
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq dotnet-sdk-10.0 > /dev/null 2>&1 ||
        die "the .NET SDK 10 is not installed and this host's apt does not have it" \
            "add Microsoft's package feed for Debian (learn.microsoft.com, 'Install .NET on Debian'), then run make again"
fi

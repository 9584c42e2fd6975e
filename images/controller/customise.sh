#!/usr/bin/env bash
# The controller: its agent, its state's mount; dnsmasq runs under the agent only.
set -euo pipefail
root=$1
mkdir -p "$root/var/lib/operos"
chroot "$root" systemctl -q enable operos-controller.service var-lib-operos.mount
rm -rf "$root"/boot/grub "$root"/boot/memtest86+*.efi.bak

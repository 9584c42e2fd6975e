#!/usr/bin/env bash
# The controller: its agent, its state's mount; dnsmasq is started by the agent alone.
set -euo pipefail
root=$1
mkdir -p "$root/var/lib/operos"
chroot "$root" systemctl -q enable operos-controller.service var-lib-operos.mount
# GRUB is here to be handed out. What starts this machine is on its EFI partition, written by disk.sh.
chroot "$root" systemctl -q mask grub-common.service
rm -rf "$root/boot/grub"

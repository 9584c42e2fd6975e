#!/usr/bin/env bash
# The base root: the kernel's modules, less what no server uses, and a system that starts without asking.
set -euo pipefail
root=$1 out=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

modules=$(find "$out/kernel" -maxdepth 4 -type d -path '*lib/modules/*' -prune -print -quit)
release=${modules##*/}
rm -rf "$root/usr/lib/modules"
mkdir -p "$root/usr/lib/modules"
cp -r "$modules" "$root/usr/lib/modules/$release"
sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$here/modules-pruned" | while read -r folder; do
    rm -rf "$root/usr/lib/modules/$release/$folder"
done
depmod -b "$root" "$release"
printf '%s\n' "$release" > "$out/kernel/release"

printf 'uninitialized\n' > "$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id"
printf 'operos\n' > "$root/etc/hostname"
printf '127.0.0.1 localhost\n::1 localhost\n' > "$root/etc/hosts"
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
: > "$root/etc/fstab"
printf 'LANG=C.UTF-8\n' > "$root/etc/locale.conf"

# root has no password and no key: nobody logs in until an operator provides a key.
chroot "$root" passwd -q -l root
chroot "$root" systemctl -q enable systemd-networkd.service systemd-resolved.service
# Nothing here is ever updated in place, so nothing needs refreshing at boot.
chroot "$root" systemctl -q mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer ldconfig.service \
    systemd-journal-catalog-update.service systemd-update-done.service systemd-hwdb-update.service \
    systemd-firstboot.service systemd-networkd-wait-online.service systemd-pcrmachine.service

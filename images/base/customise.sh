#!/usr/bin/env bash
# The base root: the kernel's modules, less what no server uses, and a system that starts without asking.
set -euo pipefail
shopt -s extglob globstar nullglob
root=$1 out=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

full=$(find "$out/kernel" -maxdepth 4 -type d -path '*lib/modules/*' -prune -print -quit)
release=${full##*/}
modules=$root/usr/lib/modules/$release
rm -rf "$root/usr/lib/modules"
mkdir -p "$root/usr/lib/modules"
cp -r "$full" "$modules"
depmod -b "$root" "$release"
cp "$modules/modules.dep" "$out/state/modules.dep"

(
    cd "$modules"
    while read -r pattern; do
        # shellcheck disable=SC2206 # a pattern, to be expanded
        matches=($pattern)
        ((${#matches[@]})) || { printf 'modules-pruned: nothing matches %s in kernel %s\n' "$pattern" "$release" >&2; exit 1; }
        rm -rf "${matches[@]}"
    done < <(sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$here/modules-pruned")
)
depmod -b "$root" "$release"

# A module that stays needs what it loads first: without it, it is there and cannot be used.
broken=$(awk '
    FNR == NR { kept[$1]; next }
    $1 in kept { for (i = 2; i <= NF; i++) if (!($i ":" in kept)) { print $1, "needs", $i; break } }' \
    "$modules/modules.dep" "$out/state/modules.dep")
if [[ -n $broken ]]; then
    printf 'modules-pruned removes what modules that stay need; prune those too, or keep what they need:\n%s\n' "$broken" >&2
    exit 1
fi
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
chroot "$root" systemctl -q set-default multi-user.target
# Nothing here is ever updated in place, so nothing needs refreshing at boot.
chroot "$root" systemctl -q mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer ldconfig.service \
    systemd-journal-catalog-update.service systemd-update-done.service systemd-hwdb-update.service \
    systemd-firstboot.service systemd-networkd-wait-online.service systemd-pcrmachine.service
# Users and devices' names are in the layers; drivers and file systems load when something asks for them.
chroot "$root" systemctl -q mask systemd-sysusers.service systemd-udev-load-credentials.service \
    systemd-networkd-persistent-storage.service \
    modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service modprobe@fuse.service modprobe@loop.service
# ip= on the kernel's command line is for operos-init; this generator knows another form of it and would fail.
chroot "$root" systemctl -q mask systemd-network-generator.service systemd-journald-audit.socket
# No SSH over AF_VSOCK or AF_UNIX: there is one way in, and ssh.service is it.
mkdir -p "$root/etc/systemd/system-generators"
ln -sf /dev/null "$root/etc/systemd/system-generators/systemd-ssh-generator"

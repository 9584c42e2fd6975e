#!/usr/bin/env bash
# The first process of a kernel as a process that has md: makes arrays of its disks, with the mdadm of an unpacked root.
set -euo pipefail
root=$1
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
for module in md/md-mod md/raid1 block/loop; do insmod /usr/lib/uml/modules/*/kernel/drivers/$module.ko; done

mdadm() {
    "$root/lib64/ld-linux-x86-64.so.2" --library-path "$root/lib/x86_64-linux-gnu" "$root/sbin/mdadm" "$@"
}
number=0
for metadata in 0.90 1.0 1.1 1.2; do
    disk=/dev/ubd$(printf '%b' "\\x$((61 + number))")
    mdadm --create "/dev/md$number" --run --metadata="$metadata" --level=1 --raid-devices=2 "$disk" missing
    mdadm --examine "$disk"
    number=$((number + 1))
done
mdadm --stop --scan
# What a board's or a controller's firmware calls a container: no such firmware is here. Without a volume, with one, and with one on disks
# of 4096-byte sectors.
export IMSM_NO_PLATFORM=1 IMSM_DEVNAME_AS_SERIAL=1
container() { # METADATA NAME DISK DISK
    mdadm --create "/dev/md/$2" --run --metadata="$1" --raid-devices=2 "$3" "$4"
}
# What would watch over it (mdmon) is not found here, which mdadm ends with an error for: what counts is what is on the disk.
volume() { # CONTAINER DISK
    mdadm --create "/dev/md/$1-volume" --run --level=1 --raid-devices=2 --assume-clean "/dev/md/$1" || true
    mdadm --examine "$2" | grep -i 'raid level.*1$'
}
container imsm imsm /dev/ubde /dev/ubdf
container ddf ddf /dev/ubdg /dev/ubdh
container imsm imsm-1 /dev/ubdi /dev/ubdj
volume imsm-1 /dev/ubdi
container ddf ddf-1 /dev/ubdk /dev/ubdl
volume ddf-1 /dev/ubdk
large=()
for disk in m n o p; do large+=("$(losetup --find --show --sector-size 4096 "/dev/ubd$disk")"); done
container imsm imsm-4k "${large[0]}" "${large[1]}"
volume imsm-4k "${large[0]}"
# mdadm makes no volume of it: it does not find there what it wrote.
container ddf ddf-4k "${large[2]}" "${large[3]}"
for disk in /dev/ubd{e,g}; do mdadm --examine "$disk"; done
# A volume goes before its container.
mdadm --stop --scan
mdadm --stop --scan
losetup --detach-all
sync
echo 'all made'

#!/usr/bin/env bash
# The first process of a kernel as a process that has md: makes arrays of its disks, with the mdadm of an unpacked root.
set -euo pipefail
root=$1
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
for module in md-mod raid1; do insmod /usr/lib/uml/modules/*/kernel/drivers/md/$module.ko; done

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
# What a board's or a controller's firmware calls a container: no such firmware is here.
export IMSM_NO_PLATFORM=1 IMSM_DEVNAME_AS_SERIAL=1
mdadm --create /dev/md/imsm --run --metadata=imsm --raid-devices=2 /dev/ubde /dev/ubdg
mdadm --create /dev/md/ddf --run --metadata=ddf --raid-devices=2 /dev/ubdf /dev/ubdh
for disk in e f; do mdadm --examine "/dev/ubd$disk"; done
mdadm --stop --scan
sync
echo 'all made'

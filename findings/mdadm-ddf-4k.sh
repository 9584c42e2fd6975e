#!/usr/bin/env bash
# mdadm makes a DDF container of disks with 4096-byte sectors, ends with 0, and finds nothing on them afterwards.
#
# Seen in 2026-11: mdadm 4.2 (Debian 12). Of disks with 512-byte sectors, `mdadm --create --metadata=ddf` makes a container that
# `mdadm --examine` shows. Of the same disks with 4096-byte sectors it makes one without an error or a warning, with the anchor in the
# last 512 bytes, and `--examine --scan` names no array: nothing assembles it again.
# IMSM, the other format of firmware, is found on both.
# Guessed otherwise: SNIA's DDF puts the anchor into the last block of a disk, and mdadm(8) tells of no size of sectors for it.
# What it means for who looks at disks: an anchor stands in the last 512 bytes, whatever the sectors' size, and no tool shows it.
# What Operos does: it reads an anchor in the last 512 bytes and in the last sector, so that such a disk is foreign, and a wipe erases both.
#
# A kernel as a process (user-mode Linux) with files as disks; loop devices over them have the sectors. Exit code 0: as described; 1: it
# changed; 2: it could not be tried. Needs a Debian amd64 host's apt (its mirror and keyring), of Debian 12 or later. Nothing is installed.
set -euo pipefail

packages=(user-mode-linux=6.1um4+b13 busybox-static=1:1.35.0-4+deb12u1+b1 mdadm=4.2-5 mount=2.38.1-5+deb12u3)
folder=$(mktemp -d)
running=
# What it ran may write for a moment longer.
trap 'trap "" HUP INT TERM; exec 2> /dev/null; [[ -z $running ]] || kill -KILL -- "-$running" || true; wait
    for _ in {1..100}; do ! rm -rf "$folder" || break; sleep 0.1; done' EXIT
untried() { printf 'could not be tried: %s\n' "$1"; exit 2; }

# The packages and what they need, from the host's mirror by an apt of its own for which nothing is installed.
fetch() {
    local apt=$folder/apt site deb
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$folder/root"
    : > "$apt/status"
    # shellcheck disable=SC2016 # apt's own variables
    site=$(apt-get indextargets --format '$(LABEL) $(SITE)' 'Created-By: Packages' | awk '$1 == "Debian" { print $2; exit }')
    [[ -n $site ]] || untried "this host's apt has no Debian mirror"
    printf 'deb [target=Packages arch=amd64] %s bookworm main\n' "$site" > "$apt/sources.list"
    printf 'Dir::%s;\n' "State \"$apt\"" "State::status \"$apt/status\"" "Cache \"$apt\"" "Etc::sourcelist \"$apt/sources.list\"" \
        'Etc::sourceparts "/dev/null"' 'Etc::preferences "/dev/null"' 'Etc::preferencesparts "/dev/null"' > "$apt/apt.conf"
    printf 'APT::Sandbox::User "root";\nAPT::Install-Recommends "false";\n' >> "$apt/apt.conf"
    export APT_CONFIG=$apt/apt.conf
    timeout 300 apt-get update -qq || untried "bookworm's index cannot be had"
    # Of what mdadm wants beside itself nothing is run but libraries.
    (cd "$apt/archives" && timeout 300 apt-get download -qq "${packages[@]}" libc6 libudev1 libsmartcols1 libmount1 libblkid1 libselinux1 \
        libpcre2-8-0) > /dev/null || untried "${packages[*]} cannot be had from this host's mirror"
    for deb in "$apt"/archives/*.deb; do dpkg-deb -x "$deb" "$folder/root" || untried "$deb cannot be unpacked"; done
}

# The first process: containers of two disks each, of 512-byte sectors and of 4096-byte ones.
prepare() {
    local root=$folder/root disk
    mkdir -p "$root"/{applets,dev,proc,sys,run,results}
    for disk in a b; do truncate -s 256M "$folder/$disk"; done
    cat > "$root/make" <<'MAKE'
#!/bin/busybox sh
exec > /results/log 2>&1
set -u
export PATH=/sbin:/applets IMSM_NO_PLATFORM=1 IMSM_DEVNAME_AS_SERIAL=1
/bin/busybox --install -s /applets
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
for module in md/md-mod block/loop; do insmod /usr/lib/uml/modules/*/kernel/drivers/$module.ko; done
for sector in 512 4096; do
    for format in ddf imsm; do
        for disk in a b; do dd if=/dev/zero of=/dev/ubd$disk bs=1M count=256 2> /dev/null; done
        one=$(/sbin/losetup --find --show --sector-size $sector /dev/ubda)
        two=$(/sbin/losetup --find --show --sector-size $sector /dev/ubdb)
        /sbin/mdadm --create /dev/md/box --run --metadata=$format --raid-devices=2 $one $two
        made=$?
        /sbin/mdadm --stop --scan
        echo "$format $sector: made $made, found $(/sbin/mdadm --examine --scan $one $two | grep -c "ARRAY metadata=$format")"
        if [ $format = ddf ]; then
            for back in 512 4096; do
                echo "ddf $sector: anchor $back before the end $(tail -c $back /dev/ubda | head -c 4 | hexdump -v -e '1/1 "%02x"')"
            done
        fi
        /sbin/losetup --detach $one
        /sbin/losetup --detach $two
    done
done
echo done
MAKE
    chmod +x "$root/make"
}

# Without a terminal, or it stops itself to ask for one; in a group of its own, which its processes are in too.
boot() {
    local left
    (
        ulimit -c 0
        exec setsid "$folder/root/usr/bin/linux.uml" mem=256M "uml_dir=$folder/uml" con=null con0=null,fd:1 ssl=null \
            root=/dev/root rootfstype=hostfs "rootflags=$folder/root" rw init=/make \
            "ubda=$folder/a" "ubdb=$folder/b" < /dev/null > "$folder/console" 2>&1
    ) &
    running=$!
    { # bash tells of a program that aborts
        for ((left = 1200; left > 0; left--)); do
            kill -0 "$running" || break
            sleep 0.1
        done
        kill -KILL -- "-$running" || true
        wait "$running" || true
    } 2> /dev/null
    running=
    [[ $(tail -n 1 "$folder/root/results/log") == "done" ]] ||
        untried "the kernel's first process failed: $(tail -n 5 "$folder/root/results/log" "$folder/console")"
}

status=0
expect() { # LINE
    if grep -qxF "$1" "$folder/root/results/log"; then
        printf '%s\n' "$1"
    else
        printf 'CHANGED: it was: %s\n  now: %s\n' "$1" "$(grep -F "${1%%:*}:" "$folder/root/results/log" | xargs)"
        status=1
    fi
}
fetch
prepare
boot
expect 'ddf 512: made 0, found 1'
expect 'imsm 512: made 0, found 1'
expect 'imsm 4096: made 0, found 1'
expect 'ddf 4096: made 0, found 0'
expect 'ddf 4096: anchor 512 before the end de11de11'
((status)) || printf 'as described: mdadm made a DDF container of 4096-byte sectors that it does not find\n'
exit "$status"

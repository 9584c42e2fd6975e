#!/usr/bin/env bash
# On Linux's vfat, fsync, rename over the old file and fsync of the folder lose both at a power cut: one fsync is missing.
#
# Seen in 2026-11: Linux 6.1.176 (Debian 12's user-mode-linux 6.1um4+b13). What keeps a file on ext4 leaves on vfat an entry of the old
# size that leads to the old file's clusters, which are free: mtools reads 0 bytes, fsck.vfat makes it an empty file ("Contains a free
# cluster"), the kernel's read fails (EIO; of a file of one cluster it gives what is left there). The new file's clusters have no name.
# Why: FAT tells in a folder's entry where a file lies. A rename over another file gives the new inode the old one's entry and marks the
# inode dirty. fsync of the folder writes the folder's blocks, with the other name's removal, and the freed clusters, but no file's inode:
# the entry is written with that, some time later.
# What helps: fsync of the file once more, by its new name. Until that has been done, holding the replaced file open keeps its clusters:
# a power cut in between leaves the old file whole.
# Guessed otherwise: fsync(2) says that the entry needs "an explicit fsync() on a file descriptor for the directory", which was done, and
# all was fsynced. Neither it nor the kernel's page on vfat tells of more.
# What Operos does: FatFile holds the replaced file, renames, fsyncs the folder and then the file, and the folder again.
#
# A kernel as a process (user-mode Linux) with four disks: its first process ends, which is a panic, at which nothing more is written; a
# second boot reads the disks. Exit code 0: as described; 1: it changed; 2: it could not be tried. Needs a Debian amd64 host's apt (its
# mirror and keyring), of Debian 12 or later: the kernel takes the host's libc. Nothing is installed.
set -euo pipefail

packages=(user-mode-linux=6.1um4+b13 busybox-static=1:1.35.0-4+deb12u1+b1 dosfstools=4.2-1 e2fsprogs=1.47.0-2+b2
    mtools=4.0.33-1+really4.0.32-1)
folder=$(mktemp -d)
running=
# What it ran may write for a moment longer.
trap 'trap "" HUP INT TERM; exec 2> /dev/null; [[ -z $running ]] || kill -KILL -- "-$running" || true; wait
    for _ in {1..100}; do ! rm -rf "$folder" || break; sleep 0.1; done' EXIT
untried() { printf 'could not be tried: %s\n' "$1"; exit 2; }

# The packages and what they need, from the host's mirror by an apt of its own for which nothing is installed.
fetch() {
    local apt=$folder/apt site deb
    mkdir -p "$apt/lists/partial" "$apt/archives/partial"
    : > "$apt/status"
    # shellcheck disable=SC2016 # apt's own variables
    site=$(apt-get indextargets --format '$(LABEL) $(SITE)' 'Created-By: Packages' | awk '$1 == "Debian" { print $2; exit }')
    [[ -n $site ]] || untried "this host's apt has no Debian mirror"
    printf 'deb [target=Packages arch=amd64] %s bookworm main\n' "$site" > "$apt/sources.list"
    printf 'Dir::%s;\n' "State \"$apt\"" "State::status \"$apt/status\"" "Cache \"$apt\"" "Etc::sourcelist \"$apt/sources.list\"" \
        'Etc::sourceparts "/dev/null"' 'Etc::preferences "/dev/null"' 'Etc::preferencesparts "/dev/null"' > "$apt/apt.conf"
    printf 'APT::Sandbox::User "root";\nAPT::Install-Recommends "false";\n' >> "$apt/apt.conf"
    APT_CONFIG=$apt/apt.conf timeout 300 apt-get update -qq || untried "bookworm's index cannot be had"
    APT_CONFIG=$apt/apt.conf timeout 300 apt-get install -qq -y --download-only "${packages[@]}" > /dev/null ||
        untried "${packages[*]} cannot be had from this host's mirror"
    for deb in "$apt"/archives/*.deb; do dpkg-deb -x "$deb" "$folder/root" || untried "$deb cannot be unpacked"; done
}

# A program of the packages, bounded, with the libraries of its own distribution.
run() { # PROGRAM ARGUMENT...
    local root=$folder/root libraries=lib/x86_64-linux-gnu
    timeout 60 "$root/$libraries/ld-linux-x86-64.so.2" --library-path "$root/$libraries:$root/usr/$libraries" "$root/$1" "${@:2}"
}

# The unpacked packages are the kernel's root: what it needs there, and the two scripts that are its first process.
prepare() {
    local root=$folder/root disk
    mkdir -p "$root"/{applets,dev,proc,results,kernel} "$root"/disk/{usual,again,held,ext4}
    for disk in usual again held ext4; do truncate -s 40M "$folder/$disk"; done
    for disk in usual again held; do run sbin/mkfs.vfat -F 32 "$folder/$disk" > /dev/null || untried 'mkfs.vfat failed'; done
    run sbin/mke2fs -q -t ext4 "$folder/ext4" || untried 'mke2fs failed'
    cat > "$root/boot" <<'BOOT'
set -eu
exec > "/results/$1" 2>&1
export PATH=/applets
/bin/busybox --install -s /applets
mount -t proc proc /proc
for module in nls/nls_cp437 nls/nls_iso8859-1 fat/fat fat/vfat; do insmod /usr/lib/uml/modules/*/kernel/fs/$module.ko; done
disks() {
    mount -t vfat -o iocharset=iso8859-1 /dev/ubda /disk/usual
    mount -t vfat -o iocharset=iso8859-1 /dev/ubdb /disk/again
    mount -t vfat -o iocharset=iso8859-1 /dev/ubdc /disk/held
    mount -t ext4 /dev/ubdd /disk/ext4
}
disks
BOOT
    cat > "$root/write" <<'WRITE'
#!/bin/busybox sh
. /boot write
contents() { yes "$1" | head -n "$2"; }
for disk in /disk/*; do contents old 1000 > $disk/file; umount $disk; done
disks
# `sync FILE` is fsync(2).
replace() {
    contents new 2000 > $1/beside
    sync $1/beside
    mv $1/beside $1/file
    sync $1
}
replace /disk/ext4
replace /disk/usual
replace /disk/again
sync /disk/again/file
exec 3< /disk/held/file
replace /disk/held
echo done
WRITE
    cat > "$root/read" <<'READ'
#!/bin/busybox sh
. /boot read
for disk in usual again held ext4; do cat /disk/$disk/file > /kernel/$disk || true; done
echo done
READ
    chmod +x "$root/write" "$root/read"
}

# Without a terminal, or it stops itself to ask for one; in a group of its own, which its processes are in too.
boot() { # SCRIPT
    local left
    (
        ulimit -c 0
        exec setsid "$folder/root/usr/bin/linux.uml" mem=64M "uml_dir=$folder/uml" con=null con0=null,fd:1 ssl=null \
            root=/dev/root rootfstype=hostfs "rootflags=$folder/root" rw "init=/$1" \
            "ubda=$folder/usual" "ubdb=$folder/again" "ubdc=$folder/held" "ubdd=$folder/ext4" < /dev/null > "$folder/console" 2>&1
    ) &
    running=$!
    { # bash tells of a program that aborts
        for ((left = 600; left > 0; left--)); do
            kill -0 "$running" || break
            sleep 0.1
        done
        kill -KILL -- "-$running" || true
        wait "$running" || true
    } 2> /dev/null
    running=
    grep -aq 'Kernel panic - not syncing: Attempted to kill init' "$folder/console" ||
        untried "the kernel did not end with its first process: $(tail -n 3 "$folder/console")"
    [[ $(tail -n 1 "$folder/root/results/$1") == "done" ]] || untried "$1 failed: $(tail -n 3 "$folder/root/results/$1")"
}

# Which file's contents these are, and how much of them.
contents() { # FILE
    printf '%d bytes%s' "$(stat -c %s "$1")" "$(sort -u "$1" | awk '{ printf " of the %s", $0 }')"
}

status=0
expect() { # CONTENTS NAME DISK
    local reader seen
    for reader in mtools kernel; do
        [[ -e $folder/$reader/$3 ]] || continue
        seen=$(contents "$folder/$reader/$3")
        printf '%s: %s reads %s\n' "$2" "$reader" "$seen"
        [[ $seen == "$1" ]] || { printf 'CHANGED: it was: %s\n' "$1"; status=1; }
    done
}
fetch
prepare
boot write
mkdir "$folder/mtools"
for disk in usual again held; do run usr/bin/mtype -i "$folder/$disk" ::file > "$folder/mtools/$disk" 2>> "$folder/errors" || true; done
run sbin/fsck.vfat -n "$folder/usual" > "$folder/checked" 2>&1 || true
boot read
mv "$folder/root/kernel" "$folder/kernel"
expect '8000 bytes of the new' 'ext4, fsync, rename, fsync of the folder' ext4
expect '0 bytes' 'vfat, the same' usual
expect '8000 bytes of the new' 'vfat, the same and fsync of the file' again
expect '4000 bytes of the old' 'vfat, the same alone, the replaced file held open' held
printf 'mtools said: %s; fsck.vfat: %s\n' "$(head -n 1 "$folder/errors")" "$(grep -E 'free cluster|Truncating' "$folder/checked" | xargs)"
grep -q 'Truncating file to 0 bytes' "$folder/checked" || { printf 'CHANGED: fsck.vfat made it an empty file\n'; status=1; }
((status)) || printf 'as described: on vfat the renamed file is lost until it has been fsynced once more\n'
exit "$status"

#!/usr/bin/env bash
# A BIOS takes a data disk that systemd-repart has split for one to boot from, and never goes on to the device behind it.
#
# Seen in 2026-11: systemd-repart 252.39 (Debian 12), SeaBIOS 1.16.2-1 with QEMU 7.2+dfsg-7+deb12u18+b3. The disk has one partition, for
# data. The first sector of its GPT ends with 55 AA, as UEFI's specification of the protective MBR has it, and begins with 440 zeros.
# SeaBIOS, as every BIOS, asks for the 55 AA alone: it says "Booting from Hard Disk", jumps to the zeros, and the diskette behind it, which
# has a boot sector that works, is not tried; nothing more is said. Without the 55 AA it is tried, and so it is where int 18h stands before
# the zeros.
# Guessed otherwise: that a machine which boots from the network first and from disks next is no worse off for a data disk that was split.
# One network boot that fails, and it stands still until somebody comes.
# What Operos does: disks of its own get int 18h, int 19h there (agents/Operos.Storage/Work/BootCode.cs): the machine tries its next device,
# then all again.
#
# Exit code 0: as described; 1: it changed; 2: it could not be tried. Needs a Debian amd64 host's apt (its mirror and keyring); nothing is
# installed.
set -euo pipefail

qemu=1:7.2+dfsg-7+deb12u18+b3 seabios=1.16.2-1 systemd=252.39-1~deb12u2
folder=$(mktemp -d)
running=
trap 'trap "" HUP INT TERM; [[ -z $running ]] || kill "$running" 2> /dev/null || true; wait; rm -rf "$folder"' EXIT
untried() { printf 'could not be tried: %s\n' "$1"; exit 2; }

# Debian 12's programs and what they need, from the host's mirror by an apt of its own for which nothing is installed.
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
    APT_CONFIG=$apt/apt.conf timeout 300 apt-get install -qq -y --download-only "qemu-system-x86=$qemu" "seabios=$seabios" \
        "systemd=$systemd" > /dev/null || untried "qemu-system-x86 $qemu, seabios $seabios, systemd $systemd cannot be had"
    for deb in "$apt"/archives/*.deb; do dpkg-deb -x "$deb" "$folder/root" || untried "$deb cannot be unpacked"; done
}

# Bounded, emulated, with the libraries of its own distribution.
run_qemu() { # SECONDS ARGUMENT...
    local root=$folder/root libraries=lib/x86_64-linux-gnu
    QEMU_MODULE_DIR=$root/usr/$libraries/qemu exec timeout --kill-after=5 "$1" \
        "$root/$libraries/ld-linux-x86-64.so.2" --library-path "$root/$libraries:$root/usr/$libraries" \
        "$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" \
        -accel tcg -M pc -m 32 -nodefaults -no-user-config -display none "${@:2}"
}

# cli; xor ax,ax; mov ds,ax; mov dx,3f8h; mov si,7c16h; next: lodsb; test al,al; jz end; out dx,al; jmp next; end: hlt; jmp end
boot_sector() {
    printf '\xfa\x31\xc0\x8e\xd8\xba\xf8\x03\xbe\x16\x7c\xac\x84\xc0\x74\x03\xee\xeb\xf8\xf4\xeb\xfdSTARTED\n\0'
}

# Splits the first disk: one partition for data.
split() { # DISK
    local root=$folder/root libraries=lib/x86_64-linux-gnu
    mkdir "$folder/definitions"
    printf '[Partition]\nType=linux-generic\nSizeMinBytes=64M\nSizeMaxBytes=64M\n' > "$folder/definitions/one.conf"
    timeout 60 "$root/$libraries/ld-linux-x86-64.so.2" \
        --library-path "$root/$libraries:$root/usr/$libraries:$root/$libraries/systemd:$root/usr/$libraries/systemd" \
        "$root/bin/systemd-repart" --definitions="$folder/definitions" --empty=require --discard=no --dry-run=no --no-pager "$1" \
        > "$folder/repart" 2>&1 || untried "systemd-repart does not split the disk: $(tail -n 1 "$folder/repart")"
}

# Whether the diskette's boot sector runs within 30 s after the BIOS began with the first disk.
outcome() { # FIRST SECOND
    local serial=$folder/serial log=$folder/log left answer='stands still'
    : > "$serial"
    : > "$log"
    run_qemu 70 -boot order=ca -drive "if=ide,format=raw,file=$1" -drive "if=floppy,format=raw,file=$2" \
        -serial "file:$serial" -chardev "file,id=log,path=$log" -device isa-debugcon,iobase=0x402,chardev=log 2> "$folder/errors" &
    running=$!
    for ((left = 300; left > 0; left--)); do
        ! grep -aq 'Booting from Hard Disk' "$log" || break
        kill -0 "$running" 2> /dev/null || untried "QEMU ended: $(cat "$folder/errors")"
        sleep 0.1
    done
    ((left)) || untried 'the BIOS came to no disk within 30 s'
    for ((left = 300; left > 0; left--)); do
        ! grep -q STARTED "$serial" || { answer='goes on to the diskette'; break; }
        sleep 0.1
    done
    kill "$running" 2> /dev/null || true
    wait "$running" || true
    running=
    printf '%s\n' "$answer" > "$folder/outcome"
}

status=0
expect() { # OUTCOME WORDS
    outcome "$folder/first" "$folder/second"
    printf 'a first disk %s: the BIOS %s\n' "$2" "$(cat "$folder/outcome")"
    [[ $(cat "$folder/outcome") == "$1" ]] || { printf 'CHANGED: it was: %s\n' "$1"; status=1; }
}
put() { # OFFSET BYTES
    printf '%b' "$2" | dd of="$folder/first" bs=1 seek="$1" conv=notrunc status=none
}

fetch
boot_sector > "$folder/second"
truncate -s 510 "$folder/second"
printf '\x55\xaa' >> "$folder/second"
truncate -s 1440K "$folder/second"
truncate -s 256M "$folder/first"
split "$folder/first"
[[ $(head -c 440 "$folder/first" | tr -d '\0' | wc -c) == 0 ]] || { printf 'CHANGED: there is code in its first sector\n'; status=1; }
[[ $(dd if="$folder/first" bs=1 skip=510 count=2 status=none | od -An -tx1 | tr -d ' ') == 55aa ]] ||
    { printf 'CHANGED: its first sector does not end with 55 AA\n'; status=1; }
expect 'stands still' 'as systemd-repart leaves it'
put 0 '\xcd\x18'
expect 'goes on to the diskette' 'that begins with int 18h'
put 0 '\0\0'
put 510 '\0\0'
expect 'goes on to the diskette' 'without 55 AA'
exit "$status"

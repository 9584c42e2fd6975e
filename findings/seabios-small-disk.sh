#!/usr/bin/env bash
# SeaBIOS boots no virtio-blk or AHCI disk of less than 1008 sectors (504 KiB), though it needs sector 0 alone.
#
# Seen in 2026-11: SeaBIOS 1.16.2-1 with QEMU 7.2+dfsg-7+deb12u18+b3 (Debian 12). One and the same valid boot sector (it writes a word to
# the first serial port and halts) runs from a virtio-blk or AHCI disk of 1008 sectors; from one of 1 or 1007 it does not: "Boot failed:
# could not read the boot disk". The IDE disk of the machine type pc boots with 1 sector, and so does virtio-blk with a geometry of one
# cylinder, head and sector given to -device.
# Why, by SeaBIOS's own log: QEMU proposes 2 cylinders of 16 heads and 63 sectors; SeaBIOS translates that by size, rounds down and has a
# disk of 0 cylinders (LCHS=0/16/63), so that sector 0, read as cylinder 0, head 0, sector 1, is beyond its end. IDE's translation comes
# from CMOS, which QEMU fills: none.
# Guessed otherwise: a disk of one sector is valid for virtio-blk and ATA, both are addressed by block number, and the controller ought
# not to matter.
# What Operos does: the tests' disk that the menu's entry for the local disk boots is 64 MiB, of which it uses 512 bytes.
#
# Exit code 0: as described; 1: it changed; 2: it could not be tried. Needs a Debian amd64 host's apt (its mirror and keyring); nothing is
# installed.
set -euo pipefail

qemu=1:7.2+dfsg-7+deb12u18+b3 seabios=1.16.2-1
folder=$(mktemp -d)
running=
trap 'trap "" HUP INT TERM; [[ -z $running ]] || kill "$running" 2> /dev/null || true; wait; rm -rf "$folder"' EXIT
untried() { printf 'could not be tried: %s\n' "$1"; exit 2; }

# Debian 12's QEMU and what it needs, from the host's mirror by an apt of its own for which nothing is installed.
fetch_qemu() {
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
    APT_CONFIG=$apt/apt.conf timeout 300 apt-get install -qq -y --download-only "qemu-system-x86=$qemu" "seabios=$seabios" > /dev/null ||
        untried "qemu-system-x86 $qemu with seabios $seabios cannot be had from this host's mirror"
    for deb in "$apt"/archives/*.deb; do dpkg-deb -x "$deb" "$folder/root" || untried "$deb cannot be unpacked"; done
}

# Bounded, emulated, with the libraries of its own distribution.
run_qemu() { # SECONDS ARGUMENT...
    local root=$folder/root libraries=lib/x86_64-linux-gnu
    QEMU_MODULE_DIR=$root/usr/$libraries/qemu exec timeout --kill-after=5 "$1" \
        "$root/$libraries/ld-linux-x86-64.so.2" --library-path "$root/$libraries:$root/usr/$libraries" \
        "$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" \
        -accel tcg -M "$machine" -m 32 -nodefaults -no-user-config -display none "${@:2}"
}

# cli; xor ax,ax; mov ds,ax; mov dx,3f8h; mov si,7c16h; next: lodsb; test al,al; jz end; out dx,al; jmp next; end: hlt; jmp end
boot_sector() {
    printf '\xfa\x31\xc0\x8e\xd8\xba\xf8\x03\xbe\x16\x7c\xac\x84\xc0\x74\x03\xee\xeb\xf8\xf4\xeb\xfdSTARTED\n\0'
}

# Whether a disk of that many sectors boots or fails, and the geometry that SeaBIOS says it has.
outcome() { # SECTORS MACHINE DEVICE
    local machine=$2 disk=$folder/disk serial=$folder/serial log=$folder/log left answer='said neither within 30 s'
    boot_sector > "$disk"
    truncate -s 510 "$disk"
    printf '\x55\xaa' >> "$disk"
    truncate -s $(($1 * 512)) "$disk"
    : > "$serial"
    : > "$log"
    run_qemu 40 -drive "if=none,id=disk,format=raw,file=$disk" -device "$3,drive=disk" -serial "file:$serial" \
        -chardev "file,id=log,path=$log" -device isa-debugcon,iobase=0x402,chardev=log 2> "$folder/errors" &
    running=$!
    for ((left = 300; left > 0; left--)); do
        if grep -q STARTED "$serial"; then answer=boots; break; fi
        if grep -aq 'Boot failed: could not read the boot disk' "$log"; then answer=fails; break; fi
        kill -0 "$running" 2> /dev/null || untried "QEMU ended: $(cat "$folder/errors")"
        sleep 0.1
    done
    kill "$running" 2> /dev/null || true
    wait "$running" || true
    running=
    printf '%s, %s\n' "$answer" "$(grep -ao 'LCHS=[0-9/]*' "$log" | tail -n 1)" > "$folder/outcome"
}

status=0
expect() { # OUTCOME SECTORS MACHINE DEVICE
    outcome "${@:2}"
    printf '%s: %s of %d sectors: %s\n' "$3" "$4" "$2" "$(cat "$folder/outcome")"
    [[ $(cat "$folder/outcome") == "$1" ]] || { printf 'CHANGED: it was: %s\n' "$1"; status=1; }
}
fetch_qemu
for device in virtio-blk-pci ide-hd; do
    expect 'fails, LCHS=0/16/63' 1 q35 "$device"
    expect 'fails, LCHS=0/16/63' 1007 q35 "$device"
    expect 'boots, LCHS=1/16/63' 1008 q35 "$device"
done
expect 'boots, LCHS=1/1/1' 1 q35 virtio-blk-pci,cyls=1,heads=1,secs=1
expect 'boots, LCHS=2/16/63' 1 pc ide-hd
((status)) || printf 'as described: on virtio-blk and AHCI less than a cylinder of 16 x 63 sectors does not boot, '\
'unless a geometry is given\n'
exit "$status"

#!/usr/bin/env bash
# systemd-repart waits for ever, without a word, for a device on which any program holds a shared lock.
#
# Seen in 2026-11: systemd-repart 252.39 (Debian 12). While a shell holds the loop device by flock -s, `systemd-repart --dry-run=no`
# prints nothing and does not end; `--dry-run=yes` ends, with 0, and says what it would do. When the lock goes, it goes on and ends with 0.
# Why: it takes an exclusive lock of flock(2) on the device before it writes, as systemd's "Locking Block Device Access" asks for, and waits
# without a bound. A shared lock is what some runtimes take on whatever they open (.NET does, on each file that it opens for reading).
# Guessed otherwise: that a dry run which ends well says that the run can, and that a program which waits for somebody says so.
# What Operos does: a disk is kept open by no such file while it is split (agents/Operos.Linux/BlockDevice.cs opens by open(2)); the run is
# bounded (agents/Operos.Storage/Work/Repart.cs), and its own lock comes afterwards (agents/Operos.Linux/DeviceLock.cs).
#
# Exit code 0: as described; 1: it changed; 2: it could not be tried. Needs root, a free loop device, and a Debian amd64 host's apt (its
# mirror and keyring). Nothing is installed; the disk is a file.
set -euo pipefail

packages=(systemd=252.39-1~deb12u2)
folder=$(mktemp -d)
device=''
# shellcheck disable=SC2317 # called by the trap
cleanup() {
    [[ -z $device ]] || losetup -d "$device" 2> /dev/null || true
    rm -rf "$folder"
}
trap cleanup EXIT
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

# With the libraries of its own distribution, for so many seconds.
repart() { # SECONDS ARGUMENT...
    local root=$folder/root libraries=lib/x86_64-linux-gnu
    timeout "$1" "$root/$libraries/ld-linux-x86-64.so.2" \
        --library-path "$root/$libraries:$root/usr/$libraries:$root/$libraries/systemd:$root/usr/$libraries/systemd" \
        "$root/bin/systemd-repart" --definitions="$folder/definitions" --empty=require --discard=no --no-pager "${@:2}"
}

status=0
changed() { printf 'CHANGED: %s\n' "$1"; status=1; }

[[ $(id -u) == 0 ]] || untried 'it needs root'
fetch
mkdir "$folder/definitions"
printf '[Partition]\nType=linux-generic\nSizeMinBytes=64M\nSizeMaxBytes=64M\n' > "$folder/definitions/one.conf"
truncate -s 256M "$folder/disk"
device=$(losetup -f --show "$folder/disk") || untried 'there is no loop device'
repart 20 --version | head -n 1

exec 9< "$device"
flock -s 9
code=0
repart 20 --dry-run=yes "$device" > "$folder/dry" 2>&1 || code=$?
printf 'a dry run beside a shared lock ends with %d\n' "$code"
((code == 0)) || changed 'a dry run says that it could not be done'
code=0
repart 10 --dry-run=no "$device" > "$folder/run" 2>&1 || code=$?
printf 'the run itself ends with %d (124: after 10 s it had not ended), and said %d bytes\n' "$code" "$(stat -c %s "$folder/run")"
((code == 124)) || changed 'it does not wait'
exec 9<&-
code=0
repart 30 --dry-run=no "$device" > "$folder/run" 2>&1 || code=$?
printf 'without the lock it ends with %d\n' "$code"
((code == 0)) || untried "systemd-repart cannot write the disk at all: $(tail -n 1 "$folder/run")"
exit "$status"

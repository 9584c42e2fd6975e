#!/usr/bin/env bash
# blkid -p and wipefs find nothing on a disk that parted gave an Amiga or a BSD partition table, with partitions in it.
#
# Seen in 2026-11: util-linux 2.38.1, parted 3.5 (Debian 12). `blkid -p` ends with 2, which its page calls "no tokens found" on the device;
# `wipefs -n` prints nothing. parted itself lists the partition.
# Why: a partition table is probed where blkid is asked for partitions, and both ask only for what they can wipe or name: a table of a sort
# that libblkid knows in another place, or not at all (parted writes an Amiga RDB to sector 2, a BSD label to byte 64), is nothing to them.
# Guessed otherwise: that the tool which is there to say what is on a device says so of what another common tool has just put there.
# What Operos does: it asks neither. A disk is blank when the places where anything would stand are erased
# (agents/Operos.Storage/Looks/ReadPlan.cs), and these two are among the tables that it knows by name (Signatures/PartitionTables.cs).
#
# Exit code 0: as described; 1: it changed; 2: it could not be tried. Needs a Debian amd64 host's apt (its mirror and keyring). Nothing is
# installed; the disks are files.
set -euo pipefail

packages=(parted=3.5-3 util-linux=2.38.1-5+deb12u3)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
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

status=0
changed() { printf 'CHANGED: %s\n' "$1"; status=1; }

fetch
for table in amiga bsd gpt; do
    disk=$folder/$table
    truncate -s 200M "$disk"
    run sbin/parted -s "$disk" mklabel "$table" mkpart part1 ext2 1MiB 100MiB 2> /dev/null ||
        run sbin/parted -s "$disk" mklabel "$table" mkpart ext2 1MiB 100MiB 2> /dev/null || untried "parted cannot make a table of $table"
    listed=$(run sbin/parted -s -m "$disk" print 2> /dev/null | grep -c '^1:' || true)
    code=0
    run sbin/blkid -p "$disk" > /dev/null || code=$?
    wiped=$(run sbin/wipefs -n "$disk" | grep -c . || true)
    printf '%s: parted lists %d partition, blkid -p ends with %d, wipefs -n prints %d lines\n' "$table" "$listed" "$code" "$wiped"
    [[ $listed == 1 ]] || untried "parted does not list its own partition in $table"
    if [[ $table == gpt ]]; then
        # That all this can fail.
        [[ $code == 0 && $wiped != 0 ]] || changed 'nothing is found of a GPT'
    else
        [[ $code == 2 && $wiped == 0 ]] || changed "it was: blkid -p ends with 2, wipefs -n prints nothing of $table"
    fi
done
((status)) || printf 'as described: no word of two of three partition tables that parted wrote\n'
exit "$status"

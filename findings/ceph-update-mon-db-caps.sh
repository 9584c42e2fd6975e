#!/usr/bin/env bash
# ceph-objectstore-tool --op update-mon-db gives an OSD back to a monitor's store without the right to speak to the manager.
#
# Seen in 2026-11: Ceph 18.2.7 (Debian 13). When a monitor's store is lost, it is made of the OSDs: update-mon-db writes an OSD's maps into
# a new store, and the OSD's own key from the keyring beside its data. As a rule that keyring has the key alone, for the rights stand in the
# store. The tool then makes some up: for the monitor "allow rwx", for OSDs "allow *", and none for the manager, while `ceph osd new` gives
# an OSD "allow profile osd" with the monitor and with the manager.
# What follows: the OSD comes up, the manager refuses it, and placement groups stay unknown. Nothing says why but the manager's log.
# Guessed otherwise: that an OSD which was given back may what a new one may.
# What Operos does: it keeps the keyring away from the tool, and enters each OSD's key with all rights itself.
#
# Exit code 0: as described; 1: it changed; 2: it could not be tried, soon because the mirror has another version. Needs a Debian amd64
# host's apt (its mirror and keyring, which must know trixie), 70 MB of download. Nothing is installed; the OSD is on a sparse file.
set -euo pipefail

packages=(ceph-osd=18.2.7+ds-1+deb13u1 ceph-base=18.2.7+ds-1+deb13u1)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
untried() { printf 'could not be tried: %s\n' "$1"; exit 2; }

# The packages and their libraries, from the host's mirror by an apt of its own for which nothing is installed.
fetch() {
    local apt=$folder/apt site deb all=("${packages[@]%%=*}") next=("${packages[@]%%=*}")
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/debs"
    : > "$apt/status"
    # shellcheck disable=SC2016 # apt's own variables
    site=$(apt-get indextargets --format '$(LABEL) $(SITE)' 'Created-By: Packages' | awk '$1 == "Debian" { print $2; exit }')
    [[ -n $site ]] || untried "this host's apt has no Debian mirror"
    printf 'deb [target=Packages arch=amd64] %s trixie main\n' "$site" > "$apt/sources.list"
    printf 'Dir::%s;\n' "State \"$apt\"" "State::status \"$apt/status\"" "Cache \"$apt\"" "Etc::sourcelist \"$apt/sources.list\"" \
        'Etc::sourceparts "/dev/null"' 'Etc::preferences "/dev/null"' 'Etc::preferencesparts "/dev/null"' > "$apt/apt.conf"
    printf 'APT::Sandbox::User "root";\n' >> "$apt/apt.conf"
    export APT_CONFIG=$apt/apt.conf
    timeout 300 apt-get update -qq || untried "trixie's index cannot be had"
    while ((${#next[@]})); do
        mapfile -t next < <(apt-cache depends --important "${next[@]}" | awk '/Depends: (lib|zlib)/ { print $2 }' | sort -u |
            grep -vxFf <(printf '%s\n' "${all[@]}") || true)
        all+=("${next[@]}")
    done
    (cd "$apt/debs" && timeout 300 apt-get download -qq "${packages[@]}" "${all[@]:${#packages[@]}}") ||
        untried "${packages[*]} cannot be had from this host's mirror"
    for deb in "$apt"/debs/*.deb; do dpkg-deb -x "$deb" "$folder/root" || untried "$deb cannot be unpacked"; done
}

# A program of the packages, bounded, with the libraries of its own distribution.
run() { # PROGRAM ARGUMENT...
    local root=$folder/root libraries=usr/lib/x86_64-linux-gnu
    timeout 120 "$root/$libraries/ld-linux-x86-64.so.2" --library-path "$root/$libraries:$root/$libraries/ceph" "$root/usr/$1" "${@:2}"
}

fetch
osd=$folder/osd
mkdir "$osd" "$folder/store"
truncate -s 1G "$folder/disk"
ln -s "$folder/disk" "$osd/block"
printf '[global]\nfsid = %s\nrun_dir = %s\n' "$(< /proc/sys/kernel/random/uuid)" "$osd" > "$folder/ceph.conf"
# A key of zeros: type 1 (AES), no time, 16 bytes.
printf '[osd.7]\n\tkey = AQAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAA==\n' > "$osd/keyring"
run bin/ceph-osd --mkfs --no-mon-config -i 7 --osd-objectstore bluestore --osd-uuid "$(< /proc/sys/kernel/random/uuid)" \
    --osd-data "$osd" -c "$folder/ceph.conf" --log-file "$osd/log" > "$folder/mkfs" 2>&1 ||
    untried "ceph-osd --mkfs fails: $(tail -n 1 "$folder/mkfs")"
run bin/ceph-objectstore-tool --data-path "$osd" --no-mon-config --op update-mon-db --mon-store-path "$folder/store" \
    > "$folder/update" 2>&1 || untried "update-mon-db fails: $(tail -n 1 "$folder/update")"
run bin/ceph-kvstore-tool rocksdb "$folder/store/store.db" get auth 1 out "$folder/entry" > "$folder/get" 2>&1 ||
    untried "the store has no entry of the OSD: $(tail -n 1 "$folder/get")"

# Rights stand there as names of services, each with a text.
rights=$(strings -n 3 "$folder/entry" | grep -xE 'mon|mgr|osd|mds|allow .+' | paste -sd ' ' || true)
printf 'the entry has: %s\n' "$rights"
[[ $rights == 'mon allow rwx osd allow *' ]] || exit 1

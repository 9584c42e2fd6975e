#!/usr/bin/env bash
# After wipefs -a, Ceph 20 still knows an OSD: its label's copies are left, and blkid and wipefs find nothing.
#
# Seen in 2026-11: Ceph 20.2.4, util-linux 2.42.4 (Debian unstable). `ceph-osd --mkfs` on a disk of 101 GiB writes its label at 0, 1, 10
# and 100 GiB. `wipefs -a` erases 22 bytes at 0; then `blkid -p` ends with 2 and `wipefs -n` prints nothing, and `ceph-bluestore-tool
# show-label` prints the label: the OSD's uuid and number, its cluster's id, and the places of the copies. Ceph 18.2 writes one label.
# Why: since Ceph 19 a label that is damaged is read from its copies, which is what they are for; libblkid asks at 0.
# Guessed otherwise: that what `wipefs -a` has wiped, and both tools call empty, is nobody's any more.
# What Operos does: it looks at each place of the copies (agents/Operos.Storage/Signatures/Members.cs), and a wipe erases them.
#
# Exit code 0: as described; 1: it changed; 2: it could not be tried, soon because unstable has another version. Needs a Debian amd64 host's
# apt (its mirror and keyring, which must know unstable), 40 MB of download. Nothing is installed; the disk is a sparse file.
set -euo pipefail

packages=(ceph-osd=20.2.4+ds-2 util-linux=2.42.4-1)
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
    printf 'deb [target=Packages arch=amd64] %s sid main\n' "$site" > "$apt/sources.list"
    printf 'Dir::%s;\n' "State \"$apt\"" "State::status \"$apt/status\"" "Cache \"$apt\"" "Etc::sourcelist \"$apt/sources.list\"" \
        'Etc::sourceparts "/dev/null"' 'Etc::preferences "/dev/null"' 'Etc::preferencesparts "/dev/null"' > "$apt/apt.conf"
    printf 'APT::Sandbox::User "root";\n' >> "$apt/apt.conf"
    export APT_CONFIG=$apt/apt.conf
    timeout 300 apt-get update -qq || untried "unstable's index cannot be had"
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
disk=$folder/disk
mkdir "$folder/osd"
truncate -s 101G "$disk"
ln -s "$disk" "$folder/osd/block"
printf '[global]\nfsid = %s\nrun_dir = %s\n' "$(< /proc/sys/kernel/random/uuid)" "$folder/osd" > "$folder/ceph.conf"
run bin/ceph-osd --mkfs --no-mon-config -i 7 --osd-objectstore bluestore --osd-uuid "$(< /proc/sys/kernel/random/uuid)" \
    --osd-data "$folder/osd" -c "$folder/ceph.conf" --log-file "$folder/osd/log" > "$folder/mkfs" 2>&1 ||
    untried "ceph-osd --mkfs fails: $(tail -n 1 "$folder/mkfs")"
found=$(run sbin/wipefs -n --noheadings "$disk" | grep -c . || true)
printf 'of a new OSD wipefs -n prints %d line\n' "$found"
# That what follows can fail.
((found == 1)) || untried 'wipefs does not know an OSD at all'

run sbin/wipefs -a "$disk"
code=0
run sbin/blkid -p "$disk" > /dev/null || code=$?
left=$(run sbin/wipefs -n --noheadings "$disk" | grep -c . || true)
label=$(run bin/ceph-bluestore-tool show-label --dev "$disk" 2> /dev/null | tr -d ' \n' || true)
printf 'after wipefs -a: blkid -p ends with %d, wipefs -n prints %d lines, show-label: %s\n' "$code" "$left" \
    "$(grep -oE '"whoami":"[0-9]+"|"locations":\[[^]]*\]' <<< "$label" | xargs)"
if ((code == 2 && left == 0)) && [[ $label == *'"whoami":"7"'*'"locations":["0x40000000","0x280000000","0x1900000000"]'* ]]; then
    printf 'as described: Ceph reads the label of a disk that wipefs -a has wiped\n'
    exit 0
fi
printf 'CHANGED: it was: blkid -p ends with 2, wipefs -n prints nothing, and Ceph reads the label from three copies\n'
exit 1

#!/usr/bin/env bash
# ceph-objectstore-tool --op dump-super prints an OSD's superblock and then fails: its exit code is the block's length.
#
# Seen in 2026-11: Ceph 18.2.7 (Debian 13). On an OSD that was just made, `--op dump-super` prints whole, valid JSON (cluster, OSD, oldest
# and newest map) and ends with a code that is not 0, while `--op list-pgs` and `--op meta-list` on the same OSD end with 0.
# Why: what reading the superblock returned, which is how many bytes it got, is what the program exits with; a shell sees the low 8 bits.
# Guessed otherwise: that a tool which printed all that was asked for ends with 0, and that the code may be trusted.
# What Operos is to do: a controller that lost its monitor's store asks which maps an OSD has; what was printed says so, whatever the code.
#
# Exit code 0: as described; 1: it changed; 2: it could not be tried, soon because the mirror has another version. Needs a Debian amd64
# host's apt (its mirror and keyring, which must know trixie), 40 MB of download. Nothing is installed; the OSD is on a sparse file.
set -euo pipefail

packages=(ceph-osd=18.2.7+ds-1+deb13u1)
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
mkdir "$osd"
truncate -s 1G "$folder/disk"
ln -s "$folder/disk" "$osd/block"
printf '[global]\nfsid = %s\nrun_dir = %s\n' "$(< /proc/sys/kernel/random/uuid)" "$osd" > "$folder/ceph.conf"
run bin/ceph-osd --mkfs --no-mon-config -i 7 --osd-objectstore bluestore --osd-uuid "$(< /proc/sys/kernel/random/uuid)" \
    --osd-data "$osd" -c "$folder/ceph.conf" --log-file "$osd/log" > "$folder/mkfs" 2>&1 ||
    untried "ceph-osd --mkfs fails: $(tail -n 1 "$folder/mkfs")"

# What an operation printed on standard output goes to a file of its name; its exit code is said.
op() { # OPERATION
    local code=0
    run bin/ceph-objectstore-tool --data-path "$osd" --no-mon-config --op "$1" > "$folder/$1" 2> "$folder/$1.err" || code=$?
    printf '%d' "$code"
}
super=$(op dump-super)
pgs=$(op list-pgs)
meta=$(op meta-list)
object=$(grep -m 1 osd_superblock "$folder/meta-list" || true)
length=$(run bin/ceph-objectstore-tool --data-path "$osd" --no-mon-config "$object" get-bytes 2> "$folder/get.err" | wc -c)
whoami=$(perl -MJSON::PP -0777 -ne 'print decode_json($_)->{whoami}' "$folder/dump-super" || true)
printf 'dump-super: whole JSON of osd.%s, exit code %s; list-pgs: %s; meta-list: %s\n' "$whoami" "$super" "$pgs" "$meta"
printf 'the superblock has %d bytes: %d in 8 bits\n' "$length" $((length & 255))
[[ $whoami == 7 && $super != 0 && $super == $((length & 255)) && $pgs == 0 && $meta == 0 ]] || exit 1

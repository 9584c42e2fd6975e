#!/usr/bin/env bash
# Disks of other people's storage, made by its own programs: OSDs of three releases of Ceph, members of ZFS pools and of md arrays.
set -euo pipefail
shopt -s inherit_errexit nullglob

usage() {
    cat <<'USAGE'
usage: tests/checks/foreign-disks/build.sh --out DIR

Leaves DIR/disks, sparse files, and DIR/versions: which packages made them. They are made anew once a month, of what Debian 12, 13 and its
unstable suite have then (130 MB), and kept in the cache (images/cache.sh), which takes less than 1 MB. In a month in which they cannot be
made, the newest that are kept serve, and that is said. Where nothing is kept and unstable alone is at fault, DIR/missing names its disk and
why, and the others are there. Needs root and user-mode Linux, whose kernel has md. Nothing is installed.
USAGE
}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
longest_wait=60
# shellcheck source=tests/checks/monthly.sh
source "$here/../monthly.sh"

inputs() { # MONTH
    printf 'disks of other storage, %s\n' "$1"
    (cd "$here" && sha256sum -- *)
}
is_here() { [[ -d $out/disks ]]; }
place() { # FOLDER: their holes are told by the archive alone
    rm -rf "$out/disks" "$out/missing"
    tar --extract --directory "$out" --file "$1/disks.tar" && mv "$1/versions" "$out/versions"
}
made_of() { grep -E ' (ceph-osd|zfs-test|mdadm)_' "$out/versions" | xargs; }

# Programs with the libraries that they need, and what else is named: what their packages want to be installed beside is not run.
with_libraries() { # PACKAGE...
    local all=("$@") next=("$@")
    while ((${#next[@]})); do
        mapfile -t next < <(apt-cache depends --important "${next[@]}" |
            awk '$1 ~ /^[|]?(Pre)?Depends:$/ && $2 ~ /^(lib|zlib)/ && $2 !~ /^libpython/ { print $2 }' | sort -u |
            grep -vxFf <(printf '%s\n' "${all[@]}") || true)
        all+=("${next[@]}")
    done
    printf '%s\n' "${all[@]}"
}

fetch() { # SUITE PACKAGE...: unpacked into work/SUITE/root
    local suite=$1 folder=$work/$1 names name; shift
    mkdir -p "$folder"/{apt,packages} "$folder"/root/{dev,proc,tmp,out,usr/{bin,sbin,lib,lib64}}
    for name in bin sbin lib lib64; do ln -s "usr/$name" "$folder/root/$name"; done
    # Of the suite alone: sid has neither updates nor security updates of its own. ZFS is in contrib.
    debian_sources "$suite" deb | awk -v suite="$suite" '$3 == suite { sub(/^deb /, "deb [target=Packages] "); print $0, "contrib" }' \
        > "$folder/apt/sources.list"
    debian_apt_configure "$suite" "$folder/apt" deb
    timeout "$(left 120)" apt-get update -qq --error-on=any -o Acquire::Retries=1 || return 1
    names=$(with_libraries "$@")
    # shellcheck disable=SC2086 # names of packages
    (cd "$folder/packages" && timeout "$(left 240)" apt-get download -qq -o Acquire::Retries=1 $names) || return 1
    # As tar files: each is unpacked through the links above.
    for name in "$folder"/packages/*.deb; do
        dpkg-deb --fsys-tarfile "$name" |
            tar --extract --keep-directory-symlink --directory "$folder/root" --exclude './usr/share/*' || return 1
    done
    (cd "$folder/packages" && printf "$suite %s\n" *.deb) >> "$work/versions"
}

# A program with its own distribution's files, in namespaces that end with it; disks are in /out there.
inside() { # SUITE PROGRAM ARGUMENT...
    # shellcheck disable=SC2016 # that shell's variables
    timeout "$(left 120)" unshare --mount --pid --net --fork --kill-child --propagation private sh -ec 'root=$1; out=$2; shift 2
        mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"; mount --bind "$out" "$root/out"; exec chroot "$root" "$@"' \
        sh "$work/$1/root" "$work/made" "${@:2}" {lock}>&-
}

# An OSD of no cluster, as `ceph-volume` has one made: a label, a file system of its own with a database in it.
ceph() { # SUITE DISK SIZE
    mkdir "$work/made/osd"
    truncate -s "$3" "$work/made/disks/$2"
    ln -s "/out/disks/$2" "$work/made/osd/block"
    printf '[global]\nrun_dir = /out/osd\nfsid = %s\n' "$(< /proc/sys/kernel/random/uuid)" > "$work/made/ceph.conf"
    inside "$1" ceph-osd --mkfs --no-mon-config -i 0 --osd-objectstore bluestore --osd-uuid "$(< /proc/sys/kernel/random/uuid)" \
        --osd-data /out/osd -c /out/ceph.conf --log-file /out/osd/log || return 1
    [[ $(< "$work/made/osd/ready") == ready ]] || return 1
    # That it is one, by its own program's word.
    inside "$1" ceph-bluestore-tool show-label --dev "/out/disks/$2" | grep '"whoami": "0"' || return 1
    rm -r "$work/made/osd"
}

# A raidz, by the test program of ZFS, which is the file system without a kernel. It goes on to break what it made, anything of it: what
# counts is whether the first disk is still a member, by zdb's word. It asks zdb itself, by a shell.
zfs() { # SUITE
    local try
    for try in {1..5}; do
        printf 'zfs: try %d\n' "$try"
        rm -rf "$work/made/zfs"
        mkdir "$work/made/zfs"
        inside "$1" ztest -T 1 -P 1 -k 0 -v 1 -m 2 -r 3 -R 1 -K raidz -d 1 -t 2 -s 268501504 -f /out/zfs > "$work/made/ztest.log" 2>&1 ||
            tail -n 5 "$work/made/ztest.log"
        inside "$1" zdb -l /out/zfs/ztest.0a > "$work/made/zdb.log" 2>&1 || true
        grep 'labels = 0 1 2 3' "$work/made/zdb.log" || continue
        mv "$work/made/zfs/ztest.0a" "$work/made/disks/zfs" || return 1
        rm -r "$work/made/zfs"
        return 0
    done
    return 1
}

# Members of arrays, in a kernel as a process that has this host's files: a host's kernel may have no md, or real arrays.
md() { # SUITE
    local name disks=() number=0 kernel status=0
    for name in 0.90 1.0 1.1 1.2 {imsm,ddf}{,-2} {imsm,ddf}-volume{,-2} {imsm,ddf}-4k{,-2}; do
        # Its end is in the middle of whatever ends are rounded to, but for a sector.
        truncate -s $((260 * 1024 * 1024 + 68 * 1024)) "$work/made/disks/md-$name"
        [[ $name == *-4k* ]] || truncate -s +$((3 * 512)) "$work/made/disks/md-$name"
        disks+=("ubd$((number++))s=$work/made/disks/md-$name")
    done
    printf '#!/bin/bash\nexec "%s" "%s" > "%s" 2>&1\n' "$here/md.sh" "$work/$1/root" "$work/made/md.log" > "$work/made/init"
    chmod +x "$work/made/init"
    (
        ulimit -c 0
        exec {lock}>&-
        exec timeout --signal KILL "$(left 120)" setsid linux.uml mem=256M "uml_dir=$work/made/uml" "${disks[@]}" root=/dev/root \
            rootfstype=hostfs rootflags=/ rw "init=$work/made/init" con=null con0=null,fd:2 ssl=null
    ) < /dev/null > "$work/made/kernel.log" 2>&1 &
    kernel=$!
    # Its first process ends, which is a panic.
    wait "$kernel" || status=$?
    cat "$work/made/md.log"
    [[ $(tail -n 1 "$work/made/md.log") == 'all made' ]] ||
        { echo "the kernel ended with $status"; tail "$work/made/kernel.log"; return 1; }
    rm "$work"/made/disks/md-{imsm,ddf}{,-volume,-4k}-2
}

usable=''
# Of the time for all of it, SECONDS at most: what does not come in time leaves some for the disks of an earlier month.
left() { # SECONDS
    local left=$((deadline - SECONDS))
    ((left >= 1)) || left=1
    ((left <= $1)) || left=$1
    printf '%d\n' "$left"
}

make_it() {
    rm -rf "$work" "$out/missing"
    mkdir -p "$work/made/disks"
    fetch bookworm ceph-osd && fetch trixie ceph-osd zfs-test zfsutils-linux dash mdadm || return 1
    ceph bookworm ceph-16 12G && ceph trixie ceph-18 12G && zfs trixie && md trixie || return 1
    # Unstable may be broken on a given day: the others are of use without it.
    usable=1
    # A terabyte for 20, which keeps copies of its label.
    fetch sid ceph-osd && ceph sid ceph-20 1001G && pack
}
pack() { tar --create --sparse --directory "$work/made" --file "$work/disks.tar" disks; }

deadline=$((SECONDS + 330))
monthly disks.tar versions
# Tried again at the next run.
if [[ -n $usable ]]; then
    rm -rf "$work/made/disks/ceph-20" "$out/inputs"
    pack
    place "$work"
    rm -rf "$work"
    printf 'ceph-20 %s\n' "it cannot be made of what Debian's unstable suite has now: $(tail -n 1 "$log")" > "$out/missing"
    cat "$out/missing" >&2
    exit
fi
die "they cannot be made (above; all of it in $log), and none of an earlier month are kept" \
    'without a network: wait for one; a package that is not found: correct tests/checks/foreign-disks/build.sh'

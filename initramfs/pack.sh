#!/usr/bin/env bash
# Packs the initramfs: operos-init as /init, the modules it may load, the libraries both need.
set -euo pipefail

usage() {
    cat <<'EOF'
usage: initramfs/pack.sh --root DIR --kernel DIR --init FILE --out DIR [--made-of FILE]

  --root    a root of the distribution, for the libraries (out/images/roots/base)
  --kernel  the unpacked kernel package: boot/vmlinuz-*, modules (out/images/kernel)
  --init    the operos-init binary
  --out     gets vmlinuz, initramfs.img and kernel-release
  --made-of what names all that root and kernel are made of (out/images/layers/base.inputs): the result is kept in the cache, or
            taken from it, and left as it is where nothing changed; --out gets inputs, which names all that it is made of, too

Same inputs, same bytes (SOURCE_DATE_EPOCH). Prints what the size is made of.
EOF
}
die() { printf 'pack: %s\n' "$1" >&2; exit 1; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root='' kernel='' init='' out='' made_of=''
while (($#)); do
    case $1 in
        --root) root=$2; shift 2 ;;
        --kernel) kernel=$2; shift 2 ;;
        --init) init=$2; shift 2 ;;
        --out) out=$2; shift 2 ;;
        --made-of) made_of=$2; shift 2 ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
[[ -d $root && -d $kernel && -f $init && -n $out ]] || { usage >&2; exit 2; }
mkdir -p "$out"
export LC_ALL=C
SOURCE_DATE_EPOCH=$("$here/../images/epoch.sh" initramfs)
umask 022

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
inputs() {
    printf 'initramfs\nepoch %s\n' "$SOURCE_DATE_EPOCH"
    (cd "$here" && sha256sum pack.sh modules)
    printf 'operos-init %s\nbase %s\n' "$(sha256sum < "$init")" "$(cat "$made_of")"
    dpkg-query -W -f '${Package} ${Version}\n' cpio zstd libzstd1 kmod xz-utils
}
if [[ -n $made_of ]]; then
    inputs > "$work/inputs"
    if [[ -f $out/vmlinuz && -f $out/kernel-release && -f $out/initramfs.img ]] && cmp -s "$work/inputs" "$out/inputs"; then
        printf 'initramfs: unchanged\n'
        exit
    fi
    rm -f "$out/inputs"
    if "$here/../images/cache.sh" get initramfs "$work/inputs" "$work/taken"; then
        # They are as old as the entry: make would take what was made of others since for newer.
        touch "$work"/taken/*
        mv "$work"/taken/{vmlinuz,kernel-release,initramfs.img} "$out/"
        cp "$work/inputs" "$out/inputs"
        printf 'initramfs: from the cache\n'
        exit
    fi
fi
tree=$work/tree
mkdir -p "$tree"/{dev,proc,sys,run,sysroot,etc,usr/lib,usr/lib64}
ln -s usr/lib "$tree/lib"
ln -s usr/lib64 "$tree/lib64"

# A link, too, where tests/reproducible.sh takes the first build's.
modules=$(find -H "$kernel" -maxdepth 5 -type d -path '*lib/modules/*' -prune -print -quit)
[[ -n $modules ]] || die "$kernel holds no modules"
release=${modules##*/}

# Every module by name, with its dependencies from modules.dep.
[[ -e $kernel/lib || -L $kernel/lib ]] || ln -s usr/lib "$kernel/lib"
depmod -b "$kernel" "$release"
sed -e 's/#.*//' "$here/modules" | tr -s ' \n' '\n' | sed '/^$/d' > "$work/wanted"
awk '
    FILENAME == ARGV[1] { want[++count] = $1; next }
    {
        path = $1; sub(/:$/, "", path)
        name = path; sub(/.*\//, "", name); sub(/\.ko.*/, "", name); gsub(/-/, "_", name)
        at[name] = path; needs[path] = ""
        for (i = 2; i <= NF; i++) needs[path] = needs[path] " " $i
        paths[++total] = path
    }
    function take(path,   each, i, n) {
        if (path in taken) return
        taken[path] = 1; print path
        n = split(needs[path], each, " ")
        for (i = 1; i <= n; i++) take(each[i])
    }
    function glob(pattern) { gsub(/\./, "\\.", pattern); gsub(/\*/, ".*", pattern); return "^kernel/" pattern "$" }
    END {
        for (w = 1; w <= count; w++) {
            if (want[w] ~ /\//) { for (p = 1; p <= total; p++) if (paths[p] ~ glob(want[w])) take(paths[p]) }
            else { name = want[w]; gsub(/-/, "_", name); if (name in at) take(at[name]); else print "missing " name > "/dev/stderr" }
        }
    }' "$work/wanted" "$modules/modules.dep" 2> "$work/missing" | sort -u > "$work/modules"
# A module that is built into the kernel is fine; any other that is missing is a mistake in the list.
while read -r _ name; do
    grep -q "/${name//_/[-_]}\.ko" "$modules/modules.builtin" || die "no module $name in kernel $release: see initramfs/modules"
done < "$work/missing"

# Uncompressed and unstripped: the whole is compressed once, and Secure Boot's signatures stay.
while read -r module; do
    target=$tree/usr/lib/modules/$release/${module%.xz}
    mkdir -p "${target%/*}"
    case $module in
        *.xz) xz -dc "$modules/$module" > "$target" ;;
        *) cp "$modules/$module" "$target" ;;
    esac
done < "$work/modules"
cp "$modules"/modules.{builtin,builtin.modinfo,order} "$tree/usr/lib/modules/$release/"
depmod -b "$tree" "$release"
# libkmod reads the binary indexes alone.
find "$tree/usr/lib/modules/$release" -maxdepth 1 -type f ! -name '*.bin' ! -name modules.softdep -delete

# Libraries, as the loader of the root itself resolves them.
libraries() { chroot "$root" ldd "$1" | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }'; }
kmod=$(chroot "$root" sh -c 'echo /usr/lib/*/libkmod.so.2')
install -m 755 "$init" "$tree/init"
for library in "$kmod" $(libraries "$kmod") "${kmod%/*}/libm.so.6"; do
    file=$(chroot "$root" readlink -f "$library")
    install -D -m 755 "$root$file" "$tree/usr${library#/usr}"
done

find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
(cd "$tree" && find . -mindepth 1 -print0 | sort -z | cpio --null --quiet --create --format=newc --owner=0:0 --reproducible) \
    > "$work/initramfs.cpio"
zstd -q -19 --no-check -f "$work/initramfs.cpio" -o "$out/initramfs.img.partial"
mv "$out/initramfs.img.partial" "$out/initramfs.img"
install -m 644 "$kernel/boot/vmlinuz-$release" "$out/vmlinuz"
printf '%s\n' "$release" > "$out/kernel-release"

part() { find "$@" -type f -print0 | sort -z | xargs -0 cat | zstd -q -9 | wc -c; }
mb() { awk -v bytes="$1" 'BEGIN { printf "%6.2f MB", bytes / 1e6 }'; }
kernel_size=$(stat -c %s "$out/vmlinuz") image_size=$(stat -c %s "$out/initramfs.img")
printf 'initramfs: kernel            %s  (%s)\n' "$(mb "$kernel_size")" "$release"
printf 'initramfs: initramfs.img     %s\n' "$(mb "$image_size")"
printf 'initramfs:   modules         %s  (%s of them)\n' "$(mb "$(part "$tree/usr/lib/modules")")" "$(wc -l < "$work/modules")"
printf 'initramfs:   libraries       %s\n' "$(mb "$(part "$tree"/usr/lib/*-linux-gnu "$tree/usr/lib64")")"
printf 'initramfs:   operos-init     %s\n' "$(mb "$(part "$tree/init")")"
printf 'initramfs: both              %s\n' "$(mb $((kernel_size + image_size)))"
((kernel_size + image_size <= 24000000)) || die "kernel and initramfs are over 24 MB: a small machine's boot loader and memory have limits"
[[ -n $made_of ]] || exit 0
cp "$work/inputs" "$out/inputs"
"$here/../images/cache.sh" put initramfs "$work/inputs" "$out" vmlinuz initramfs.img kernel-release

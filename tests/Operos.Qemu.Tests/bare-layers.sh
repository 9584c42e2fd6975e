#!/usr/bin/env bash
# Makes the layers of a release whose system is one script: for tests that look at what happens before a system starts.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: tests/Operos.Qemu.Tests/bare-layers.sh --roots DIR --worker FILE --out DIR

  --roots   the roots of the real layers, for the shell and the libraries (out/images/roots)
  --worker  the operos-worker binary
  --out     gets base, node, worker and controller.squashfs

Its /sbin/init writes the boot record and the machine's inventory to the first serial port and sleeps. The layers above hold 4 MiB each
that do not compress, so that there is something to fetch.
USAGE
}

roots='' worker='' out=''
while (($#)); do
    case $1 in
        --roots) roots=$2; shift 2 ;;
        --worker) worker=$2; shift 2 ;;
        --out) out=$2; shift 2 ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
[[ -d $roots && -f $worker && -d $out ]] || { usage >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
base=$work/base libraries=$roots/base/usr/lib/x86_64-linux-gnu loader=usr/lib64/ld-linux-x86-64.so.2
mkdir -p "$base"/{dev,proc,sys,run,usr/bin,usr/lib64,usr/lib/x86_64-linux-gnu}
for link in bin lib lib64; do ln -s "usr/$link" "$base/$link"; done
ln -s usr/bin "$base/sbin"

for program in dash cat sleep; do cp "$roots/base/usr/bin/$program" "$base/usr/bin/"; done
ln -s dash "$base/usr/bin/sh"
cp "$worker" "$base/usr/bin/operos-worker"
cp -L "$roots/base/$loader" "$base/$loader"
# .NET loads OpenSSL when it hashes the TPM's key.
cp -L "$libraries"/lib{ssl,crypto}.so.3 "$base/usr/lib/x86_64-linux-gnu/"
for file in "$base"/usr/bin/{dash,cat,sleep,operos-worker} "$base"/usr/lib/x86_64-linux-gnu/libssl.so.3; do
    "$roots/base/$loader" --library-path "$libraries" --list "$file"
done | awk '$2 == "=>" { print $3 }' | sort -u | while IFS= read -r library; do cp -nL "$library" "$base/usr/lib/x86_64-linux-gnu/"; done

cat > "$base/usr/bin/init" <<'INIT'
#!/bin/sh
# A line of the kernel's would stand in the middle of what is written here.
echo 1 > /proc/sys/kernel/printk
exec > /dev/ttyS0 2>&1
printf '\nbare: boot record\n'
cat /run/operos/boot.json
printf '\nbare: inventory\n'
operos-worker inventory --json
printf '\nbare: end\n'
exec sleep infinity
INIT
chmod 755 "$base/usr/bin/init"

for layer in node worker controller; do
    mkdir -p "$work/$layer/usr/share"
    head -c 4M /dev/urandom > "$work/$layer/usr/share/$layer.random"
done
for layer in base node worker controller; do
    mksquashfs "$work/$layer" "$out/$layer.squashfs" -comp zstd -Xcompression-level 1 -no-progress -quiet -noappend -all-root
done

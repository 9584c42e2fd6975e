#!/usr/bin/env bash
# Gathers kernel, initramfs and layers into a release's folder and signs it.
set -euo pipefail

usage() {
    cat <<'EOF'
usage: images/release.sh --version V [--out DIR]

Makes DIR/release/V (default out/release/V) from DIR/initramfs and DIR/images, signed with the key that
images/release-key.sh says.
The folder appears whole or not at all.
EOF
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$here/../out version=''
while (($#)); do
    case $1 in
        --version) version=$2; shift 2 ;;
        --out) out=$2; shift 2 ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
[[ -n $version ]] || { usage >&2; exit 2; }

keys=$("$here/release-key.sh" --out "$out")
folder=$out/release/$version partial=$out/release/$version.partial
rm -rf "$partial"
mkdir -p "$partial"
cp --reflink=auto "$out/initramfs/vmlinuz" "$out/initramfs/initramfs.img" "$out"/images/layers/*.squashfs "$partial/"
"$out/bin/operosctl" release build --dir "$partial" --key "$keys/release.key" --version "$version" \
    --kernel-release "$(cat "$out/initramfs/kernel-release")" \
        --created "$(date -u -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}" +%Y-%m-%dT%H:%M:%SZ)"
chmod 644 "$partial"/*
sync "$partial"/*
rm -rf "$folder"
mv "$partial" "$folder"

#!/usr/bin/env bash
# Builds every layer and the initramfs a second time, elsewhere, and compares them byte by byte with the first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=$(realpath out)
# As the Makefile sets it.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct -- images initramfs ':!*.md')}
second=$(mktemp -d "$out/second.XXXXXX")
trap 'rm -rf "$second"' EXIT

kubernetes=()
[[ ! -e $out/images/roots/controller/usr/bin/kube-apiserver ]] || kubernetes=(--kubernetes "$out/kubernetes")
images/build.sh --out "$second/images" "${kubernetes[@]}" --cache "$out/images/apt-cache" > "$second/log" 2>&1 || { tail -n 20 "$second/log"; exit 1; }
initramfs/pack.sh --root "$second/images/roots/base" --kernel "$second/images/kernel" --init out/bin/operos-init --out "$second/initramfs" > /dev/null
status=0
for file in images/layers/{base,node,worker,controller}.squashfs initramfs/initramfs.img initramfs/vmlinuz; do
    if cmp -s "$out/$file" "$second/$file"; then
        printf 'reproducible: %-36s %s\n' "$file" "$(sha256sum < "$second/$file" | cut -c1-16)"
    else
        printf 'reproducible: %-36s DIFFERS: ' "$file"
        cmp "$out/$file" "$second/$file" || true
        status=1
    fi
done
if ((status)); then
    diff -rq --no-dereference "$out/images/roots" "$second/images/roots" 2>/dev/null | head -n 20 || true
fi
exit $status

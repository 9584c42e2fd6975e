#!/usr/bin/env bash
# Builds every layer and the initramfs a second time, elsewhere and without the cache, and compares them byte by byte with the first.
set -euo pipefail

usage() {
    cat <<'EOF'
usage: tests/reproducible.sh [--always]

What was compared and equal is noted in the cache (kind "green"), under the hash of all inputs. Where that is known, only the
first build's SHA-256 are compared with those that were found equal then. --always (make reproducible) builds.
EOF
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
always=''
case ${1-}:$# in
    :0) ;;
    --always:1) always=yes ;;
    -h:1|--help:1) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
esac
out=$(realpath out)
second=$(mktemp -d "$out/second.XXXXXX")
trap 'rm -rf "$second"' EXIT
files=(images/layers/{base,node,worker,controller}.squashfs initramfs/initramfs.img initramfs/vmlinuz)
mkdir "$second/green"
(cd "$out" && sha256sum "${files[@]}") > "$second/green/sums"
{
    printf 'reproducible layers and initramfs\n'
    sha256sum < tests/reproducible.sh
    (cd "$out" && cat images/layers/{base,node,worker,controller}.inputs initramfs/inputs)
} > "$second/inputs"

for layer in base node worker controller; do
    epoch=$(sed -n 's/^epoch \([0-9]*\),.*/\1/p' "$out/images/state/$layer.inputs")
    [[ $(unsquashfs -fstime "$out/images/layers/$layer.squashfs") == "$epoch" ]] ||
        { printf 'reproducible: FAILED: the time in %s is not that of its last commit, %s\n' "$layer" "$epoch"; exit 1; }
done

if [[ -z $always ]] && images/cache.sh get green "$second/inputs" "$second/known"; then
    if diff "$second/known/sums" "$second/green/sums"; then
        printf 'reproducible: not built again: these inputs are known to give these bytes, from two builds (make reproducible builds)\n'
        exit 0
    fi
    printf 'reproducible: the bytes DIFFER from those that two builds of the same inputs gave; built again:\n'
fi

components=()
[[ ! -e $out/images/roots/controller/usr/bin/kube-apiserver ]] || components+=(--kubernetes "$out/kubernetes")
[[ ! -e $out/images/roots/controller/usr/bin/ceph-mon ]] || components+=(--ceph)
printf 'reproducible: building a second time, without the cache\n'
# The same state of the archive, which is an input.
OPEROS_CACHE='' images/build.sh --out "$second/images" "${components[@]}" --cache "$out/images/apt-cache" \
    --indexes "$out/images/state/apt" > "$second/log" 2>&1 ||
    { tail -n 20 "$second/log"; exit 1; }
initramfs/pack.sh --root "$second/images/roots/base" --kernel "$second/images/kernel" --init out/bin/operos-init --out "$second/initramfs" \
    > /dev/null
status=0
for file in "${files[@]}"; do
    if cmp -s "$out/$file" "$second/$file"; then
        printf 'reproducible: %-36s %s\n' "$file" "$(sha256sum < "$second/$file" | cut -c1-16)"
    else
        printf 'reproducible: %-36s DIFFERS: ' "$file"
        cmp "$out/$file" "$second/$file" || true
        status=1
    fi
done
if ((status)); then
    diff -rq --no-dereference "$out/images/roots" "$second/images/roots" 2> /dev/null | grep -v ' special file ' | head -n 20 || true
    # Times, owners and modes, which a comparison of files does not see.
    for file in "${files[@]}"; do
        [[ $file == *.squashfs ]] || continue
        diff <(unsquashfs -lln "$out/$file") <(unsquashfs -lln "$second/$file") | head -n 20 || true
    done
else
    images/cache.sh put green "$second/inputs" "$second/green" sums
fi
exit $status

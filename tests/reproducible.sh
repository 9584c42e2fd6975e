#!/usr/bin/env bash
# Builds the layers and the initramfs a second time, elsewhere and without the cache, and compares them byte by byte with the first.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: tests/reproducible.sh [--always]

What was compared and equal is noted in the cache (kind "green"), each layer and the initramfs under the hash of its inputs.
Of what is noted, only the first build's SHA-256 are compared with those that were found equal then; the rest is built,
on what is noted of the layers below. --always (make reproducible) builds all.
USAGE
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
layers=(base node worker controller)
mkdir -p "$second"/{green,images/{layers,roots}}

files_of() { # PART
    if [[ $1 == initramfs ]]; then printf '%s\n' initramfs/{initramfs.img,vmlinuz}; else printf 'images/layers/%s.squashfs\n' "$1"; fi
}
# What its bytes depend on, and how they are compared. A layer's inputs name those below it.
inputs_of() { # PART
    printf 'reproducible: %s\n' "$1"
    sha256sum < tests/reproducible.sh
    if [[ $1 == initramfs ]]; then cat "$out/initramfs/inputs"; else cat "$out/images/state/$1.inputs"; fi
}
# Stands in for a second build, which found the same bytes.
take_first() { # LAYER
    ln -s "$out/images/roots/$1" "$second/images/roots/$1"
    ln -s "$out/images/layers/$1".{squashfs,inputs} "$second/images/layers/"
    [[ $1 != base ]] || ln -s "$out/images/kernel" "$second/images/kernel"
}

for layer in "${layers[@]}"; do
    epoch=$(sed -n 's/^epoch \([0-9]*\),.*/\1/p' "$out/images/state/$layer.inputs")
    [[ $(unsquashfs -fstime "$out/images/layers/$layer.squashfs") == "$epoch" ]] ||
        { printf 'reproducible: FAILED: the time in %s is not that of its last commit, %s\n' "$layer" "$epoch"; exit 1; }
done

unknown=()
for part in "${layers[@]}" initramfs; do
    inputs_of "$part" > "$second/$part.inputs"
    mkdir "$second/green/$part"
    mapfile -t files < <(files_of "$part")
    (cd "$out" && sha256sum "${files[@]}") > "$second/green/$part/sums"
    if [[ -z $always ]] && images/cache.sh get green "$second/$part.inputs" "$second/known/$part"; then
        if diff "$second/known/$part/sums" "$second/green/$part/sums"; then
            printf 'reproducible: %-10s not built again: these inputs are known to give these bytes, from two builds\n' "$part"
            [[ $part == initramfs ]] || take_first "$part"
            continue
        fi
        printf 'reproducible: %-10s the bytes DIFFER from those that two builds of the same inputs gave; built again\n' "$part"
    fi
    unknown+=("$part")
done
if ((! ${#unknown[@]})); then
    printf 'reproducible: make reproducible builds all of it\n'
    exit 0
fi

components=()
[[ ! -e $out/images/roots/controller/usr/bin/kube-apiserver ]] || components+=(--kubernetes "$out/kubernetes")
[[ ! -e $out/images/roots/controller/usr/bin/ceph-mon ]] || components+=(--ceph)
printf 'reproducible: %s: building a second time, without the cache\n' "${unknown[*]}"
# The same state of the archive, which is an input.
OPEROS_CACHE='' images/build.sh --out "$second/images" "${components[@]}" --cache "$out/images/apt-cache" \
    --indexes "$out/images/state/apt" > "$second/log" 2>&1 ||
    { tail -n 20 "$second/log"; exit 1; }
initramfs/pack.sh --root "$second/images/roots/base" --kernel "$second/images/kernel" --init out/bin/operos-init --out "$second/initramfs" \
    > /dev/null
status=0
for part in "${unknown[@]}"; do
    equal=yes
    mapfile -t files < <(files_of "$part")
    for file in "${files[@]}"; do
        if cmp -s "$out/$file" "$second/$file"; then
            printf 'reproducible: %-36s %s\n' "$file" "$(sha256sum < "$second/$file" | cut -c1-16)"
        else
            printf 'reproducible: %-36s DIFFERS: ' "$file"
            cmp "$out/$file" "$second/$file" || true
            equal=''
            # Times, owners and modes, which a comparison of files does not see.
            [[ $file != *.squashfs ]] || diff <(unsquashfs -lln "$out/$file") <(unsquashfs -lln "$second/$file") | head -n 20 || true
        fi
    done
    if [[ -n $equal ]]; then images/cache.sh put green "$second/$part.inputs" "$second/green/$part" sums; else status=1; fi
done
if ((status)); then
    diff -rq --no-dereference "$out/images/roots" "$second/images/roots" 2> /dev/null | grep -v ' special file ' | head -n 20 || true
fi
exit $status

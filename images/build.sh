#!/usr/bin/env bash
# Builds every layer whose inputs changed, lowest first.
set -euo pipefail

usage() {
    cat <<'EOF'
usage: images/build.sh [--out DIR] [--bin DIR] [--cache DIR] [LAYER...]

Builds the layers (default: all) into DIR (default out/images): layers/*.squashfs, roots/, kernel/.
A layer is built again when its folder, its binaries, the builder or a layer below it changed.
EOF
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$here/../out/images bin=$here/../out/bin cache='' wanted=()
while (($#)); do
    case $1 in
        --out) out=$2; shift 2 ;;
        --bin) bin=$2; shift 2 ;;
        --cache) cache=$2; shift 2 ;;
        -h|--help) usage; exit 0 ;;
        -*) usage >&2; exit 2 ;;
        *) wanted+=("$1"); shift ;;
    esac
done
((${#wanted[@]})) || wanted=(base node worker controller)

# Layer -> the layers under it, lowest first.
declare -A below=([base]='' [node]='base' [worker]='base,node' [controller]='base,node')

input_hash() { # LAYER: everything its bytes depend on
    local layer=$1 binary
    {
        printf '%s %s %s\n' "${SOURCE_DATE_EPOCH:-0}" "${SQUASHFS_LEVEL:-}" "${below[$layer]}"
        (cd "$here" && find "$layer" distro build-layer.sh -type f -print0 | sort -z | xargs -0 sha256sum)
        (cd "$here" && find "$layer" -type f -printf '%m %p\n' | sort)
        if [[ -f $here/$layer/install ]]; then
            while read -r binary _; do sha256sum < "$bin/$binary"; done < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$here/$layer/install")
        fi
        local name
        for name in ${below[$layer]//,/ }; do cat "$out/layers/$name.inputs"; done
    } | sha256sum | cut -d' ' -f1
}

mkdir -p "$out/layers"
for layer in "${wanted[@]}"; do
    hash=$(input_hash "$layer")
    if [[ -f $out/layers/$layer.squashfs && $(cat "$out/layers/$layer.inputs" 2>/dev/null) == "$hash" ]]; then
        printf 'images: %-11s unchanged\n' "$layer"
        continue
    fi
    printf 'images: %-11s building ...\n' "$layer"
    start=$SECONDS
    rm -f "$out/layers/$layer.inputs"
    "$here/build-layer.sh" "$layer" --out "$out" ${below[$layer]:+--below "${below[$layer]}"} --bin "$bin" ${cache:+--cache "$cache"}
    printf '%s\n' "$hash" > "$out/layers/$layer.inputs"
    printf 'images: %-11s %6.1f MB in %d s\n' "$layer" "$(stat -c '%s' "$out/layers/$layer.squashfs" | awk '{ print $1 / 1e6 }')" $((SECONDS - start))
done

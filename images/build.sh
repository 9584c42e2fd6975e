#!/usr/bin/env bash
# Builds every layer whose inputs changed, lowest first.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: images/build.sh [--out DIR] [--bin DIR] [--kubernetes DIR] [--cache DIR] [LAYER...]

Builds the layers (default: all) and those below them into DIR (default out/images): layers/*.squashfs, roots/, kernel/.
With --kubernetes (out/kubernetes) the layers' Kubernetes component is built in.
A layer is built again when its folder, its binaries, the builder or a layer below it changed.
USAGE
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$here/../out/images bin=$here/../out/bin kubernetes='' cache='' wanted=()
while (($#)); do
    case $1 in
        --out) out=${2:?--out needs a folder}; shift 2 ;;
        --bin) bin=${2:?--bin needs a folder}; shift 2 ;;
        --kubernetes) kubernetes=${2:?--kubernetes needs a folder}; shift 2 ;;
        --cache) cache=${2:?--cache needs a folder}; shift 2 ;;
        -h|--help) usage; exit 0 ;;
        -*) usage >&2; exit 2 ;;
        *) wanted+=("$1"); shift ;;
    esac
done

# In the order of building; layer -> the layers under it, lowest first.
order=(base node worker controller)
declare -A below=([base]='' [node]='base' [worker]='base,node' [controller]='base,node')
((${#wanted[@]})) || wanted=("${order[@]}")
needed=,
for layer in "${wanted[@]}"; do
    [[ -v below[$layer] ]] || { printf 'images: no layer %s; there are %s\n' "$layer" "${order[*]}" >&2; exit 2; }
    needed+=$layer,${below[$layer]},
done

input_hash() { # LAYER: everything its bytes depend on, but for the mirror's state
    local layer=$1 list file name
    {
        printf '%s %s %s %s\n' "${SOURCE_DATE_EPOCH:-0}" "${SQUASHFS_LEVEL:-}" "${below[$layer]}" "${kubernetes:+kubernetes}"
        (cd "$here" && find "$layer" distro build-layer.sh accounts -type f -print0 | sort -z | xargs -0 sha256sum)
        (cd "$here" && find "$layer" \( -type f -o -type l \) -printf '%m %p %l\n' | sort)
        for list in "$here/$layer/install" ${kubernetes:+"$here/$layer/kubernetes/install"}; do
            [[ -f $list ]] || continue
            while read -r file _; do
                case $file in
                    kubernetes/*) sha256sum < "$kubernetes/${file#kubernetes/}" ;;
                    *) sha256sum < "$bin/$file" ;;
                esac
            done < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$list")
        done
        for name in ${below[$layer]//,/ }; do cat "$out/layers/$name.inputs"; done
    } | sha256sum | cut -d' ' -f1
}
megabytes() { stat -c '%s' "$@" | awk '{ bytes += $1 } END { printf "%.1f", bytes / 1e6 }'; }

mkdir -p "$out/layers"
exec 9> "$out/.lock"
flock -n 9 || { printf 'images: waiting for another build in %s\n' "$out"; flock 9; }
for layer in "${order[@]}"; do
    [[ $needed == *",$layer,"* ]] || continue
    file=$out/layers/$layer.squashfs
    hash=$(input_hash "$layer")
    if [[ -f $file && -d $out/roots/$layer && $(cat "$out/layers/$layer.inputs" 2>/dev/null) == "$hash" ]]; then
        printf 'images: %-10s %7s MB  unchanged\n' "$layer" "$(megabytes "$file")"
        continue
    fi
    printf 'images: %-10s building\n' "$layer"
    start=$SECONDS
    rm -f "$out/layers/$layer.inputs"
    "$here/build-layer.sh" "$layer" --out "$out" ${below[$layer]:+--below "${below[$layer]}"} --bin "$bin" ${kubernetes:+--kubernetes "$kubernetes"} ${cache:+--cache "$cache"}
    printf '%s\n' "$hash" > "$out/layers/$layer.inputs"
    printf 'images: %-10s %7s MB  built in %d s\n' "$layer" "$(megabytes "$file")" $((SECONDS - start))
done
if [[ $needed == *,worker,* ]]; then
    printf 'images: a worker holds %s MB in RAM\n' "$(megabytes "$out"/layers/{base,node,worker}.squashfs)"
fi
